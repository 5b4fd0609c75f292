// SPDX-License-Identifier: MIT
// unit: kernel/vfs/anonymous.c kernel/vfs/attributes.c kernel/vfs/create.c kernel/vfs/entries.c kernel/vfs/handle.c kernel/vfs/handle_io.c kernel/vfs/iobuf.c kernel/vfs/link.c kernel/vfs/node.c kernel/vfs/open.c kernel/vfs/place.c kernel/vfs/rename.c kernel/vfs/walk.c kernel/ns/grant.c kernel/ns/names.c kernel/ns/root.c kernel/fs/ramfs/node.c kernel/fs/ramfs/directory.c kernel/fs/ramfs/unpack.c lib/path/path.c lib/cpio/cpio.c lib/base/rbtree.c lib/base/fmt.c
// test_ramfs.c - trees in memory against a naive model: a list of paths. Listings that go on while
// entries come and go, file contents against a plain array, the nth allocation failing for every n,
// and trees that are freed whole.
#include "tests/unit/fake_tree.h"
#include "tests/unit/tap.h"

#define MODEL_MAX 256
#define STEPS 200000

// The model: what exists, as a list of paths.
struct model_entry {
    char path[128];
    char type;     // d f, or 0: unused
    unsigned file; // which file a path names: hard links share it
};

static struct model_entry model[MODEL_MAX];
static unsigned last_file;
static uint64_t random_state;

static unsigned pick(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(random_state >> 33) % below;
}

static struct model_entry *find(const char *path)
{
    for (unsigned i = 0; i < MODEL_MAX; i++)
        if (model[i].type != 0 && strcmp(model[i].path, path) == 0)
            return &model[i];
    return NULL;
}

static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

static bool has_children(const char *path)
{
    for (unsigned i = 0; i < MODEL_MAX; i++)
        if (model[i].type != 0 && is_below(model[i].path, path))
            return true;
    return false;
}

// The error that the directory around path means. The root itself is no entry of the model.
static int around(const char *path)
{
    char parent[128];
    struct model_entry *entry;
    size_t length = (size_t)(strrchr(path, '/') - path);

    if (length == 0)
        return 0;
    memcpy(parent, path, length);
    parent[length] = '\0';
    entry = find(parent);
    if (entry != NULL)
        return entry->type == 'd' ? 0 : -ENOTDIR;
    return around(parent) == -ENOTDIR ? -ENOTDIR : -ENOENT;
}

static void model_add(const char *path, char type, unsigned file)
{
    for (unsigned i = 0; i < MODEL_MAX; i++) {
        if (model[i].type == 0) {
            strcpy(model[i].path, path);
            model[i].type = type;
            model[i].file = file;
            return;
        }
    }
    abort();
}

static int model_make(const char *path, char type)
{
    int error = around(path);

    if (error == 0 && find(path) != NULL)
        error = -EEXIST;
    if (error == 0)
        model_add(path, type, ++last_file);
    return error;
}

static int model_link(const char *from, const char *to)
{
    struct model_entry *source = find(from);
    int error = around(from);

    if (error == 0 && source == NULL)
        error = -ENOENT;
    if (error == 0)
        error = around(to);
    if (error == 0 && find(to) != NULL)
        error = -EEXIST;
    if (error == 0 && source->type == 'd')
        error = -EPERM;
    if (error == 0)
        model_add(to, source->type, source->file);
    return error;
}

static int model_remove(const char *path, bool directory)
{
    struct model_entry *entry = find(path);
    int error = around(path);

    if (error == 0 && entry == NULL)
        error = -ENOENT;
    if (error == 0 && directory != (entry->type == 'd'))
        error = directory ? -ENOTDIR : -EISDIR;
    if (error == 0 && directory && has_children(path))
        error = -ENOTEMPTY;
    if (error == 0)
        entry->type = 0;
    return error;
}

static int check_replace(const struct model_entry *source, const struct model_entry *target)
{
    if (target == NULL)
        return 0;
    if (is_below(source->path, target->path))
        return -ENOTEMPTY;
    if ((source->type == 'd') != (target->type == 'd'))
        return source->type == 'd' ? -ENOTDIR : -EISDIR;
    return target->type == 'd' && has_children(target->path) ? -ENOTEMPTY : 0;
}

static void move_all(const char *from, const char *to)
{
    size_t length = strlen(from);

    for (unsigned i = 0; i < MODEL_MAX; i++) {
        char moved[256];

        if (model[i].type == 0 ||
            (strcmp(model[i].path, from) != 0 && !is_below(model[i].path, from)))
            continue;
        snprintf(moved, sizeof(moved), "%s%s", to, model[i].path + length);
        memcpy(model[i].path, moved, sizeof(model[i].path));
    }
}

