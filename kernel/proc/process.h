// SPDX-License-Identifier: MIT
// process.h - processes: an address space with threads, fds, environment and a parent; every one in
// a box.
//
// The interface of the two systems that Boxwork comes from, whole: PatchworkOS's names as they are,
// kogata's with the prefix process_. System calls and /proc go through it. docs/seeds.md maps each
// to its test.
//
//   new --start--> running <--start/suspend--> suspended
//    \--------------+-----------kill/exit/fault-----+--> dying --all freed--> dead --reaped--> gone
//
// A head (process_new) is the first process of a new box; members come from process_clone. The end
// of a head ends its box.
// Order of death: door closed, threads leave, fds names regions page tables timers notes freed,
// account settled, record published, waiters woken. The end is published only once nothing holds
// the struct: whoever waits for it holds its record instead, and whoever holds a part of a process
// (space, fds) holds the process as long.
// Context: thread, where nothing else is said. No spin lock is held by the caller.
#pragma once

#include <stdatomic.h>

#include "abi/resource.h"
#include "kernel/proc/record.h"
#include "kernel/sched/mutex.h"
#include "kernel/vfs/walk.h"

struct account;
struct box;
struct clone_request;
struct env;
struct exec_image;
struct fdtab;
struct grant;
struct groups;
struct handle;
struct linux_siginfo;
struct map_request;
struct names;
struct posix_timers;
struct signals;
struct space;
struct trapframe;
struct uthread;

// As shown in /proc/PID/status.
enum process_flags { PROCESS_NONE = 0, PROCESS_DYING = 1, PROCESS_SUSPENDED = 2,
                     PROCESS_STOPPED = 4 };

enum process_state { PROCESS_NEW, PROCESS_RUNNING, PROCESS_ENDING, PROCESS_DEAD };

// kogata's kinds of end.
enum process_end { PROCESS_FINISHED, PROCESS_FAILURE, PROCESS_KILLED };

// Where relative paths begin, and the umask: shared by CLONE_FS.
struct directory {
    struct refcount ref;
    struct spinlock lock; // rank PROCESS_PART
    struct place cwd;     // under lock; empty: "/"
    mode_t umask;         // "
};

// Fields: I set once · p under process->lock · T under tree_lock · a atomic
struct process {
    struct refcount ref;          // a
    struct spinlock lock;         // rank PROCESS
    struct mutex exec_lock;       // rank EXEC: one start or ctl exec at a time
    struct box *box;              // I  counted
    pid_t pid;                    // I  number in its box; the head's is 1
    pid_t outer_pid;              // I  heads: number in the box around
    // a  of the parent in the same box, 0 for a head; changed under tree_lock
    atomic_int parent_pid;
    bool head;                    // I
    struct record *record;        // I  counted; numbers, parent, group, how it ended
    // T  of record.child_link: members and heads it made, the dead unreaped included
    struct list children;
    // T  of record.report_link: members that ended, stopped or continued
    struct list reports;
    struct waitq child_events;    // a child ended, stopped or continued
    struct list member_link;      // T  in box->members or box->killed
    struct list reap_link;        // T  in the reaper's list
    atomic_uint flags;            // a  enum process_flags; changed under process->lock
    atomic_int state;             // a  enum process_state
    struct list threads;          // p  of struct uthread.process_link, the killed at the end
    unsigned thread_count;        // p
    unsigned parked_count;        // p  of which parked
    struct uthread *exec_thread;  // p  the thread whose exec waits for the others to leave
    struct waitq thread_events;   // a thread has left or parked; a suspension or stop was lifted
    int first_thread_code;        // p  what the first thread gave to exit
    // p  counted; replaced whole by exec; NULL once ending has freed it
    struct space *space;
    struct fdtab *fds;            // p  counted (CLONE_FILES shares it between processes of a box)
    struct directory *directory;  // p  counted
    struct env *env;              // I  what the next program start hands over; empty after death
    struct place exe;             // p  the image's file, empty before exec
    struct exec_image *image;     // p  set up by process_exec_other, not begun yet
    char *cmdline;                // p  argv joined by NULs, process_set_cmdline
    size_t cmdline_size;          // p
    char name[16];                // p  comm
    uid_t uid, euid, suid;        // p  labels, read by no rights check
    gid_t gid, egid, sgid;        // p
    struct groups *groups;        // p  counted; NULL: none
    struct signals *signals;      // I  actions, pending, notes: note.h
    struct posix_timers *timers;  // p  NULL until the first: ipc/posix_timer.h
    bool adopts;                  // T  ctl adopt: takes in orphans of its box; on for heads
    bool subreaper;               // T  PR_SET_CHILD_SUBREAPER: so does a member that asks for it
    bool has_executed;            // p  since its fork
    bool stop_reported;           // p
    // p  SIGCONT lifted a reported stop; the first thread to go on tells the parent
    bool continue_unreported;
    unsigned stop_signal;         // p  of the stop in progress
    unsigned parent_death_signal; // p  PR_SET_PDEATHSIG
    unsigned priority;            // p  0-63
    uint64_t rlimits[16][2];      // p  soft and hard; shown and kept; fds and stack obey
    nsec_t start_ns;              // I
    struct usage usage;           // p  of its threads that have left
};

