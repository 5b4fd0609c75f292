# SPDX-License-Identifier: MIT
# The benchmark against Linux; docs/performance.md says what it measures and how to read it.
#
#   make bench            both systems, exact and by the clock: table, TSV and charts in build/bench
#   make bench BASE=rev   this tree against another revision of Boxwork, exact
#   make bench-exact      the exact mode alone
#   make bench-budget     Boxwork against tests/bench/budget.tsv; fails if a line is over 5 % worse, or rose without a reason
#   make bench-rebase     writes the measured figures into the budget
#   make bench-limits     the least that each line can cost, beside what it costs
#   make bench-start      from the start of the launcher to its exit, in milliseconds
#   make bench-document   puts the tables of the last `make bench` into docs/performance.md
#   make profile LINE=x   where the instructions of a line go

BENCH := $(BUILD)/bench
BENCH_RUN := perl -Itools/bench tools/bench/bench.pl $(BENCH)
LUA := $(BENCH)/lua/usr
BENCH_SOURCES := $(filter-out tests/bench/lua_main.c,$(wildcard tests/bench/*.c))
# At an address that no kernel uses while it starts: the profiler knows its first instruction by it.
BENCH_LDFLAGS := -static -Wl,-Ttext-segment=0x70000000

.PHONY: bench bench-exact bench-budget bench-rebase bench-limits bench-document bench-start bench-programs bench-deps \
	bench-linux bench-lua profile

bench: bench-deps kernel bench-programs bench-linux
	@$(BENCH_RUN) $(if $(BASE),base $(BASE),compare)

bench-exact: bench-deps kernel bench-programs bench-linux
	@$(BENCH_RUN) exact

bench-budget: kernel bench-programs
	@$(BENCH_RUN) budget

bench-rebase: kernel bench-programs bench-linux
	@$(BENCH_RUN) rebase

bench-limits: kernel bench-programs
	@$(BENCH_RUN) limits

bench-document:
	@$(BENCH_RUN) document

bench-start: all $(BENCH)/nothing
	@tools/bench/start.pl $(BENCH)

$(BENCH)/nothing: tests/bench/nothing.S tools/bench.mk
	@mkdir -p $(@D)
	@$(CC) -nostdlib -static -no-pie -Wl,-Ttext-segment=0x100000,-z,noseparate-code,--build-id=none $< -o $@

profile: kernel bench-programs
	@$(if $(LINE),,$(error make profile LINE=x: name a line of the benchmark))
	@$(BENCH_RUN) profile $(LINE)

# The charts' program, and git.
bench-deps:
	@tools/deps.sh bench

bench-linux:
	@tools/bench/fetch.sh $(BENCH) linux

bench-lua:
	@tools/bench/fetch.sh $(BENCH) lua

bench-programs: $(BENCH)/bench $(BENCH)/tiny $(BENCH)/count.so $(BUILD)/host/mkcpio $(BENCH)/lua.static

$(BENCH)/bench: $(BENCH_SOURCES) $(wildcard tests/bench/*.h abi/*.h) tools/bench.mk
	@mkdir -p $(@D)
	@echo "  MUSL    $@"
	@$(MUSL_CC) $(USER_CFLAGS) -D_GNU_SOURCE $(BENCH_LDFLAGS) $(BENCH_SOURCES) -o $@

$(BENCH)/tiny: tests/bench/tiny.S tools/bench.mk
	@mkdir -p $(@D)
	@$(CC) -nostdlib -static -s -Wl,-z,noseparate-code,--build-id=none $< -o $@

# Debian has Lua's library, built for glibc; what a static program cannot load, no script here asks
# for.
$(BENCH)/lua.static: tests/bench/lua_main.c tools/bench.mk | bench-lua
	@echo "  CC      $@"
	@$(CC) -O2 -static -o $@ $< $(LUA:%=-I%/include/lua5.4) $(LUA:%=-I%/include/x86_64-linux-gnu) \
		$(LUA)/lib/x86_64-linux-gnu/liblua5.4.a -lm 2>$@.log || { cat $@.log >&2; exit 1; }

$(BENCH)/count.so: tools/bench/count.c tools/bench/qemu_plugin.h tools/bench.mk
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -fPIC -shared -o $@ $<
