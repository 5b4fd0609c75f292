# SPDX-License-Identifier: MIT
# Programs of user space, static by musl-gcc, and the boot archive.

MUSL_CC := musl-gcc
USER_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -static -I.
BUSYBOX := /bin/busybox

LIBBOX := $(wildcard user/libbox/*.c user/libbox/*.h)
BOX_LIB := lib/ctl/ctl.c lib/ctl/words.c lib/base/parse.c lib/base/errors.c
EXAMPLES := $(patsubst user/libbox/examples/%.c,$(BUILD)/user/example_%,$(wildcard user/libbox/examples/*.c))

user: $(BUILD)/user/init $(BUILD)/user/box $(EXAMPLES)
image: $(BUILD)/boot.cpio

$(BUILD)/user/init: $(wildcard user/init/*.c user/init/*.h) tools/user.mk
	@mkdir -p $(@D)
	@echo "  MUSL    $@"
	@$(MUSL_CC) $(USER_CFLAGS) $(filter %.c,$^) -o $@

$(BUILD)/user/box: $(wildcard user/box/*.c user/box/*.h) $(LIBBOX) $(BOX_LIB) $(wildcard lib/ctl/*.h abi/ctl.h) \
		tools/user.mk
	@mkdir -p $(@D)
	@echo "  MUSL    $@"
	@$(MUSL_CC) $(USER_CFLAGS) $(filter %.c,$^) -o $@

$(BUILD)/user/example_%: user/libbox/examples/%.c $(LIBBOX) tools/user.mk
	@mkdir -p $(@D)
	@echo "  MUSL    $@"
	@$(MUSL_CC) $(USER_CFLAGS) $(filter %.c,$^) -o $@

$(BUILD)/host/mkcpio: tools/mkcpio.c host/cpio_write.c host/cpio_write.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	@$(CC) $(HOST_CFLAGS) $(filter %.c,$^) -o $@

$(BUILD)/busybox.list: $(BUSYBOX)
	@mkdir -p $(@D)
	@$(BUSYBOX) --list | sed '/^busybox$$/d; s,.*,link /bin/& busybox,' >$@

$(BUILD)/boot.cpio: $(BUILD)/host/mkcpio user/boot.list $(BUILD)/busybox.list $(BUILD)/user/init \
		$(BUILD)/user/box $(BUSYBOX) $(wildcard user/etc/* user/demos/*)
	@echo "  CPIO    $@"
	@$(BUILD)/host/mkcpio $@ user/boot.list $(BUILD)/busybox.list