extern struct spinlock tree_lock; // rank TREE: parents, children, members, boxes, numbers, sessions

// The calling thread's process; the kernel's for a kernel thread. No reference.
struct process *process_current(void);
// The kernel process, number 0: made at the first call, never NULL, takes no reference. It has no
// threads, fds or space.
struct process *process_get_kernel(void);

// Makes the head of a new, empty box inside parent's box: no fds, names, environment, regions; not
// started. It counts as one thread until started. priority: 0-63; what is above
// PRIORITY_USER_MOST counts as that. It and its record may be found from now on.
// Returns 0 and a counted process. Errors: -EAGAIN (32 boxes deep, or a quota), -ENOMEM, -ESRCH
// (parent or its box is dying; a calling thread of its own leaves before it sees that). No lock is
// held.
int process_new(struct process *parent, unsigned priority, struct process **process) MUST_CHECK;
void process_get(struct process *process);
void process_put(struct process *process); // Context: any

// Starts a new process at entry, mapping a stack; with an image that exec has set up, entry is 0
// and its own is used. Of a suspended one (its box, if outside, a head): lifts the suspension. Of a
// running one: nothing. Errors: -ENOEXEC without a program, -ESRCH ended, -ENOMEM, -EAGAIN.
int process_start(struct process *process, vaddr_t entry) MUST_CHECK;

// Ends a process: kind and code as kogata's, or a status as `wait` shows it (0-255 exit code, -N
// signal N).
// A head's box ends with it. The first to end it wins; returns at once; never blocks. reason: text
// for the record, cut at 255 bytes.
// kind and code: FINISHED the code's low byte; FAILURE -N of a signal, else -SIGSEGV; KILLED -N, else -9.
// Who did it is the calling process. Context: thread.
void process_exit(struct process *process, enum process_end kind, int exit_code);
void process_kill(struct process *process, int64_t status);
void process_kill_reason(struct process *process, int64_t status, const char *reason,
                         ...) PRINTF_LIKE(3, 4);
// Ends the calling thread's process with an exit code of 0-255 (exit_group); does not return.
void NORETURN process_current_exit(int exit_code);

// Makes and starts a thread of a process that has begun: at entry with stack pointer sp and empty
// registers; or, with clone, of the calling process, going on as the calling thread as clone says.
// Returns: its number, under which it may be gone by then. Errors: -EINVAL the process has not
// begun, -ESRCH it ends, -EAGAIN (quota, no number, an exec is under way), -ENOMEM.
int64_t process_new_thread(struct process *process, vaddr_t entry, vaddr_t sp,
                           const struct clone_request *clone) MUST_CHECK;
