// SPDX-License-Identifier: MIT
// signal.h - signals: numbers, codes, and the structures of handlers, stacks and infos.
#pragma once

#include <stdint.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGIOT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPOLL SIGIO
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 32
#define SIGRTMAX 64
#define SIGNAL_COUNT 64 // numbers are 1 to 64

#define SIG_DFL 0
#define SIG_IGN 1

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001
#define SA_NOCLDWAIT 0x00000002
#define SA_SIGINFO 0x00000004
#define SA_UNSUPPORTED 0x00000400
#define SA_EXPOSE_TAGBITS 0x00000800
#define SA_RESTORER 0x04000000
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000
#define SA_KNOWN                                                                          \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART |   \
     SA_NODEFER | SA_RESETHAND)

#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM (1U << 31)
#define MINSIGSTKSZ 2048
#define SIGSTKSZ 8192

// Who sent it: si_code.
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_MESGQ (-3)
#define SI_ASYNCIO (-4)
#define SI_SIGIO (-5)
#define SI_TKILL (-6)

#define ILL_ILLOPC 1
#define ILL_ILLOPN 2
#define ILL_PRVOPC 5
#define ILL_BADSTK 8
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2
#define SIGEV_THREAD_ID 4

union linux_sigval {
    int32_t sival_int;
    uint64_t sival_ptr;
};

// 128 bytes; which member of the union holds, signal number and code say.
struct linux_siginfo {
    int32_t si_signo;
    int32_t si_errno;
    int32_t si_code;
    int32_t si_padding; // the kernel's own until it is delivered: enum signal_maker of an info that a program made
    union {
        uint8_t si_bytes[112];
        struct { // kill, tkill, sigqueue
            int32_t si_pid;
            uint32_t si_uid;
            union linux_sigval si_value;
        };
        struct { // SI_TIMER; the value stands where si_value does
            int32_t si_timerid;
            int32_t si_overrun;
        };
        struct { // SIGCHLD, after si_pid and si_uid
            uint64_t si_pid_and_uid;
            int32_t si_status;
            int32_t si_status_padding;
            int64_t si_utime;
            int64_t si_stime;
        };
        struct { // SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP
            uint64_t si_addr;
            int16_t si_addr_lsb;
        };
        struct { // SIGPOLL
            int64_t si_band;
            int32_t si_fd;
        };
        struct { // SIGSYS
            uint64_t si_call_addr;
            int32_t si_syscall;
            uint32_t si_arch;
        };
    };
};

// As rt_sigaction passes it: not the libc's own struct.
struct linux_sigaction {
    uint64_t sa_handler;
    uint64_t sa_flags;
    uint64_t sa_restorer;
    uint64_t sa_mask;
};

struct linux_stack {
    uint64_t ss_sp;
    int32_t ss_flags;
    int32_t ss_padding;
    uint64_t ss_size;
};

struct linux_sigevent { // 64 bytes
    union linux_sigval sigev_value;
    int32_t sigev_signo;
    int32_t sigev_notify;
    int32_t sigev_tid; // SIGEV_THREAD_ID
    int32_t sigev_reserved[11];
};
