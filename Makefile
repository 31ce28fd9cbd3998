# The two commands of the README are `make start` and `make test`; the rest are the routines of those who work here.

# rustup's folder comes last: a shell that has not been opened anew since Rust was installed does not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# The fuzz targets are a workspace of their own. Checked this way they need neither nightly nor a C++ compiler, and
# nothing is compiled twice.
fuzz_lint := cargo clippy --locked --manifest-path fuzz/Cargo.toml --no-default-features --target-dir target

.DEFAULT_GOAL := help
.PHONY: help start test check generate fmt fuzz mutants bench

help: ## This table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# The same debug build as the tests: it is ready in less than half the time of an optimised one.
start: ## Build and run the demo (ARGS="--listen 127.0.0.1:0" for a free port)
	@scripts/install-needs build
	cargo run --locked --package passthrough -- demo $(ARGS)

# Doc tests go first, so that the last lines are the summary of the main run.
test: ## Install what the tests need, check format and lints, run all tests against real servers
	@scripts/install-needs test
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(fuzz_lint) -- -D warnings
	cargo test --locked --workspace --doc --quiet
	@scripts/with-real-servers scripts/run-tests

check: ## Everything that needs no test run: format, lints, documentation, licences and bans
	@scripts/install-needs build
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(fuzz_lint) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	@if command -v cargo-deny >/dev/null; then set -x; cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed, so deny.toml was not checked; hint: cargo install --locked cargo-deny"; fi

# A test fails when what is committed is not what the code generates.
generate: ## Write what is generated from the code: openapi.json, providers/schema.json, parts of docs/ and of the SDKs
	cargo build --locked --package passthrough
	target/debug/passthrough openapi > openapi.json
	target/debug/passthrough provider schema > providers/schema.json
	scripts/generate-docs target/debug/passthrough
	scripts/with-typescript npm run --silent generate
	python3 sdks/python/scripts/generate.py
	PASSTHROUGH_TEST_WRITE=1 cargo test --locked --quiet --package passthrough --test it the_committed_list_of_misbehaviours

fmt: ## Format the Rust code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

fuzz: ## Run every fuzz target for FUZZ_SECONDS (60) each; needs nightly and cargo-fuzz
	@scripts/fuzz

mutants: ## Break the guards one line at a time and see that a test notices; needs cargo-mutants
	@scripts/mutants

bench: ## Measure the program beside nginx, 10 minutes, and write bench/RESULTS.md (ARGS=steps: the pure steps)
	@scripts/bench $(ARGS)
