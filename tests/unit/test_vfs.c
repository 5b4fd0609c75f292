// SPDX-License-Identifier: MIT
// unit: kernel/vfs/anonymous.c kernel/vfs/attributes.c kernel/vfs/create.c kernel/vfs/entries.c kernel/vfs/handle.c kernel/vfs/handle_io.c kernel/vfs/iobuf.c kernel/vfs/link.c kernel/vfs/node.c kernel/vfs/open.c kernel/vfs/place.c kernel/vfs/rename.c kernel/vfs/walk.c kernel/ns/grant.c kernel/ns/names.c kernel/ns/root.c kernel/fs/ramfs/node.c kernel/fs/ramfs/directory.c kernel/fs/ramfs/unpack.c lib/path/path.c lib/cpio/cpio.c lib/base/rbtree.c lib/base/fmt.c
// test_vfs.c - paths, names, grants and rights, and the errno of each call, over a tree in memory.
#include "tests/unit/fake_tree.h"
#include "tests/unit/tap.h"

static struct account inner_account = { .parent = &account_root };
static struct account sibling_account = { .parent = &account_root };
static struct tree *tree;
static struct fake_box outer;

static void make_tree(void)
{
    must(ramfs_create(NULL, &tree));
    box_begin(&outer, &account_root);
    box_bind(&outer, "", tree->root, RIGHT_ALL);
    must(vfs_mkdir(&outer.walker, "/dir", 0755));
    must(vfs_mkdir(&outer.walker, "/dir/sub", 0755));
    must(vfs_mkdir(&outer.walker, "/empty", 0755));
    must(try_open(&outer, "/file", O_CREAT | O_WRONLY));
    must(try_open(&outer, "/dir/file", O_CREAT | O_WRONLY));
    must(vfs_symlink(&outer.walker, "/dir", "/link"));
    must(vfs_symlink(&outer.walker, "nowhere", "/dangling"));
    must(vfs_symlink(&outer.walker, "loop", "/loop"));
}

static void drop_tree(void)
{
    box_end(&outer);
    node_put(tree->root);
}

static int do_open(const char *path, unsigned flags)
{
    return try_open(&outer, path, flags);
}

static int do_mkdir(const char *path)
{
    return vfs_mkdir(&outer.walker, path, 0755);
}

static int do_unlink(const char *path)
{
    return vfs_unlink(&outer.walker, path);
}

static int do_rmdir(const char *path)
{
    return vfs_rmdir(&outer.walker, path);
}

static int do_rename(const char *from, const char *to)
{
    return vfs_rename(&outer.walker, from, &outer.walker, to, 0);
}

static int do_link(const char *from, const char *to)
{
    return vfs_link(&outer.walker, from, &outer.walker, to, WALK_NOFOLLOW);
}

static void test_walk(void)
{
    char name[300];

    ok(try_stat(&outer, "") == -ENOENT, "the empty path names nothing");
    ok(try_stat(&outer, "/") == 0 && try_stat(&outer, ".") == 0 && try_stat(&outer, "/..") == 0,
       "/ . and /.. are the root");
    ok(try_stat(&outer, "/dir/sub/../file") == 0, ".. leads up");
    ok(ino_of(&outer, "/dir/..") == ino_of(&outer, "/"), ".. of a directory in / is /");
    ok(try_stat(&outer, "/link/file") == 0 &&
           ino_of(&outer, "/link/file") == ino_of(&outer, "/dir/file"),
       "a symlink on the way is followed");
    ok(try_stat(&outer, "/dangling") == -ENOENT, "a dangling symlink is ENOENT");
    ok(try_stat(&outer, "/loop") == -ELOOP, "a symlink to itself is ELOOP");
    ok(try_stat(&outer, "/file/x") == -ENOTDIR && try_stat(&outer, "/file/") == -ENOTDIR &&
           try_stat(&outer, "/file/.") == -ENOTDIR && try_stat(&outer, "/file/..") == -ENOTDIR,
       "a file on the way is ENOTDIR");
    memset(name, 'n', 299);
    name[0] = '/';
    name[299] = '\0';
    ok(try_stat(&outer, name) == -ENAMETOOLONG, "a component over 255 bytes is ENAMETOOLONG");
    name[256] = '\0';
    ok(try_stat(&outer, name) == -ENOENT, "a component of 255 bytes is not");
}

