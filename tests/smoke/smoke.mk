# SPDX-License-Identifier: MIT
# The smoke suite, smoke.sh, on every machine and way of booting, with little memory and with frames above 4 GiB.
#
# Each run is a small script, build/smoke/NAME.t. Those by ISO need the tools of `make iso`, and run in `make smoke` and
# `make ci-extra`; the others in `make test` too.

SMOKE := $(BUILD)/smoke
SMOKE_DIRECT := $(addprefix $(SMOKE)/,microvm-32M.t microvm-6G.t q35-32M.t q35-6G.t pc-32M.t pc-6G.t)
SMOKE_ISO := $(addprefix $(SMOKE)/,iso-bios-32M.t iso-bios-6G.t iso-uefi-256M.t iso-uefi-6G.t)
SMOKE_RUN := build/host/boxwork run --timeout 200s --hang 120s
OVMF := /usr/share/ovmf/OVMF.fd

# $(1): name; $(2): the launcher's options and program.
define SMOKE_SCRIPT
$(SMOKE)/$(1).t: tests/smoke/smoke.mk
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nexec $(SMOKE_RUN) $(2)\n' >$$@
	@chmod +x $$@
endef
SMOKE_DIRECTLY = --kernel build/debug/boxwork.elf --archive build/test.cpio $(1) -- /bin/smoke.sh
SMOKE_6G = -m 6G --cpus 2 -e SMOKE_HIGH=yes --bind "dev /dev rwc"
# The program that is named is passed over: the job in the ISO has it.
SMOKE_BY_ISO = --machine q35 --cdrom $(SMOKE)/$(1).iso $(2) -- true
$(eval $(call SMOKE_SCRIPT,microvm-32M,$(call SMOKE_DIRECTLY,-m 32M)))
$(eval $(call SMOKE_SCRIPT,microvm-6G,$(call SMOKE_DIRECTLY,$(SMOKE_6G))))
$(eval $(call SMOKE_SCRIPT,q35-32M,$(call SMOKE_DIRECTLY,--machine q35 -m 32M)))
$(eval $(call SMOKE_SCRIPT,q35-6G,$(call SMOKE_DIRECTLY,--machine q35 $(SMOKE_6G))))
$(eval $(call SMOKE_SCRIPT,pc-32M,$(call SMOKE_DIRECTLY,--machine pc -m 32M)))
$(eval $(call SMOKE_SCRIPT,pc-6G,$(call SMOKE_DIRECTLY,--machine pc $(SMOKE_6G))))
$(eval $(call SMOKE_SCRIPT,iso-bios-32M,$(call SMOKE_BY_ISO,smoke,-m 32M)))
$(eval $(call SMOKE_SCRIPT,iso-bios-6G,$(call SMOKE_BY_ISO,smoke-high,-m 6G --cpus 2)))
$(eval $(call SMOKE_SCRIPT,iso-uefi-256M,$(call SMOKE_BY_ISO,smoke,--bios $(OVMF) -m 256M)))
$(eval $(call SMOKE_SCRIPT,iso-uefi-6G,$(call SMOKE_BY_ISO,smoke-high,--bios $(OVMF) -m 6G --cpus 2)))

SMOKE_ISOS := $(SMOKE)/smoke.iso $(SMOKE)/smoke-high.iso

$(SMOKE)/smoke-high.job: SMOKE_JOB := environment=SMOKE_HIGH=yes\0bind=dev /dev rwc\0
$(SMOKE)/%.job: tests/smoke/smoke.mk
	@mkdir -p $(@D)
	@printf '$(SMOKE_JOB)environment=PATH=/bin:/usr/bin\0environment=HOME=/root\0argument=/bin/smoke.sh\0' >$@

$(SMOKE)/%.job.cpio: $(SMOKE)/%.job $(BUILD)/host/mkcpio
	@echo 'file /boxwork/job 0600 $<' >$(SMOKE)/$*.list
	@$(BUILD)/host/mkcpio $@ $(SMOKE)/$*.list

$(SMOKE_ISOS): $(SMOKE)/%.iso: $(BUILD)/debug/boxwork.elf $(VM_IMAGE) $(SMOKE)/%.job.cpio tools/iso/make.sh tools/iso/grub.cfg | smoke-deps
	@echo "  ISO     $@"
	@tools/iso/make.sh $@ $(BUILD)/debug/boxwork.elf $(VM_IMAGE) $(SMOKE)/$*.job.cpio

.PHONY: smoke smoke-deps
smoke-deps:
	@tools/deps.sh extra

smoke: $(VM_NEEDS) $(SMOKE_DIRECT) $(SMOKE_ISO) $(SMOKE_ISOS)
	@$(PROVE) --timer $(SMOKE_DIRECT) $(SMOKE_ISO)
