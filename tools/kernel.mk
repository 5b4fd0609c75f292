# SPDX-License-Identifier: MIT
# The kernel, in two configurations: all of kernel/ and lib/.

KERNEL_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -nostdlib -fno-pic -fno-pie -mcmodel=kernel \
	-mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fno-stack-protector -Wframe-larger-than=1024 -I. -isystem lib/freestanding
KERNEL_SCRIPT := kernel/arch/x86_64/kernel.ld
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T $(KERNEL_SCRIPT)

KERNEL_SOURCES := $(sort $(wildcard kernel/*/*.c kernel/*/*/*.c kernel/arch/x86_64/*.S lib/*/*.c))

# The vDSO: an object of its own for programs, which vdso_image.S takes into the kernel.
VDSO := kernel/arch/x86_64/vdso
VDSO_CFLAGS := -std=gnu11 -O2 $(WARNINGS) -ffreestanding -fPIC -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-common -I.
VDSO_LDFLAGS := -shared -nostdlib -soname linux-vdso.so.1 --hash-style=both --eh-frame-hdr --build-id=none -z noexecstack \
	-z max-page-size=4096 -z defs -T $(VDSO)/vdso.ld

$(BUILD)/vdso.so: $(VDSO)/vdso.c $(VDSO)/clock_page.h $(VDSO)/vdso.ld abi/time.h kernel/arch/x86_64/asm.h tools/kernel.mk
	@mkdir -p $(@D)
	@echo "  VDSO    $@"
	@$(CC) $(VDSO_CFLAGS) -c $< -o $@.o
	@ld $(VDSO_LDFLAGS) -o $@ $@.o
	@strip $@

kernel: $(BUILD)/boxwork.elf
kernel-debug: $(BUILD)/debug/boxwork.elf

# $(1): directory of the configuration; $(2): its definitions.
define KERNEL_CONFIGURATION
$(1)_OBJECTS := $$(KERNEL_SOURCES:%=$(1)/obj/%.o)

$(1)/obj/%.c.o: %.c tools/kernel.mk
	@mkdir -p $$(@D)
	@echo "  CC      $$@"
	@$$(CC) $$(KERNEL_CFLAGS) $(2) -MMD -MP -c $$< -o $$@

$(1)/obj/%.S.o: %.S tools/kernel.mk
	@mkdir -p $$(@D)
	@echo "  AS      $$@"
	@$$(CC) -g -I. -DVDSO_IMAGE='"$(BUILD)/vdso.so"' -MMD -MP -c $$< -o $$@

$(1)/obj/kernel/arch/x86_64/vdso_image.S.o: $(BUILD)/vdso.so

# Two links: the first gives the addresses of the symbol table that the second carries.
$(1)/boxwork.pass1: $$($(1)_OBJECTS) $$(KERNEL_SCRIPT)
	@ld $$(KERNEL_LDFLAGS) -o $$@ $$($(1)_OBJECTS)

$(1)/symbols.S: $(1)/boxwork.pass1 tools/symbols.sh
	@tools/symbols.sh $$< >$$@

$(1)/symbols.o: $(1)/symbols.S
	@$$(CC) -c $$< -o $$@

$(1)/boxwork.full: $$($(1)_OBJECTS) $(1)/symbols.o $$(KERNEL_SCRIPT)
	@echo "  LD      $$@"
	@ld $$(KERNEL_LDFLAGS) -o $$@ $$($(1)_OBJECTS) $(1)/symbols.o

# What is booted has no debugging information: QEMU reads the whole file.
$(1)/boxwork.elf: $(1)/boxwork.full
	@objcopy --strip-debug $$< $$@

-include $$($(1)_OBJECTS:.o=.d)
endef

$(eval $(call KERNEL_CONFIGURATION,$(BUILD),))
$(eval $(call KERNEL_CONFIGURATION,$(BUILD)/debug,-DBOXWORK_DEBUG))
