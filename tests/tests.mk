# SPDX-License-Identifier: MIT
# The tests: unit (on the host), vm (programs in the VM), smoke (a shell script on every machine), host (the launcher).
# make test runs them; with FAULT=NAME those that the planted fault must turn red.

VM_NEEDS = kernel-debug launcher $(VM_IMAGE)
PROVE := prove --failures --comments --jobs 2 --exec tests/keep

include tests/unit/unit.mk
include tests/vm/vm.mk
include tests/smoke/smoke.mk
include tests/fuzz/fuzz.mk

HOST_TESTS := $(sort $(wildcard tests/host/*.t))
CI_SEEDS := 1 2
CI_FAULTS := leak-page leak-slab leak-fd leak-timer irqs-off panic hang

.PHONY: vm host-tests do-test do-ci-extra faults
vm: $(VM_NEEDS) $(VM_RUNS)
	@$(PROVE) $(VM_RUNS)

host-tests: all $(VM_NEEDS)
	@$(PROVE) $(HOST_TESTS)

ifeq ($(FAULT),)
do-test: all $(VM_NEEDS) $(VM_RUNS) $(SMOKE_DIRECT) $(UNIT_GCC) $(UNIT_CLANG)
	@rm -rf $(BUILD)/tap
	@$(PROVE) --timer $(UNIT_GCC) $(UNIT_CLANG) $(HOST_TESTS) $(VM_RUNS) $(SMOKE_DIRECT)
	@tools/check-seeds --ran $(BUILD)/tap
else
do-test: $(VM_NEEDS)
	@tests/fault $(FAULT)
endif

# The full figures: kills at every step, an hour of mixed load, and every VM test, on the most CPUs that it runs on, under each seed
# of the perturber.
MINUTES := 60
SEEDS := 1-20
SEED_LIST = $(shell seq $(subst -, ,$(SEEDS)))
SEED_RUNS = $(filter-out %.exact2.t,$(foreach test,$(VM_TESTS),$(BUILD)/vm/run/$(test).$(lastword $(call VM_CPUS,$(test))).t))
RUN_LOAD = tests/vm/run --cpus 4 -m 512M --timeout $(1)m -e SECONDS=$(2) -- /bin/test_load

.PHONY: soak soak-kill soak-load soak-seeds races
soak:
	@$(MAKE) --no-print-directory soak-kill
	@$(MAKE) --no-print-directory soak-load
	@$(MAKE) --no-print-directory races soak-seeds

soak-kill: $(VM_NEEDS)
	@tests/vm/run --cpus 4 -m 512M --timeout 60m -e KILLS=10000 -e KILLS_EACH=50 -- /bin/test_kill

soak-load: $(VM_NEEDS)
	@[ "$(MINUTES)" -ge 1 ] && [ "$(MINUTES)" -le 60 ] || { echo 'MINUTES must be a number from 1 to 60' >&2; exit 2; }
	@$(call RUN_LOAD,$$(($(MINUTES) + 10)),$$(($(MINUTES) * 60)))

soak-seeds: $(VM_NEEDS) $(SEED_RUNS)
	@[ -n "$(SEED_LIST)" ] || { echo 'SEEDS must be two numbers, as 1-20' >&2; exit 2; }
	@for seed in $(SEED_LIST); do echo "seed $$seed"; APPEND=perturb=$$seed $(PROVE) $(SEED_RUNS) || exit 1; done

# The races that are planted, to see that the perturber finds them.
races: $(VM_NEEDS)
	@tests/race

# The model of a box's life, searched whole: docs/model.md.
.PHONY: model
model:
	@$(PROVE) --timer tests/model/life.t

# Every fault that tests/faults.txt lists.
faults: $(VM_NEEDS)
	@tests/fault $$(sed -n 's/^\([a-z][a-z-]*\)[[:blank:]].*/\1/p' tests/faults.txt | sort -u | grep -vx control)

# A planted fault as a test that prove reads.
$(BUILD)/fault/%.t: tests/tests.mk
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/fault $*\n' >$@
	@chmod +x $@

# The VM tests under two schedules of the perturber, a minute of mixed load, the races, the ISO, the model, the fuzzers, planted
# faults, the budget of the benchmark.
do-ci-extra: all $(VM_NEEDS) $(SEED_RUNS) $(SMOKE_ISO) $(SMOKE_ISOS) $(FUZZ_TESTS) $(CI_FAULTS:%=$(BUILD)/fault/%.t)
	@for seed in $(CI_SEEDS); do APPEND=perturb=$$seed $(PROVE) --timer $(SEED_RUNS) || exit 1; done
	@$(call RUN_LOAD,4,60)
	@tests/race
	@$(PROVE) --timer tests/model/life.t $(FUZZ_TESTS) $(SMOKE_ISO) $(CI_FAULTS:%=$(BUILD)/fault/%.t)
	@$(MAKE) --no-print-directory bench-budget