static void test_open(void)
{
    ok(do_open("/none", O_RDONLY) == -ENOENT, "open of nothing is ENOENT");
    ok(do_open("/dir", O_WRONLY) == -EISDIR && do_open("/dir", O_RDWR) == -EISDIR,
       "a directory cannot be written");
    ok(do_open("/dir", O_CREAT) == -EISDIR && do_open("/dir/", O_CREAT) == -EISDIR &&
           do_open("/none/", O_CREAT) == -EISDIR && do_open(".", O_CREAT) == -EISDIR,
       "O_CREAT of a directory is EISDIR");
    ok(do_open("/file", O_CREAT | O_EXCL) == -EEXIST &&
           do_open("/dangling", O_CREAT | O_EXCL) == -EEXIST,
       "O_EXCL of what exists is EEXIST, a dangling symlink too");
    ok(do_open("/file", O_DIRECTORY) == -ENOTDIR, "O_DIRECTORY of a file is ENOTDIR");
    ok(do_open("/link", O_NOFOLLOW) == -ELOOP, "O_NOFOLLOW of a symlink is ELOOP");
    ok(do_open("/link", O_NOFOLLOW | O_PATH) == 0, "with O_PATH it is opened itself");
    ok(do_open("/dangling", O_CREAT | O_WRONLY) == 0 && try_stat(&outer, "/nowhere") == 0,
       "O_CREAT makes what a dangling symlink names");
    ok(do_open("/none/file", O_CREAT) == -ENOENT, "O_CREAT makes no directories");
    must(vfs_symlink(&outer.walker, "/none/file", "/lost"));
    ok(do_open("/lost", O_CREAT | O_WRONLY) == -ENOENT && try_stat(&outer, "/file2") == -ENOENT,
       "O_CREAT through a symlink into nothing is ENOENT");
    ok(do_open("/x", O_CREAT | O_DIRECTORY) == -EINVAL, "O_CREAT with O_DIRECTORY is EINVAL");
    ok(do_open("/dir", O_TMPFILE | O_RDWR) == 0 && do_open("/dir", O_TMPFILE) == -EINVAL,
       "O_TMPFILE makes a file that must be writable");
    ok(do_open("/file", O_RDONLY | VFS_OPEN_EXEC) == -EACCES &&
           do_open("/dir", VFS_OPEN_EXEC) == -EACCES,
       "what has no x bit or is no file is no program");
}

static void test_make(void)
{
    ok(do_mkdir("/dir") == -EEXIST && do_mkdir("/file") == -EEXIST &&
           do_mkdir("/dangling") == -EEXIST && do_mkdir("/") == -EEXIST &&
           do_mkdir(".") == -EEXIST && do_mkdir("..") == -EEXIST,
       "mkdir of what exists is EEXIST");
    ok(do_mkdir("/new/") == 0 && do_rmdir("/new/") == 0, "mkdir and rmdir take a slash at the end");
    ok(do_mkdir("/none/x") == -ENOENT && do_mkdir("/file/x") == -ENOTDIR,
       "mkdir needs the directory around");
    ok(vfs_mknod(&outer.walker, "/fifo", S_IFIFO | 0600, 0) == 0,
       "mknod makes a FIFO in a tree of one's own");
    ok(vfs_mknod(&outer.walker, "/device", S_IFCHR | 0600, 1) == -EPERM, "mknod makes no devices");
    ok(vfs_mknod(&outer.walker, "/new/", S_IFREG, 0) == -ENOENT, "mknod takes no slash at the end");
    ok(vfs_symlink(&outer.walker, "", "/s") == -ENOENT, "a symlink needs a target");
    ok(vfs_symlink(&outer.walker, "x", "/file") == -EEXIST, "symlink over what exists is EEXIST");
    ok(do_link("/dir", "/hard") == -EPERM, "link of a directory is EPERM");
    ok(do_link("/file", "/dir/hard") == 0 && nlink_of(&outer, "/file") == 2, "link counts");
    ok(do_link("/file", "/dir/hard") == -EEXIST, "link over what exists is EEXIST");
    ok(do_unlink("/dir/hard") == 0 && nlink_of(&outer, "/file") == 1, "unlink counts");
}

