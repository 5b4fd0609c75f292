# SPDX-License-Identifier: MIT
# The tests: unit (on the host), vm (programs in the VM), host (the launcher).

include tests/unit/unit.mk