static int model_rename(const char *from, const char *to)
{
    struct model_entry *source = find(from);
    struct model_entry *target = find(to);
    int error = around(from);

    if (error == 0)
        error = around(to);
    if (error == 0 && source == NULL)
        error = -ENOENT;
    if (error != 0)
        return error;
    // Two names of one file, or one name twice: nothing happens. A directory goes not into itself.
    if (is_below(to, from) && source->type == 'd')
        return -EINVAL;
    if (source == target && source->type == 'd')
        return 0;
    if (target != NULL && target->type == 'f' && source->type == 'f' &&
        target->file == source->file)
        return 0;
    error = check_replace(source, target);
    if (error != 0)
        return error;
    if (target != NULL)
        target->type = 0;
    move_all(from, to);
    return 0;
}

// Half of the paths exist, or are new names in a directory that does.
static void random_path(char path[128])
{
    const struct model_entry *entry = &model[pick(MODEL_MAX)];
    unsigned depth = 1 + pick(4);
    char name[8];

    path[0] = '\0';
    if (pick(2) != 0 && entry->type != 0) {
        strcpy(path, entry->path);
        if (entry->type == 'f' || pick(2) != 0 || strlen(path) > 8)
            return;
        depth = 1;
    }
    while (depth-- > 0) {
        snprintf(name, sizeof(name), "/%c", 'a' + (int)pick(4));
        strcat(path, name);
    }
}

enum step { STEP_MKDIR, STEP_CREATE, STEP_UNLINK, STEP_RMDIR, STEP_LINK, STEP_RENAME, STEP_COUNT };

static int kernel_step(struct fake_box *box, enum step step, const char *path, const char *other)
{
    switch (step) {
    case STEP_MKDIR:
        return vfs_mkdir(&box->walker, path, 0755);
    case STEP_CREATE:
        return vfs_mknod(&box->walker, path, S_IFREG | 0644, 0);
    case STEP_UNLINK:
        return vfs_unlink(&box->walker, path);
    case STEP_RMDIR:
        return vfs_rmdir(&box->walker, path);
    case STEP_LINK:
        return vfs_link(&box->walker, path, &box->walker, other, WALK_NOFOLLOW);
    default:
        return vfs_rename(&box->walker, path, &box->walker, other, 0);
    }
}

static int model_step(enum step step, const char *path, const char *other)
{
    switch (step) {
    case STEP_MKDIR:
        return model_make(path, 'd');
    case STEP_CREATE:
        return model_make(path, 'f');
    case STEP_UNLINK:
        return model_remove(path, false);
    case STEP_RMDIR:
        return model_remove(path, true);
    case STEP_LINK:
        return model_link(path, other);
    default:
        return model_rename(path, other);
    }
}

// Everything the model has is there with the right type, and directories hold as many entries as
// the model says.
static bool agrees(struct fake_box *box)
{
    for (unsigned i = 0; i < MODEL_MAX; i++) {
        struct linux_stat stat;
        unsigned links = 0;

        if (model[i].type == 0)
            continue;
        if (vfs_stat(&box->walker, model[i].path, WALK_NOFOLLOW, &stat) != 0)
            return false;
        for (unsigned j = 0; j < MODEL_MAX; j++) {
            if (model[j].type == 'f' && model[i].type == 'f')
                links += model[j].file == model[i].file;
            else if (model[i].type == 'd' && model[j].type == 'd' &&
                     is_below(model[j].path, model[i].path))
                links += strchr(model[j].path + strlen(model[i].path) + 1, '/') == NULL;
        }
        if (S_ISDIR(stat.st_mode) != (model[i].type == 'd') ||
            stat.st_nlink != links + (model[i].type == 'd' ? 2 : 0))
            return false;
    }
    return true;
}

// Keeps the model from filling up, and paths from growing with every move of a directory.
static bool is_too_much(enum step step, const char *path, const char *other)
{
    unsigned used = 0;
    size_t longest = 0;

    for (unsigned i = 0; i < MODEL_MAX; i++) {
        if (model[i].type == 0)
            continue;
        used++;
        if (is_below(model[i].path, path))
            longest = MAX(longest, strlen(model[i].path) - strlen(path));
    }
    if (step == STEP_RENAME)
        return strlen(other) + longest > 12;
    return used > MODEL_MAX / 2 && step != STEP_UNLINK && step != STEP_RMDIR;
}