// Called by the leaving thread itself, in its own context: unlinks it; the last one frees all that
// its process holds and takes the living counters down. The caller then calls thread_exit.
void process_thread_exited(struct uthread *thread);
// Whether it has a thread with this number, as its box numbers threads.
bool process_has_thread(struct process *process, pid_t tid);
// The least number of a thread above tid; 0 at the end.
pid_t process_next_thread(struct process *process, pid_t tid);

// The child of process with this number as process's box sees it (member's pid or head's outer
// number), living or dead unreaped: its record, counted; NULL if none.
struct record *process_find_child(struct process *process, pid_t pid);
// Status as `wait` prints it. Errors: -EAGAIN still alive.
int process_get_status(struct record *record, int64_t *status) MUST_CHECK;
// Waits for the end (if block), reaps nothing. Errors: -EAGAIN, -EINTR, -EDEADLK (oneself, or the
// head of a box around).
int process_wait(struct record *record, int64_t *status, bool block) MUST_CHECK;
// Removes a dead process's record from its parent and from among the numbers; further lookups fail.
// Errors: -EBUSY not dead, -ESRCH reaped.
int process_reap(struct record *record) MUST_CHECK;

// wait4 and waitid of the calling process.
struct wait_request {
    // P_ALL, P_PID, P_PGID (id 0: the caller's own group), P_PIDFD (record set)
    int which;
    pid_t id;
    struct record *record;  // of a pidfd
    unsigned options;       // WEXITED WSTOPPED WCONTINUED WNOHANG WNOWAIT __WALL __WCLONE
    // Filled in:
    pid_t pid;              // 0: WNOHANG and nothing to report
    uid_t uid;
    int code;               // CLD_*
    int status;             // exit code, or signal number
    struct linux_rusage usage; // its own and its children's
};
// Waits for any member child of process to have something to tell of what request->options ask for,
// and reaps it if it has ended; heads are left out. Errors: -ECHILD none, -EAGAIN nothing yet (not
// block), -EINTR.
int process_wait_any_child(struct process *process, struct wait_request *request,
                           bool block) MUST_CHECK;
// Heads are reported for P_PID and P_PIDFD alone. Errors: -ECHILD, -EINVAL, -EINTR.
int process_wait_for(struct wait_request *request) MUST_CHECK;
// wait4's status word of what process_wait_for filled in.
int wait_status_word(const struct wait_request *request);

// Copies src's environment into dest's empty one. Errors: -EINVAL the same or NULL, -EBUSY dest has
// variables, -ENOMEM.
int process_copy_env(struct process *dest, struct process *src) MUST_CHECK;
// Sets what /proc/PID/cmdline shows, and nothing else: of a process that is new, what it will run;
// exec sets it by itself. Copies the strings, charged to its box. Errors: -EINVAL (argc 0, NULL
// pointers), -ENOMEM, -E2BIG; nothing changed.
int process_set_cmdline(struct process *process, const char *const *argv, size_t argc) MUST_CHECK;
// Copies from cmdline at offset. Returns bytes copied.
size_t process_get_cmdline(struct process *process, size_t offset, void *to, size_t size);

// Suspends or resumes every thread (of the whole box, for a head when box is set); returns when
// each is parked, or waits without locks for its vfork child. Errors: -EDEADLK (the caller is in
// it), -ESRCH, -EINTR.
int process_suspend(struct process *process, bool box) MUST_CHECK;
void process_resume(struct process *process, bool box);
// Whether it is held: itself, or its box or one around it as a whole.
bool process_is_suspended(const struct process *process);

// The names of the process's box: what is behind a name is a grant, a tree's node as its top with
// rights; "" names the root tree. Errors of all: -ESRCH nothing lives in the box any more.
// Binds; takes a reference of its own. Errors: -EEXIST, -EINVAL no name, -ENOTDIR a root tree that
// is none, -ENOSPC too many names, -ENOMEM.
int process_add_fs(struct process *process, struct grant *grant, const char *name) MUST_CHECK;
// Returns the grant, counted. Errors: -ENOENT.
int process_find_fs(struct process *process, const char *name, struct grant **grant) MUST_CHECK;
// Unbinds; what is open stays open. Errors: -ENOENT.
int process_rm_fs(struct process *process, const char *name) MUST_CHECK;

