#!/bin/sh
# Builds the databases from WORK/packages (see fetch.sh), checks them and writes
# them to signatures/databases. One thread; a little over two minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/../../target/data}
work=$(cd "$work" && pwd)
out=$here/../../signatures/databases
export PYTHONDONTWRITEBYTECODE=1

[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q -r "$here/requirements.txt"

"$work/venv/bin/python" "$here/build_geo.py" "$work/packages" "$work/geo.mmdb"
"$work/venv/bin/python" "$here/build_oui.py" "$work/packages" "$work/oui.tsv"
"$work/venv/bin/python" "$here/build_distance.py" "$work/packages" "$work/distance.tsv"
"$work/venv/bin/python" "$here/verify_geo.py" "$work/packages" "$work/geo.mmdb"
"$work/venv/bin/python" "$here/verify_distance.py" "$work/distance.tsv"

for file in geo.mmdb oui.tsv distance.tsv; do
    # From a file, so that the frame header carries the content size.
    zstd -q -f --ultra -19 --single-thread "$work/$file" -o "$out/$file.zst"
    (cd "$work" && sha256sum "$file")
done
