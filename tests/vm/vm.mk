# SPDX-License-Identifier: MIT
# VM tests: programs that run inside Boxwork and print TAP, each in a machine of its own.
#
# tests/vm/test_NAME.c is one program. A line "// vm: OPTIONS" among its first ten is added to the launcher's options;
# "// vm: smp" runs it on 1, 2 and 4 CPUs instead of on 2, "// vm: cpus=4,8" on those, "// vm: exact" on 1 and 2 whose clock
# counts instructions. Each such run is a small script, build/vm/run/NAME.CPUS.t; CPUS is exact1 or exact2 for the last.
# Files in a folder tests/vm/NAME are linked with test_NAME.

VM_TESTS := $(patsubst tests/vm/test_%.c,%,$(sort $(wildcard tests/vm/test_*.c)))
VM_TAGS = $(shell sed -n '1,10s,^// vm:,,p' tests/vm/test_$(1).c)
VM_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-clobbered -Wno-array-bounds -Werror -static -pthread -I.
VM_SUPPORT := $(filter-out $(wildcard tests/vm/test_*.c),$(wildcard tests/vm/*.c))
VM_PROGRAMS := $(VM_TESTS:%=$(BUILD)/vm/test_%)
COMMA := ,
VM_CPUS_smp := 1 2 4
VM_CPUS_exact := exact1 exact2
VM_CPUS_TAG = $(filter smp exact cpus=%,$(call VM_TAGS,$(1)))
VM_CPUS = $(or $(subst $(COMMA), ,$(patsubst cpus=%,%,$(filter cpus=%,$(call VM_CPUS_TAG,$(1))))),$(VM_CPUS_$(call VM_CPUS_TAG,$(1))),2)
VM_OPTIONS = --cpus $(2:exact%=%) $(if $(filter exact%,$(2)),--exact) $(filter-out smp exact cpus=%,$(call VM_TAGS,$(1)))
VM_RUNS := $(foreach test,$(VM_TESTS),$(foreach cpus,$(call VM_CPUS,$(test)),$(BUILD)/vm/run/$(test).$(cpus).t))
VM_IMAGE := $(BUILD)/test.cpio

$(BUILD)/vm/test_%: tests/vm/test_%.c $(VM_SUPPORT) $(wildcard tests/vm/*.h) tests/vm/vm.mk
	@mkdir -p $(@D)
	@echo "  MUSL    $@"
	@$(MUSL_CC) $(VM_CFLAGS) $(filter %.c,$^) -o $@
$(foreach test,$(VM_TESTS),$(eval $(BUILD)/vm/test_$(test): $(wildcard tests/vm/$(test)/*)))
$(BUILD)/vm/test_visible: docs/visible.md # which it contains
$(BUILD)/vm/test_libbox: $(LIBBOX)
$(BUILD)/vm/test_rights: docs/rights.md

# $(1): test; $(2): CPUs.
define VM_RUN
$(BUILD)/vm/run/$(1).$(2).t: tests/vm/test_$(1).c tests/vm/vm.mk
	@mkdir -p $$(@D)
	@echo '#!/bin/sh' >$$@
	@echo 'exec tests/vm/run $(call VM_OPTIONS,$(1),$(2)) -- /bin/test_$(1) "$$$$@"' >>$$@
	@chmod +x $$@
endef
$(foreach test,$(VM_TESTS),$(foreach cpus,$(call VM_CPUS,$(test)),$(eval $(call VM_RUN,$(test),$(cpus)))))

$(BUILD)/test.list: tests/vm/vm.mk $(wildcard tests/vm/test_*.c)
	@mkdir -p $(@D)
	@for test in $(VM_TESTS); do echo "file /bin/test_$$test 0755 $(BUILD)/vm/test_$$test"; done >$@
	@for example in $(notdir $(EXAMPLES)); do echo "file /bin/$$example 0755 $(BUILD)/user/$$example"; done >>$@
	@echo 'file /bin/smoke.sh 0755 tests/smoke/smoke.sh' >>$@

$(VM_IMAGE): $(BUILD)/boot.cpio $(BUILD)/test.list $(VM_PROGRAMS) $(EXAMPLES) tests/smoke/smoke.sh
	@echo "  CPIO    $@"
	@$(BUILD)/host/mkcpio $@ user/boot.list $(BUILD)/busybox.list $(BUILD)/test.list
