# run        a broker on localhost:9092, built for speed, without configuration
# test       everything that shows that it works, bounded: 30 minutes on 2 cores from a clean clone
# test-long  the same with more seeds, kills and recordings: before an issue is called done
# lint       formatting and clippy, without a warning
# compat     other people's clients and tools against a real broker (arguments in ARGS, see compat/README.md)
# bench      figures beside Apache Kafka's in the same run

CARGO ?= cargo

.PHONY: run test test-long lint compat bench

run:
	$(CARGO) run --release

# One dev build serves the tests and compat: cargo test makes target/debug/klamm too.
test:
	$(CARGO) test
	compat/run

test-long:
	KLAMM_SIM_SEEDS=2000 KLAMM_DECODE_ROUNDS=100 $(CARGO) test -- --include-ignored
	compat/run --long

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- -D warnings

compat:
	$(CARGO) test --no-run
	compat/run $(ARGS)

bench:
	$(CARGO) build --release
	benches/run $(ARGS)