static void test_remove(void)
{
    ok(do_unlink("/none") == -ENOENT, "unlink of nothing is ENOENT");
    ok(do_unlink("/dir") == -EISDIR && do_unlink("/") == -EISDIR && do_unlink("/dir/.") == -EISDIR,
       "unlink of a directory is EISDIR");
    ok(do_unlink("/file/") == -ENOTDIR, "unlink of a file with a slash is ENOTDIR");
    ok(do_rmdir("/file") == -ENOTDIR && do_rmdir("/none") == -ENOENT, "rmdir of a file is ENOTDIR");
    ok(do_rmdir("/dir") == -ENOTEMPTY, "rmdir of a directory with entries is ENOTEMPTY");
    ok(do_rmdir("/dir/.") == -EINVAL && do_rmdir("/dir/..") == -ENOTEMPTY &&
           do_rmdir("/") == -EBUSY,
       "rmdir of . is EINVAL, of .. ENOTEMPTY, of / EBUSY");
}

static void test_rename(void)
{
    ok(do_rename("/none", "/x") == -ENOENT, "rename of nothing is ENOENT");
    ok(do_rename("/dir", "/dir/sub/x") == -EINVAL && do_rename("/dir", "/dir/x") == -EINVAL,
       "a directory cannot be moved into itself");
    ok(do_rename("/dir/sub", "/dir") == -ENOTEMPTY, "nor over a directory around it");
    ok(do_rename("/file", "/dir") == -EISDIR && do_rename("/dir", "/file") == -ENOTDIR,
       "files replace files, directories directories");
    ok(do_rename("/empty", "/dir") == -ENOTEMPTY, "a directory with entries is not replaced");
    ok(do_rename("/file", "/file") == 0 && try_stat(&outer, "/file") == 0,
       "rename to itself does nothing");
    ok(do_rename("/dir/.", "/x") == -EBUSY && do_rename("/", "/x") == -EBUSY,
       "rename of . and / is EBUSY");
    ok(do_rename("/file", "/x/") == -ENOTDIR && do_rename("/file/", "/x") == -ENOTDIR,
       "rename of a file takes no slash at the end");
    ok(vfs_rename(&outer.walker, "/file", &outer.walker, "/dir/file", 1) == -EEXIST,
       "RENAME_NOREPLACE keeps what exists");
    ok(vfs_rename(&outer.walker, "/file", &outer.walker, "/empty", 2) == 0 &&
           do_open("/file", O_DIRECTORY) == 0 && do_open("/empty", O_RDWR) == 0,
       "RENAME_EXCHANGE changes a file and a directory over");
    ok(vfs_rename(&outer.walker, "/file", &outer.walker, "/empty", 2) == 0, "and back");
    must(do_link("/file", "/same"));
    ok(do_rename("/file", "/same") == 0 && try_stat(&outer, "/file") == 0,
       "rename between two names of one file does nothing");
    must(do_unlink("/same"));
    ok(do_rename("/dir", "/moved") == 0 && try_stat(&outer, "/moved/sub") == 0 &&
           ino_of(&outer, "/moved/sub/..") == ino_of(&outer, "/moved"),
       "a directory moves with what is in it");
    ok(do_rename("/moved", "/empty/dir") == 0 && nlink_of(&outer, "/empty") == 3 &&
           ino_of(&outer, "/empty/dir/..") == ino_of(&outer, "/empty"),
       ".. and nlink follow a move into another directory");
    ok(do_rename("/empty/dir", "/dir") == 0, "and out of it");
}

