# SPDX-License-Identifier: MIT
# Programs that nobody here wrote, in the VM and on this machine's Linux, from the same files: make
# test-programs.
#
# What stands in $(PROGRAMS): src, packages as fetched; the programs built from them; programs.cpio, the
# boot archive with all of them; root, the same archive unpacked, for Linux; run/PART.t, a script for each
# part of inside.sh.

PROGRAMS := $(BUILD)/programs
PROGRAMS_SRC := $(PROGRAMS)/src
PROGRAMS_APPLETS := awk cp cut date expr find grep gunzip gzip head ls mv printf rm sed sha1sum sha256sum \
	sha3sum sha512sum sort tail tar xargs
PROGRAMS_ASH := z_slow signals misc alias arith comm getopts glob heredoc invert parsing psubst \
	quoting read redir standalone vars
# What is behind a + is an argument. Operations for each stressor: enough for a second or two in the VM. sem
# ends by its time, also on Linux.
PROGRAMS_STRESS := cpu+20 fork+200 vfork+200 clone+200 futex+2000 pthread+200 mmap+4 pipe+2000 poll+200 \
	timer+200 signal+2000 switch+2000 sem+2000+10 mutex+2000
PROGRAMS_DEBIAN := /bin/sed /bin/grep /usr/bin/sort /bin/tar /bin/bash /usr/bin/perl
# The longest come first.
PROGRAMS_PARTS := $(PROGRAMS_ASH:%=ash+ash-%) $(PROGRAMS_APPLETS:%=applet+%) lua+lua lua+lua-dynamic zlib musl glibc \
	$(PROGRAMS_STRESS:%=stress+%)
PROGRAMS_RUNS := $(PROGRAMS_PARTS:%=$(PROGRAMS)/run/%.t)
PROGRAMS_CC := $(MUSL_CC) -std=gnu11 -O2
PROGRAMS_HELPERS := recho zecho printenv
PROGRAMS_BUILT := $(addprefix $(PROGRAMS)/,busybox.tar lua lua-dynamic zlib-example zlib-infcover zlib-minigzip \
	libgreet.so musl-dynamic)

.PHONY: test-programs do-test-programs
test-programs:
	@tools/deps.sh programs
	@$(MAKE) --no-print-directory -j$(JOBS) do-test-programs

