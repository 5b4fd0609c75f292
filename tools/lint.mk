# SPDX-License-Identifier: MIT
# lint.mk - checks that read the sources without running them: make lint; and make format.

C_FILES = $(shell git ls-files -co --exclude-standard '*.c')
H_FILES = $(shell git ls-files -co --exclude-standard '*.h')
KERNEL_C = $(filter kernel/% lib/%,$(C_FILES))
KERNEL_H = $(filter kernel/% lib/% abi/%,$(H_FILES))
# What clang needs to read the kernel as gcc builds it.
CLANG_FLAGS := --target=x86_64-elf -std=gnu11 -ffreestanding -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-pic -I. -isystem lib/freestanding -DBOXWORK_DEBUG -Wno-gnu -Wno-unknown-warning-option

LINTS := lint-edges lint-headers lint-thread-safety lint-cppcheck lint-tidy

.PHONY: lint lint-deps $(LINTS) format

lint: $(LINTS)

format $(LINTS): | lint-deps
lint-deps:
	@tools/deps.sh lint

# Includes go down the layers.
lint-edges:
	tools/lint-edges.pl $(KERNEL_C) $(KERNEL_H) $(filter kernel/%.S,$(shell git ls-files -co --exclude-standard '*.S'))

# Every header compiles alone, and includes at most six of ours.
lint-headers:
	@tools/lint-headers.sh "$(filter-out -Wmissing-prototypes,$(KERNEL_CFLAGS))" $(filter-out lib/freestanding/%,$(KERNEL_H))

# REQUIRES, EXCLUDES, ACQUIRES and RELEASES of prototypes hold.
lint-thread-safety:
	@for file in $(KERNEL_C); do \
		clang $(CLANG_FLAGS) -fsyntax-only -Wthread-safety -Werror=thread-safety $$file || exit 1; \
	done; echo "lint: lock annotations hold in $(words $(KERNEL_C)) files"

lint-cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
		--suppressions-list=tools/cppcheck.txt -j2 -DUINT64_MAX=0xffffffffffffffffULL -I. -Ilib/freestanding $(KERNEL_C)

lint-tidy:
	@clang-tidy --quiet $(KERNEL_C) -- $(CLANG_FLAGS) 2>/dev/null

format:
	clang-format -i $(C_FILES) $(H_FILES)