static void test_random(struct fake_box *box)
{
    unsigned done[STEP_COUNT] = { 0 };
    unsigned least = STEPS;
    unsigned wrong = 0, disagreed = 0;

    for (unsigned i = 0; i < STEPS && wrong == 0 && disagreed == 0; i++) {
        enum step step = pick(STEP_COUNT);
        char path[128], other[128];
        int expected, result;

        random_path(path);
        random_path(other);
        if (is_too_much(step, path, other))
            continue;
        expected = model_step(step, path, other);
        result = kernel_step(box, step, path, other);
        wrong += result != expected;
        if (wrong != 0)
            printf("# step %u %d %s %s: %d, model %d\n", i, step, path, other, result, expected);
        done[step] += result == 0;
        if (i % 512 == 0)
            disagreed += !agrees(box);
    }
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        least = MIN(least, done[i]);
        printf("# operation %u succeeded %u times\n", i, done[i]);
    }
    ok(wrong == 0, "%d random operations end as the model says (seed 1)", STEPS);
    ok(disagreed == 0, "the tree holds what the model holds, with its link counts");
    ok(least > 100, "each operation succeeded often enough (least %u times)", least);
}

// --- Listings ---

static void test_listing(struct fake_box *box)
{
    static struct fake_listing first, second;
    struct handle *handle;
    char path[32];
    unsigned i;

    must(vfs_mkdir(&box->walker, "/list", 0755));
    for (i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/list/n%02u", i);
        must(vfs_mknod(&box->walker, path, S_IFREG, 0));
    }
    must(vfs_open(&box->walker, "/list", O_DIRECTORY, 0, 0, &handle));
    first.most = 52; // with the dots: n00 to n49
    must(handle_readdir(handle, list_one, &first));
    for (i = 0; i < 100; i += 2) {
        snprintf(path, sizeof(path), "/list/n%02u", i);
        must(vfs_unlink(&box->walker, path));
        snprintf(path, sizeof(path), "/list/new%02u", i);
        must(vfs_mknod(&box->walker, path, S_IFREG, 0));
    }
    second.most = UINT32_MAX;
    must(handle_readdir(handle, list_one, &second));
    ok(strncmp(first.text, ". .. n00 n01 ", 13) == 0 && strstr(first.text, "n49") != NULL &&
           strstr(first.text, "n50") == NULL,
       "a listing stops where the caller wants");
    for (i = 51; i < 100; i += 2) {
        snprintf(path, sizeof(path), " n%02u ", i);
        if (strstr(second.text, path) == NULL &&
            !(i == 51 && strncmp(second.text, path + 1, 4) == 0))
            break;
    }
    ok(i >= 100, "what was there all the time is listed once (%u)", i);
    ok(strstr(second.text, " n50 ") == NULL && strstr(second.text, "n49 ") == NULL,
       "what was removed and what was listed are not listed again");
    ok(handle_seek(handle, 0, SEEK_SET) == 0 && handle_readdir(handle, list_one, &second) == 0,
       "seek to 0 begins anew");
    handle_put(handle);
    must(vfs_open(&box->walker, "/list", O_DIRECTORY, 0, 0, &handle));
    for (i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), i % 2 != 0 ? "/list/n%02u" : "/list/new%02u", i);
        must(vfs_unlink(&box->walker, path));
    }
    must(vfs_rmdir(&box->walker, "/list"));
    ok(handle_readdir(handle, list_one, &second) == -ENOENT,
       "a removed directory cannot be listed");
    handle_put(handle);
}

// --- Contents ---

#define CONTENT_SIZE 100000
static char content[CONTENT_SIZE];
static size_t content_size;

static bool random_write(struct handle *handle)
{
    char bytes[9000];
    off_t at = pick(CONTENT_SIZE - 10000);
    size_t size = pick(9000);
    struct iobuf buffer;

    memset(bytes, 'a' + (int)pick(26), size);
    iobuf_kernel(&buffer, bytes, size);
    memcpy(content + at, bytes, size);
    if (size != 0)
        content_size = MAX(content_size, (size_t)at + size);
    return handle_write_at(handle, &buffer, at) == (ssize_t)size;
}

static bool random_read(struct handle *handle)
{
    char bytes[9000];
    size_t at = pick(CONTENT_SIZE);
    size_t size = pick(9000);
    size_t expected = at < content_size ? MIN(size, content_size - at) : 0;
    struct iobuf buffer;

    iobuf_kernel(&buffer, bytes, size);
    return handle_read_at(handle, &buffer, (off_t)at) == (ssize_t)expected &&
           memcmp(bytes, content + at, expected) == 0;
}

static bool random_truncate(struct handle *handle)
{
    size_t size = pick(CONTENT_SIZE);

    if (size < content_size)
        memset(content + size, 0, content_size - size);
    content_size = size;
    return handle_truncate(handle, (off_t)size) == 0 && handle->node->size == size;
}