// Open files. Those that put a handle in take over the caller's reference, on success only. Errors
// of all: -ESRCH the process is ending.
// At the lowest free fd from lowest on. Returns: the fd. Errors: -EMFILE (limit or quota), -ENOMEM.
int process_add_fd(struct process *process, struct handle *handle, int lowest,
                   bool cloexec) MUST_CHECK;
// At fd, closing what was there. Errors: -EBADF no fd, or past the process's limit; -EMFILE (quota),
// -ENOMEM.
int process_add_fd_as(struct process *process, struct handle *handle, int fd,
                      bool cloexec) MUST_CHECK;
// Returns the handle, counted. Errors: -EBADF.
int process_read_fd(struct process *process, int fd, struct handle **handle) MUST_CHECK;
int process_close_fd(struct process *process, int fd) MUST_CHECK; // Errors: -EBADF

// Memory of a process; errors as in space.h, and -ESRCH the process is ending. Each may wait for
// the space's lock.
// Maps zeros as request says, which is changed on the way. Returns 0 and the address.
int process_mmap(struct process *process, struct map_request *request, vaddr_t *at) MUST_CHECK;
// Maps the file; the region takes its own references on handle and its grant. Errors: also -EACCES
// (rights of the handle), -ENODEV.
int process_mmap_file(struct process *process, struct handle *handle, struct map_request *request,
                      vaddr_t *at) MUST_CHECK;
// Changes the mode of what is mapped. prot: REGION_READ, _WRITE, _EXECUTE.
int process_mchmap(struct process *process, vaddr_t address, size_t size, unsigned prot) MUST_CHECK;
int process_munmap(struct process *process, vaddr_t address, size_t size) MUST_CHECK;
// Writes its regions to the log, a line each. May wait for the space's lock.
void process_dump_memmap(struct process *process);

// Whether the calling process may read or write the range, touching each page: afterwards all of it
// is there. Errors: -EFAULT (a strict process ends for it when its call returns it), -EINTR killed
// meanwhile.
int probe_for_read(vaddr_t address, size_t size) MUST_CHECK;
int probe_for_write(vaddr_t address, size_t size) MUST_CHECK;

// kernel/fs/procfs. Makes the root of /proc; panics without memory. Context: start-up, once.
void process_procfs_init(void);
// Starts the reaper's thread: it ends processes that never started, and boxes at their deadline;
// panics without memory. Context: start-up, once.
void process_reaper_init(void);

// --- Parts of any process, counted; the caller keeps the process while it has them. Errors: -ESRCH
// the process is ending. ---

int process_space(struct process *process, struct space **space) MUST_CHECK;
int process_fds(struct process *process, struct fdtab **fds) MUST_CHECK;
// "/" until it is set
int process_cwd(struct process *process, struct place *cwd) MUST_CHECK;
// takes its own references
int process_set_cwd(struct process *process, const struct place *cwd) MUST_CHECK;
// -ENOENT before exec
int process_exe(struct process *process, struct place *exe) MUST_CHECK;
// the calling process; the old one
mode_t process_set_umask(mode_t umask);
// The walker for path calls of the calling thread (of a process with fds: not the kernel's).
// at_cwd: a counted copy of cwd goes to *base, put by the caller; else *base is empty, for the
// caller to fill, or for a path that begins with a slash.
void process_walker(struct walker *walker, struct place *base, bool at_cwd);
// The same for another process: its names (counted), cwd and labels; both given back by
// process_walker_put. Errors: -ESRCH.
int process_walker_of(struct process *process, struct walker *walker, struct place *cwd) MUST_CHECK;
void process_walker_put(struct walker *walker, struct place *cwd);

