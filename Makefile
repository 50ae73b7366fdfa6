# run        a broker on localhost:9092, built for speed, without configuration
# test       everything that shows that it works, bounded: 30 minutes on 2 cores from a clean clone
# test-long  the same with more seeds, rounds and kills: before an issue is called done
# record     asks Apache Kafka anew what tests/golden/answers holds (names of recordings in ARGS); needs Java, Maven and a few minutes
# lint       formatting and clippy, without a warning
# compat     other people's clients and tools against a real broker (arguments in ARGS, see compat/README.md)
# fuzz       the fuzz targets, FUZZ_SECONDS each; needs a C++ compiler for libFuzzer
# bench      figures beside Apache Kafka's in the same run

CARGO ?= cargo
FUZZ_SECONDS ?= 60

.PHONY: run test test-long record lint compat fuzz bench

run:
	$(CARGO) run --release

# One dev build serves the tests and compat: cargo test makes target/debug/klamm too.
test:
	$(CARGO) test
	compat/run

test-long:
	KLAMM_SIM_SEEDS=2000 KLAMM_DECODE_ROUNDS=100 KLAMM_FLOOD_BYTES=2097152 $(CARGO) test -- --include-ignored --skip answers::record
	compat/run --long

record:
	$(CARGO) test --no-run --test it
	tests/golden/answers/record.py $(ARGS)

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- -D warnings

compat:
	$(CARGO) test --no-run
	compat/run $(ARGS)

# What a run learns stays in target/fuzz/corpus, and an input that fails is named and kept in target/fuzz.
fuzz:
	mkdir -p target/fuzz/corpus/requests target/fuzz/corpus/batches target/fuzz/corpus/strangers
	cd tests/fuzz && $(CARGO) run --release --bin requests -- \
		../../target/fuzz/corpus/requests -artifact_prefix=../../target/fuzz/requests- -max_total_time=$(FUZZ_SECONDS)
	cd tests/fuzz && $(CARGO) run --release --bin batches -- \
		../../target/fuzz/corpus/batches ../golden/batches -artifact_prefix=../../target/fuzz/batches- -max_total_time=$(FUZZ_SECONDS)
	cd tests/fuzz && $(CARGO) run --release --bin strangers -- ../../target/fuzz/corpus/strangers corpus/strangers \
		-artifact_prefix=../../target/fuzz/strangers- -max_total_time=$(FUZZ_SECONDS) -max_len=2000 -rss_limit_mb=4096

bench:
	$(CARGO) build --release
	benches/run $(ARGS)