static void test_names(void)
{
    struct fake_box inner;
    char path[64];
    struct place place;
    ssize_t length;

    box_begin(&inner, &inner_account);
    ok(strcmp(list(&inner, "/"), ". .. ") == 0, "a box without names sees an empty /");
    ok(vfs_mkdir(&inner.walker, "/x", 0755) == -EROFS && try_open(&inner, "/x", O_CREAT) == -EROFS,
       "/ without a root tree is read-only");
    ok(box_bind_path(&inner, "src", &outer, "/dir", RIGHT_READ) == 0, "a directory is bound");
    ok(box_bind_path(&inner, "out", &outer, "/empty", RIGHT_READ | RIGHT_WRITE | RIGHT_CREATE) == 0,
       "and another");
    ok(strcmp(list(&inner, "/"), ". .. src out ") == 0, "/ lists the names");
    ok(try_stat(&inner, "/src/file") == 0 && try_stat(&inner, "/file") == -ENOENT,
       "a name is seen, the rest is not");
    ok(ino_of(&inner, "/src/..") == ino_of(&inner, "/") &&
           ino_of(&inner, "/src/sub/../..") == ino_of(&inner, "/"),
       ".. at the top of a name is /");
    ok(vfs_rmdir(&inner.walker, "/src") == -EBUSY && vfs_unlink(&inner.walker, "/src") == -EBUSY &&
           vfs_rename(&inner.walker, "/src", &inner.walker, "/x", 0) == -EBUSY,
       "a name cannot be removed or renamed");
    ok(vfs_mkdir(&inner.walker, "/src", 0755) == -EEXIST, "mkdir of a name is EEXIST");
    ok(walk(&inner.walker, "/src/sub", 0, &place) == 0, "a place is found");
    length = place_path(&place, inner.names, path, sizeof(path));
    ok(length == 8 && memcmp(path, "/src/sub", 8) == 0, "its path is as the box spells it");
    ok(place_path(&place, inner.names, path, 7) == -ERANGE, "a path that does not fit is ERANGE");
    place_put(&place);
    ok(walk(&outer.walker, "/file", 0, &place) == 0 &&
           place_path(&place, inner.names, path, 64) == -ENOENT,
       "what none of the names reaches has no path");
    length = place_path(&place, outer.names, path, sizeof(path));
    ok(length == 5 && memcmp(path, "/file", 5) == 0, "a file has a path as well");
    place_put(&place);
    ok(vfs_rename(&inner.walker, "/out/x", &inner.walker, "/src/x", 0) == -EXDEV,
       "rename between names is EXDEV");
    box_end(&inner);
}

static void test_root_tree(void)
{
    struct fake_box inner;
    struct tree *own;

    box_begin(&inner, &inner_account);
    must(ramfs_create(&inner_account, &own));
    box_bind(&inner, "", own->root, RIGHT_ALL);
    node_put(own->root);
    ok(vfs_mkdir(&inner.walker, "/a", 0755) == 0 && vfs_mkdir(&inner.walker, "/b", 0755) == 0,
       "entries are made in the root tree");
    ok(box_bind_path(&inner, "a", &outer, "/dir", RIGHT_READ) == 0 &&
           try_stat(&inner, "/a/file") == 0,
       "a name hides the root tree's entry");
    ok(strcmp(list(&inner, "/"), ". .. a b ") == 0, "which / then lists once");
    ok(vfs_mknod(&inner.walker, "/fifo", S_IFIFO | 0600, 0) == 0,
       "a FIFO in a tree of one's own is made");
    must(names_remove(inner.names, "a"));
    ok(try_stat(&inner, "/a") == 0 && try_stat(&inner, "/a/file") == -ENOENT,
       "unbind shows it again");
    must(names_remove(inner.names, ""));
    ok(try_stat(&inner, "/b") == -ENOENT, "without the root tree its entries are gone");
    box_end(&inner);
}