// All its threads, the ended included.
void process_usage_total(struct process *process, struct usage *usage);
void process_usage(struct process *process, struct linux_rusage *usage);
void process_times(struct process *process, nsec_t *user_ns, nsec_t *kernel_ns);
// Of its children that were waited for.
void process_children_usage(struct process *process, struct linux_rusage *usage);
// Either pointer may be NULL. Errors: -EINVAL, -EPERM (raising a hard limit, for another label than
// uid 0).
int process_set_rlimit(struct process *process, unsigned which, const uint64_t limit[2],
                       uint64_t old[2]) MUST_CHECK;
uint64_t process_rlimit(unsigned which);
#define PRIORITY_USER_MOST 39 // nice -20; those above it are the kernel's
// All threads'; at most PRIORITY_USER_MOST. To who is outside its box, a head's is the box's: its
// weight beside others in the box around. The head itself takes that over until it is started.
void process_set_priority(struct process *process, unsigned priority);
unsigned process_priority(const struct process *process);
void process_set_name(struct process *process, const char *name); // comm, cut at 15 bytes
// The number of process as box sees it: 0 if it is outside.
pid_t process_number(const struct process *process, const struct box *box);
// 'R' running, 'S' sleeping, 'D', 'T' stopped or suspended, 'Z' dead, as /proc/PID/stat shows;
// threads: how many.
char process_state_letter(struct process *process, unsigned *threads);

// fork.c. flags: CLONE_* of abi/sched.h as clone(2) takes them.
struct clone_request {
    uint64_t flags;
    int exit_signal;
    vaddr_t stack;          // 0: the caller's
    vaddr_t tls;
    vaddr_t parent_tid, child_tid; // user addresses
    vaddr_t pidfd;
};
// The calling thread's fork, vfork or clone. Returns the new number in the caller's box. Errors: as
// clone(2).
int64_t process_clone(const struct clone_request *request) MUST_CHECK;

// exec.c. argv, envp: kernel copies, each string NUL-terminated, lists ended by NULL.
// exec of the calling process replaces it: on success the trap frame is the new program's start and
// the result is 0.
// handle: the opened program (execute right checked); path: as execve got it, for #! scripts,
// AT_EXECFN and comm.
// Errors: -ENOEXEC, -EACCES, -E2BIG, -ENOMEM, -ELOOP, -EAGAIN another thread's exec is under way;
// nothing changed.
int process_exec_current(struct handle *handle, const char *path, const char *const *argv,
                         const char *const *envp) MUST_CHECK;
// Sets up the image of a process that is new or suspended; envp from its env. Errors: also -EBUSY,
// -ESRCH.
int process_exec_other(struct process *process, struct handle *handle, const char *path,
                       const char *const *argv) MUST_CHECK;
// What execve refuses before it copies more: bytes of all strings and pointers, and of one string.
#define EXEC_STRING_MAX (128 * 1024)
size_t process_exec_limit(void); // a quarter of the stack limit, at least 128 KiB

// init.c. A name of the first process's box, before process_start_init: "" the root tree, "proc",
// "dev".
void process_add_init_name(const char *name, struct node *root);
// Makes the outermost box's head (pid 1), with the console as fds 0 to 2 if there is one, starts
// path, waits for its end and powers the machine off, in debug builds after comparing the ledger.
// Returns only if it cannot be started.
int process_start_init(const char *path, const char *const *argv,
                       const char *const *envp) MUST_CHECK;

// pidfd.c
int pidfd_create(struct record *record, unsigned flags, struct handle **handle) MUST_CHECK;
struct record *pidfd_record(struct handle *handle); // not counted; NULL if it is none

// trap.c: handlers for arch_set_trap_handlers; return_to_user is note_return_to_user.
int process_page_fault(struct trapframe *frame, vaddr_t address, unsigned access, bool user);
// The calling thread's system call, of that name, made by the instruction before ip, ends with
// -EFAULT: a strict process ends for it, as a kogata process does.
void process_bad_pointer(const char *call, uint64_t ip);
void process_exception(struct trapframe *frame, unsigned vector, uint64_t error);