do-test-programs: kernel-debug launcher $(PROGRAMS)/root/done $(PROGRAMS_RUNS)
	@rm -f $(PROGRAMS)/log/*.counts
	@$(PROVE) --timer $(PROGRAMS_RUNS); result=$$?; tests/programs/counts $(PROGRAMS); exit $$result

# The sources that Debian's busybox, the one in the boot archive, was built from.
$(PROGRAMS_SRC)/fetched: tests/programs/fetch
	@echo "  FETCH   busybox lua5.4 zlib stress-ng"
	@tests/programs/fetch $(PROGRAMS_SRC) "busybox=$$(dpkg-query -f '$${source:Version}' -W busybox-static)" lua5.4 zlib \
		--binary stress-ng
	@touch $@

# The suite wants the configuration and the program above it, and three helpers built.
$(PROGRAMS)/busybox.tar: $(PROGRAMS_SRC)/fetched tests/programs/programs.mk
	@echo "  TAR     $@"
	@rm -rf $(PROGRAMS)/busybox
	@mkdir -p $(PROGRAMS)/busybox/shell
	@cp -a $(PROGRAMS_SRC)/busybox/testsuite $(PROGRAMS)/busybox
	@cp -a $(PROGRAMS_SRC)/busybox/shell/ash_test $(PROGRAMS)/busybox/shell
	@cp $(PROGRAMS_SRC)/busybox/debian/config/pkg/static $(PROGRAMS)/busybox/.config
	@ln -s /bin/busybox $(PROGRAMS)/busybox/busybox
	@ln -s /bin/busybox $(PROGRAMS)/busybox/shell/ash_test/ash
	@cd $(PROGRAMS)/busybox/shell/ash_test && for helper in $(PROGRAMS_HELPERS); do \
		$(PROGRAMS_CC) -static -w $$helper.c -o $$helper || exit 1; done
	@tar -C $(PROGRAMS) --owner=0 --group=0 -cf $@ busybox

LUA_SRC = $(filter-out %/luac.c,$(wildcard $(PROGRAMS_SRC)/lua5.4/src/*.c))
$(PROGRAMS)/lua: LINK := -static
$(PROGRAMS)/lua $(PROGRAMS)/lua-dynamic: $(PROGRAMS_SRC)/fetched
	@echo "  MUSL    $@"
	@echo '#define DEB_HOST_MULTIARCH "none"' >$(PROGRAMS)/lua5.4-deb-multiarch.h
	@$(PROGRAMS_CC) $(LINK) -I$(PROGRAMS) -DLUA_USE_LINUX -DLUA_COMPAT_5_3 -I$(PROGRAMS_SRC)/lua5.4/src \
		$(LUA_SRC) -lm -ldl -o $@

# Of test/ one program each; minigzip and the example by the library's own files.
$(PROGRAMS)/zlib-%: $(PROGRAMS_SRC)/fetched
	@echo "  MUSL    $@"
	@$(PROGRAMS_CC) -w -static -D_GNU_SOURCE -DHAVE_UNISTD_H -I$(PROGRAMS_SRC)/zlib $(PROGRAMS_SRC)/zlib/test/$*.c \
		$(PROGRAMS_SRC)/zlib/*.c -o $@

$(PROGRAMS)/libgreet.so: tests/programs/musl/greet.c
	@mkdir -p $(@D)
	@$(PROGRAMS_CC) -Wall -Wextra -Werror -fPIC -shared -Wl,-soname,libgreet.so $< -o $@

$(PROGRAMS)/musl-dynamic: tests/programs/musl/dynamic.c $(PROGRAMS)/libgreet.so
	@$(PROGRAMS_CC) -Wall -Wextra -Werror -pthread $< -L$(PROGRAMS) -lgreet -Wl,-rpath,/programs -o $@

$(PROGRAMS)/programs.list: tests/programs/programs.mk tests/programs/closure $(PROGRAMS_SRC)/fetched \
		$(wildcard tests/programs/lua/*)
	@{ for directory in /programs /programs/debian /programs/scripts /lib64; do echo "dir $$directory 0755"; done; \
	echo 'file /programs/inside 0755 tests/programs/inside.sh'; \
	echo "file /lib/ld-musl-x86_64.so.1 0755 $$(readlink -f /lib/ld-musl-x86_64.so.1)"; \
	for script in tests/programs/lua/*.lua tests/bench/lua/*.lua; do \
		echo "file /programs/scripts/$${script##*/} 0644 $$script"; done; \
	for file in $(notdir $(PROGRAMS_BUILT)); do echo "file /programs/$$file 0755 $(PROGRAMS)/$$file"; done; \
	tests/programs/closure /programs/debian $(PROGRAMS_DEBIAN); \
	tests/programs/closure /programs/debian=$(PROGRAMS_SRC)/stress-ng/usr/lib/x86_64-linux-gnu \
		$(PROGRAMS_SRC)/stress-ng/usr/bin/stress-ng; } >$@

$(PROGRAMS)/programs.cpio: $(BUILD)/boot.cpio $(PROGRAMS)/programs.list $(PROGRAMS_BUILT) \
		tests/programs/inside.sh $(wildcard tests/programs/lua/* tests/bench/lua/*)
	@echo "  CPIO    $@"
	@$(BUILD)/host/mkcpio $@ user/boot.list $(BUILD)/busybox.list $(PROGRAMS)/programs.list

$(PROGRAMS)/root/done: $(PROGRAMS)/programs.cpio
	@rm -rf $(@D)
	@mkdir -p $(@D) $(PROGRAMS)/log
	@cd $(@D) && $(BUSYBOX) cpio -idm 2>/dev/null <../programs.cpio
	@touch $@

$(PROGRAMS)/run/%.t: tests/programs/programs.mk
	@mkdir -p $(@D)
	@echo '#!/bin/sh' >$@
	@echo 'exec tests/programs/compare $(subst +, ,$*)' >>$@
	@chmod +x $@
