# SPDX-License-Identifier: MIT
# iso.mk - an image for CD or USB stick that boots by GRUB, with BIOS and with UEFI: make iso.

ISO := $(BUILD)/boxwork.iso

.PHONY: iso iso-deps
iso: $(ISO)

iso-deps:
	@tools/deps.sh iso

$(ISO): $(BUILD)/boxwork.elf $(BUILD)/boot.cpio tools/iso/make.sh tools/iso/grub.cfg | iso-deps
	@tools/iso/make.sh $@ $(BUILD)/boxwork.elf $(BUILD)/boot.cpio
