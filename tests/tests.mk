# SPDX-License-Identifier: MIT
# The tests: unit (on the host), vm (programs in the VM), host (the launcher). make test runs all; FAULT=NAME those that a
# planted fault must turn red.

include tests/unit/unit.mk
include tests/vm/vm.mk

HOST_TESTS := $(sort $(wildcard tests/host/*.t))
SMOKE_TESTS := $(sort $(wildcard tests/smoke/*.t))
VM_NEEDS := kernel-debug launcher $(VM_IMAGE)
PROVE := prove --jobs 2 --exec ''

.PHONY: vm host-tests smoke do-test do-ci-extra
vm: $(VM_NEEDS) $(VM_RUNS)
	@$(PROVE) $(VM_RUNS)

host-tests: all $(VM_NEEDS)
	@$(PROVE) $(HOST_TESTS)

smoke: all $(VM_NEEDS)
	@$(PROVE) $(SMOKE_TESTS)

ifeq ($(FAULT),)
do-test: all $(VM_NEEDS) $(VM_RUNS) $(UNIT_GCC) $(UNIT_CLANG)
	@$(PROVE) --timer $(UNIT_GCC) $(UNIT_CLANG) $(VM_RUNS) $(HOST_TESTS) $(SMOKE_TESTS)
else
do-test: $(VM_NEEDS)
	@tests/fault $(FAULT)
endif
