# SPDX-License-Identifier: MIT
# debug.mk - the kernel under gdb: make debug.

.PHONY: debug
debug: kernel-debug image
	@tools/deps.sh debug
	@tools/debug.sh $(OPTIONS)
