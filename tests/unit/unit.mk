# SPDX-License-Identifier: MIT
# Unit tests: programs for the host over lib/ and the pure files of the kernel, by gcc and by clang, with sanitizers.
# The sources that a test is linked with stand in its line "// unit: FILES", flags of its own in "// unit-flags: FLAGS".

UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wno-sign-compare -Wno-unused-parameter -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -I.
UNIT_TESTS := $(patsubst tests/unit/test_%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_SOURCES = $(shell sed -n '1,10s,^// unit:,,p' tests/unit/test_$(1).c)
UNIT_FLAGS = $(shell sed -n '1,10s,^// unit-flags:,,p' tests/unit/test_$(1).c)
UNIT_HEADERS := $(wildcard lib/*/*.h abi/*.h kernel/*/*.h kernel/*/*/*.h host/*.h tests/unit/*.h tests/unit/*.def)
UNIT_GCC := $(UNIT_TESTS:%=$(BUILD)/unit/gcc/%.t)
UNIT_CLANG := $(UNIT_TESTS:%=$(BUILD)/unit/clang/%.t)

.PHONY: unit
unit: $(UNIT_GCC) $(UNIT_CLANG)
	@prove --exec '' $(UNIT_GCC) $(UNIT_CLANG)

# $(1): compiler; $(2): test.
define UNIT_PROGRAM
$(BUILD)/unit/$(1)/$(2).t: tests/unit/test_$(2).c $(call UNIT_SOURCES,$(2)) $(UNIT_HEADERS) tests/unit/unit.mk
	@mkdir -p $$(@D)
	@echo "  UNIT    $$@"
	@$(1) $(UNIT_CFLAGS) $(call UNIT_FLAGS,$(2)) tests/unit/test_$(2).c $(call UNIT_SOURCES,$(2)) -o $$@
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_PROGRAM,gcc,$(test))))
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_PROGRAM,clang,$(test))))
