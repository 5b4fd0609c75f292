# SPDX-License-Identifier: MIT
# Fuzzers: libFuzzer over the parsers that read what a program or a file made. `make fuzz` runs each a fixed number of inputs from
# a fixed seed; RUNS=n and FUZZ_SEED=n set others. The sources that one is linked with stand in its line "// fuzz: FILES".

FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_TESTS := $(FUZZERS:%=$(BUILD)/fuzz/%.t)
FUZZ_SOURCES = $(shell sed -n '1,10s,^// fuzz:,,p' tests/fuzz/$(1).c)
FUZZ_CFLAGS := -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I.
RUNS := 300000
FUZZ_SEED := 1

.PHONY: fuzz
fuzz: $(FUZZ_TESTS)
	@$(PROVE) --timer $(FUZZ_TESTS)

# $(1): fuzzer.
define FUZZ_PROGRAM
$(BUILD)/fuzz/$(1): tests/fuzz/$(1).c $(call FUZZ_SOURCES,$(1)) $(UNIT_HEADERS) tests/fuzz/fuzz.mk
	@mkdir -p $$(@D)
	@echo "  FUZZ    $$@"
	@clang $(FUZZ_CFLAGS) tests/fuzz/$(1).c $(call FUZZ_SOURCES,$(1)) -o $$@

$(BUILD)/fuzz/$(1).t: $(BUILD)/fuzz/$(1) tests/fuzz/run
	@printf '#!/bin/sh\nexec tests/fuzz/run $(BUILD)/fuzz/$(1) $(RUNS) $(FUZZ_SEED)\n' >$$@
	@chmod +x $$@
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call FUZZ_PROGRAM,$(fuzzer))))
