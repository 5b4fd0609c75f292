# SPDX-License-Identifier: MIT
# Builds, runs and tests Boxwork; `make help` says what there is.
#
# Two kernels are built from the same sources: build/boxwork.elf, and build/debug/boxwork.elf, which checks lock ranks and
# can plant faults and refuse allocations (BOXWORK_DEBUG); the tests boot that one.

BUILD := build
CC := gcc
JOBS := $(shell nproc 2>/dev/null || echo 1)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-sign-compare -Werror

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help kernel kernel-debug image user launcher run test ci-extra deps clean

all: kernel image launcher

help:
	@cat tools/help.txt

# What a clean Debian lacks is installed first, so these are made by a make of their own.
run: deps
	@$(MAKE) --no-print-directory -j$(JOBS) do-$@

test:
	@tools/deps.sh test
	@$(MAKE) --no-print-directory -j$(JOBS) do-$@

ci-extra:
	@tools/deps.sh extra
	@$(MAKE) --no-print-directory -j$(JOBS) do-$@

deps:
	@tools/deps.sh

clean:
	rm -rf $(BUILD)

include tools/kernel.mk
include tools/user.mk
include tools/host.mk
include tools/bench.mk
include tools/lint.mk
include tools/iso.mk
include tools/debug.mk
include tests/tests.mk
include tests/programs/programs.mk

.PHONY: do-run
do-run: all
	@./boxwork run sh /usr/share/demo/hello.sh
