// SPDX-License-Identifier: MIT
// names.c - what the outermost box can name: its root tree, unpacked from the boot archive, /proc and /dev.
#include "kernel/fs/devfs/devfs.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/init/init.h"
#include "kernel/log/log.h"
#include "kernel/mem/frame.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/node.h"

void init_names(void)
{
    struct tree *root;
    int error = ramfs_create(NULL, &root);

    if (error != 0)
        panic("no memory for the root tree");
    for (unsigned i = 0; i < boot_info.module_count; i++) {
        const struct boot_module *module = &boot_info.modules[i];

        error = ramfs_unpack(root->root, direct_ptr(module->start), module->size);
        if (error != 0)
            panic("boot archive %u cannot be unpacked: error %d", i, -error);
        frames_add_kept(module->start, module->start + module->size);
    }
    process_add_init_name("", root->root);
    process_add_init_name("proc", procfs_root());
    process_add_init_name("dev", devfs_machine_root());
    // What init binds as /dev of the boxes that it makes.
    process_add_init_name("box-dev", devfs_default_root());
}
