# SPDX-License-Identifier: MIT
# The launcher.

HOST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -I.

launcher: $(BUILD)/host/boxwork

$(BUILD)/host/boxwork: $(wildcard host/*.c host/*.h) lib/base/parse.c lib/cpio/cpio.c tools/host.mk
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	@$(CC) $(HOST_CFLAGS) $(filter %.c,$^) -o $@