static void test_rights(void)
{
    struct fake_box inner;
    struct handle *handle;
    struct iobuf buffer;
    char byte = 'x';

    box_begin(&inner, &inner_account);
    must(box_bind_path(&inner, "r", &outer, "/dir", RIGHT_READ));
    must(box_bind_path(&inner, "w", &outer, "/dir", RIGHT_READ | RIGHT_WRITE));
    must(box_bind_path(&inner, "c", &outer, "/dir", RIGHT_READ | RIGHT_CREATE));
    must(box_bind_path(&inner, "only", &outer, "/dir/file", RIGHT_WRITE));
    ok(try_open(&inner, "/r/file", O_RDONLY) == 0 &&
           try_open(&inner, "/r/file", O_WRONLY) == -EACCES &&
           try_open(&inner, "/r/file", O_RDONLY | O_TRUNC) == -EACCES,
       "writing needs w");
    ok(try_open(&inner, "/w/file", O_RDWR) == 0 &&
           vfs_unlink(&inner.walker, "/w/file") == -EACCES &&
           try_open(&inner, "/w/new", O_CREAT | O_RDWR) == -EACCES,
       "making and removing need c");
    ok(vfs_mkdir(&inner.walker, "/w/sub", 0755) == -EEXIST,
       "mkdir of what exists is EEXIST even without c");
    ok(vfs_mkdir(&inner.walker, "/c/made", 0755) == 0 && vfs_rmdir(&inner.walker, "/c/made") == 0,
       "c suffices for both");
    ok(try_open(&inner, "/c/new", O_CREAT | O_RDWR) == -EACCES &&
           try_stat(&inner, "/c/new") == -ENOENT,
       "what could not be opened afterwards is not made");
    ok(vfs_mknod(&inner.walker, "/c/fifo", S_IFIFO, 0) == -EPERM,
       "in another box's tree no FIFO is made");
    ok(try_open(&inner, "/only", O_WRONLY) == 0 && try_open(&inner, "/only", O_RDONLY) == -EACCES &&
           try_stat(&inner, "/only") == -EACCES,
       "w alone is for writing alone");
    ok(vfs_open(&inner.walker, "/w/file", O_RDONLY, 0, 0, &handle) == 0,
       "a handle opened for reading");
    iobuf_kernel(&buffer, &byte, 1);
    ok(handle_write(handle, &buffer) == -EBADF, "cannot write, whatever the grant says");
    atomic_store(&handle->grant->revoked, true);
    ok(handle_read(handle, &buffer) == -EIO && try_stat(&inner, "/w/file") == -EIO,
       "a revoked grant is EIO");
    handle_put(handle);
    box_end(&inner);
}

static void test_hold(void)
{
    struct fake_box inner, sibling;

    box_begin(&inner, &inner_account);
    box_begin(&sibling, &sibling_account);
    must(box_bind_path(&inner, "out", &outer, "/dir", RIGHT_ALL));
    must(box_bind_path(&inner, "etc", &outer, "/empty", RIGHT_ALL));
    must(box_bind_path(&sibling, "in", &outer, "/dir/sub", RIGHT_ALL));
    current_account = &inner_account;
    must(vfs_symlink(&inner.walker, "/etc", "/out/absolute"));
    must(vfs_symlink(&inner.walker, "../file", "/out/sub/up"));
    must(vfs_symlink(&inner.walker, "../../file", "/out/sub/over"));
    current_account = &account_root;
    ok(try_stat(&inner, "/out/absolute") == 0 && ino_of(&inner, "/etc") == ino_of(&outer, "/empty"),
       "the maker's own box follows its symlinks in its names");
    ok(try_stat(&outer, "/dir/absolute") == -ELOOP,
       "a reader outside does not follow one that leaves the grant");
    ok(try_stat(&outer, "/dir/sub/up") == 0, "one that stays beneath the grant's top is followed");
    ok(try_stat(&outer, "/dir/sub/over") == -ELOOP, "one that climbs over the top is not");
    ok(try_stat(&sibling, "/in/up") == -ELOOP,
       "nor one that leaves the reader's own, smaller grant");
    ok(do_rename("/dir/sub/up", "/empty/up") == 0 && try_stat(&outer, "/empty/up") == -ELOOP,
       "nor one that was moved to where the grant does not reach");
    must(do_unlink("/empty/up"));
    must(do_unlink("/dir/absolute"));
    must(do_unlink("/dir/sub/over"));
    box_end(&inner);
    box_end(&sibling);
}

