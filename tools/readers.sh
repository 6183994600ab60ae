# The programs of others that tests read our files with, in target/readers: Python's packages of
# tools/readers.txt and axe-core, which checks pages for accessibility. What is named by
# PHONEHOME_PYTHON and PHONEHOME_AXE already stays. Without them the tests concerned say "skipped".
# Usage: . tools/packages.sh; . tools/readers.sh; readers
readers() {
    folder=${CARGO_TARGET_DIR:-target}/readers
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    if [ -z "${PHONEHOME_PYTHON:-}" ]; then
        if ! cmp -s tools/readers.txt "$folder/installed.txt"; then
            python3 -c 'import ensurepip' 2>/dev/null || packages "some tests are skipped without" python3-venv || true
            if python3 -m venv "$folder/python" &&
                "$folder/python/bin/pip" install --quiet --disable-pip-version-check -r tools/readers.txt; then
                cp tools/readers.txt "$folder/installed.txt"
            else
                echo "phonehome: tests that read files back with Python's packages will be skipped" >&2
            fi
        fi
        if [ -e "$folder/installed.txt" ]; then
            PHONEHOME_PYTHON=$folder/python/bin/python
            export PHONEHOME_PYTHON
        fi
    fi
    if [ -z "${PHONEHOME_AXE:-}" ]; then
        axe=$folder/node_modules/axe-core/axe.min.js
        if [ ! -e "$axe" ] && command -v npm >/dev/null; then
            npm install --silent --no-audit --no-fund --prefix "$folder" axe-core@4 >/dev/null || true
        fi
        if [ -e "$axe" ]; then
            PHONEHOME_AXE=$axe
            export PHONEHOME_AXE
        fi
    fi
}
