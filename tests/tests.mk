# SPDX-License-Identifier: MIT
# The tests: unit (on the host), vm (programs in the VM), smoke (a shell script on every machine), host (the launcher).
# make test runs them; with FAULT=NAME those that the planted fault must turn red.

VM_NEEDS = kernel-debug launcher $(VM_IMAGE)
PROVE := prove --failures --comments --jobs 2 --exec ''

include tests/unit/unit.mk
include tests/vm/vm.mk
include tests/smoke/smoke.mk

HOST_TESTS := $(sort $(wildcard tests/host/*.t))
CI_SEEDS := 1 2
CI_FAULTS := leak-page leak-slab leak-fd leak-timer panic hang

.PHONY: vm host-tests do-test do-ci-extra faults
vm: $(VM_NEEDS) $(VM_RUNS)
	@$(PROVE) $(VM_RUNS)

host-tests: all $(VM_NEEDS)
	@$(PROVE) $(HOST_TESTS)

ifeq ($(FAULT),)
do-test: all $(VM_NEEDS) $(VM_RUNS) $(SMOKE_DIRECT) $(UNIT_GCC) $(UNIT_CLANG)
	@$(PROVE) --timer $(UNIT_GCC) $(UNIT_CLANG) $(HOST_TESTS) $(VM_RUNS) $(SMOKE_DIRECT)
else
do-test: $(VM_NEEDS)
	@tests/fault $(FAULT)
endif

# The full figures of the kills: 10,000, at least 50 at each point, on 4 CPUs.
.PHONY: soak-kill
soak-kill: $(VM_NEEDS)
	@tests/vm/run --cpus 4 -m 512M --timeout 60m -e KILLS=10000 -e KILLS_EACH=50 -- /bin/test_kill

# Every fault that tests/faults.txt lists.
faults: $(VM_NEEDS)
	@tests/fault $$(sed -n 's/^\([a-z][a-z-]*\)[[:blank:]].*/\1/p' tests/faults.txt | sort -u)

# The VM tests of SMP under two schedules of the perturber, the ISO, planted faults, the budget of the benchmark.
do-ci-extra: all $(VM_NEEDS) $(VM_RUNS) $(SMOKE_ISO) $(SMOKE)/smoke.iso
	@for seed in $(CI_SEEDS); do APPEND=perturb=$$seed $(PROVE) --timer $(filter %.4.t,$(VM_RUNS)) || exit 1; done
	@$(PROVE) --timer $(SMOKE_ISO)
	@$(MAKE) --no-print-directory bench-budget
	@tests/fault $(CI_FAULTS)