static void test_moved_out(void)
{
    struct fake_box inner;
    struct walker walker;
    struct place place;
    struct place up;

    box_begin(&inner, &inner_account);
    must(box_bind_path(&inner, "d", &outer, "/dir", RIGHT_READ));
    ok(walk(&inner.walker, "/d/sub", 0, &place) == 0, "a directory of a name is held");
    walker = inner.walker;
    walker.base = &place;
    ok(walk(&walker, "..", 0, &up) == 0, ".. leads to the name's top");
    place_put(&up);
    must(do_rename("/dir/sub", "/empty/sub"));
    ok(walk(&walker, "..", 0, &up) == -ENOENT && walk(&walker, "../sub", 0, &up) == -ENOENT,
       "moved out from under its top it has no .. for the box");
    must(do_rename("/empty/sub", "/dir/sub"));
    ok(walk(&walker, "..", 0, &up) == 0, "moved back it has");
    place_put(&up);
    place_put(&place);
    box_end(&inner);
}

static void test_handed_over(void)
{
    struct fake_box inner;
    struct handle *handle = NULL, *given = NULL;
    struct walker walker;
    struct place base, up;
    char bytes[8];
    struct iobuf buffer;

    box_begin(&inner, &inner_account);
    ok(vfs_open(&outer.walker, "/dir", O_DIRECTORY, 0, 0, &handle) == 0 &&
           handle_enter_box(handle, RIGHT_READ, &inner_account, &given) == 0,
       "a directory is handed over");
    handle_put(handle);
    base = (struct place){ given->grant, given->node };
    walker = inner.walker;
    walker.base = &base;
    ok(walk(&walker, "../../..", 0, &up) == 0 && up.node == base.node, ".. at its top stays there");
    place_put(&up);
    ok(vfs_mkdir(&walker, "new", 0755) == -EACCES, "its rights are those given");
    handle_put(given);
    must(vfs_open(&outer.walker, "/file", O_RDWR | O_APPEND, 0, 0, &handle));
    iobuf_kernel(&buffer, "abcdef", 6);
    ok(handle_write(handle, &buffer) == 6 && handle_seek(handle, 2, SEEK_SET) == 2 &&
           handle_enter_box(handle, RIGHT_ALL, &inner_account, &given) == 0,
       "a file is handed over");
    iobuf_kernel(&buffer, bytes, 2);
    ok(handle_read(given, &buffer) == 2 && bytes[0] == 'c' && handle_seek(handle, 0, SEEK_CUR) == 4,
       "both share the position");
    ok(handle_set_flags(given, 0) == 0 && (handle_flags(given) & O_APPEND) != 0 &&
           handle_set_flags(handle, 0) == 0 && (handle_flags(handle) & O_APPEND) == 0,
       "O_APPEND stays set for who was given it, and only for those");
    handle_put(handle);
    ok(handle_seek(given, 0, SEEK_SET) == 0, "the given handle outlives the giver's");
    handle_put(given);
    box_end(&inner);
}

int main(void)
{
    long before;

    vfs_init();
    ramfs_init();
    before = live_objects;
    make_tree();
    test_walk();
    test_open();
    test_make();
    test_remove();
    test_rename();
    test_names();
    test_root_tree();
    test_rights();
    test_hold();
    test_moved_out();
    test_handed_over();
    drop_tree();
    ok(live_objects == before, "nothing is left (%ld)", live_objects - before);
    return done_testing();
}