static void test_content(struct fake_box *box)
{
    struct handle *handle;
    struct iobuf buffer;
    unsigned wrong = 0;

    must(vfs_open(&box->walker, "/content", O_CREAT | O_RDWR, 0644, 0, &handle));
    for (unsigned i = 0; i < 5000; i++) {
        unsigned what = pick(8);

        wrong += !(what < 3   ? random_write(handle)
                   : what < 7 ? random_read(handle)
                              : random_truncate(handle));
    }
    ok(wrong == 0, "5000 random reads, writes and truncations agree with a plain array");
    must(handle_truncate(handle, 0));
    iobuf_kernel(&buffer, content, 10);
    ok(handle_write_at(handle, &buffer, INT64_MAX - 4) == -EINVAL,
       "a write whose end has no number is EINVAL");
    iobuf_kernel(&buffer, content, 4);
    ok(handle_write_at(handle, &buffer, INT64_MAX - 4) == 4, "one up to the largest size is done");
    ok(handle_seek(handle, 0, SEEK_HOLE) == 0 &&
           handle_seek(handle, 5, SEEK_DATA) == (off_t)ALIGN_DOWN(INT64_MAX - 4, PAGE_SIZE),
       "a file of the largest size can be sought in");
    handle_put(handle);
    must(vfs_unlink(&box->walker, "/content"));
}

// --- Running out of memory ---

// Repeats the step with the nth allocation failing, for n from 1 on, until it succeeds.
static bool survives(struct fake_box *box, enum step step, const char *path, const char *other)
{
    for (long n = 1; n < 100; n++) {
        long before = live_objects;
        int error;

        fail_at = n;
        error = kernel_step(box, step, path, other);
        if (fail_at != 0) {
            fail_at = 0;
            return error == 0 && n > 1;
        }
        if (error != -ENOMEM || live_objects != before || !agrees(box))
            return false;
    }
    return false;
}

static void test_memory(struct fake_box *box)
{
    struct handle *handle;
    long before = live_objects;
    long n = 0;
    int error;

    ok(survives(box, STEP_MKDIR, "/memory", ""), "mkdir: the nth allocation fails, for every n");
    ok(survives(box, STEP_CREATE, "/memory/file", ""), "mknod likewise");
    ok(survives(box, STEP_LINK, "/memory/file", "/memory/link"), "link likewise");
    ok(survives(box, STEP_RENAME, "/memory/file", "/memory/moved"), "rename likewise");
    do {
        fail_at = ++n;
        error = vfs_open(&box->walker, "/memory/opened", O_CREAT | O_RDWR, 0600, 0, &handle);
        if (fail_at == 0 && error != -ENOMEM)
            break;
    } while (fail_at == 0 && n < 100);
    ok(error == 0 && n > 2, "open with O_CREAT likewise (%ld allocations)", n - 1);
    fail_at = 0;
    if (error == 0)
        handle_put(handle);
    must(vfs_unlink(&box->walker, "/memory/opened"));
    must(vfs_unlink(&box->walker, "/memory/link"));
    must(vfs_unlink(&box->walker, "/memory/moved"));
    must(vfs_rmdir(&box->walker, "/memory"));
    ok(live_objects == before, "and nothing is left");
}

// --- Trees freed whole ---

static void test_deep(void)
{
    long before = live_objects;
    struct tree *tree;
    struct node *node, *middle = NULL, *parent;
    struct node *child;

    must(ramfs_create(NULL, &tree));
    node = tree->root;
    for (unsigned i = 0; i < 50000; i++) {
        mutex_lock(&node->lock);
        must(node->ops->create(node, "d", 1, S_IFDIR | 0755, NULL, 0, 0, &child));
        mutex_unlock(&node->lock);
        node_put(child); // its entry keeps it
        node = child;
        if (i == 25000)
            middle = child;
    }
    node_get(middle);
    node_put(tree->root);
    ok(live_objects > before, "what is held outlives its tree's root");
    mutex_lock(&middle->tree->rename_lock);
    parent = node_parent_locked(middle);
    mutex_unlock(&middle->tree->rename_lock);
    ok(parent == NULL && middle->ops->lookup(middle, "d", 1, &child) == 0,
       "it has no parent any more, and what is below it is whole");
    node_put(child);
    node_put(middle);
    ok(live_objects == before, "a tree 50000 deep is freed without recursion, to the last object");
}

int main(void)
{
    struct fake_box box;
    struct tree *tree;
    long before;

    random_state = 1;
    vfs_init();
    ramfs_init();
    before = live_objects;
    must(ramfs_create(NULL, &tree));
    box_begin(&box, &account_root);
    box_bind(&box, "", tree->root, RIGHT_ALL);
    test_random(&box);
    test_listing(&box);
    test_content(&box);
    test_memory(&box);
    box_end(&box);
    node_put(tree->root);
    ok(live_objects == before, "nothing is left of the tree (%ld)", live_objects - before);
    test_deep();
    return done_testing();
}
