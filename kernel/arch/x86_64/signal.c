// SPDX-License-Identifier: MIT
// signal.c - the frame of a signal handler on the user's stack, laid out as programs for Linux know
// it.
//
// From high addresses to low: the FPU state (64-aligned), then siginfo, ucontext and the return
// address. Going back, every field is taken as hostile: selectors and system flags are the kernel's
// own, the rest is what user mode could set by itself; the CPU checks the FPU state, and a fault
// there is -EFAULT.
// Sources: x86-64 psABI; sigreturn(2); Intel SDM 1 13.4 (XSAVE area), 13.4.1 (bytes 464-511 are
// software's).

#include <string.h>

#include "abi/errors.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/arch/x86_64/trap.h"

#define CONTEXT_FP_XSTATE 0x1  // the FPU state is an XSAVE area with struct fp_extension
#define CONTEXT_SS 0x2         // ss was saved
#define CONTEXT_STRICT_SS 0x4  // and is restored as it stands
#define FP_MAGIC1 0x46505853
#define FP_MAGIC2 0x46505845
#define FP_EXTENSION_AT 464
#define FXSAVE_SIZE 512
#define XSAVE_HEADER_SIZE 64

// Flags that a program may set by itself.
#define FLAGS_USER UINT64_C(0x50dd5) // AC RF OF DF TF SF ZF AF PF CF

struct fp_extension {
    uint32_t magic1;
    uint32_t extended_size; // of all, with magic2
    uint64_t features;
    uint32_t xstate_size;
    uint32_t padding[7];
};

struct signal_context {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t code, vector, old_mask, cr2;
    uint64_t fpu; // address of the FPU state
    uint64_t reserved[8];
};

struct user_context {
    uint64_t flags, link;
    uint8_t alternate_stack[24];
    struct signal_context context;
    uint64_t mask;
};

struct signal_frame {
    uint64_t restorer;
    struct user_context context;
    uint8_t info[128];
};
_Static_assert(sizeof(struct signal_context) == 256, "as Linux's struct sigcontext");
_Static_assert(sizeof(struct signal_frame) == 440, "as Linux's struct rt_sigframe");

// The FPU state's size on the user's stack.
static size_t fpu_frame_size(void)
{
    return cpu_features.xsave ? cpu_features.fpu_size + sizeof(uint32_t) : FXSAVE_SIZE;
}

static int put_fpu(vaddr_t at)
{
    struct fp_extension extension = {
        .magic1 = FP_MAGIC1,
        .extended_size = (uint32_t)fpu_frame_size(),
        .features = cpu_features.xcr0,
        .xstate_size = cpu_features.fpu_size,
    };
    const uint32_t magic2 = FP_MAGIC2;

    // XSAVE writes only what differs from the initial state, and merges into the header: so zeros
    // first.
    if (arch_zero_user(at, fpu_frame_size()) != 0 ||
        user_xsave((void *)at, cpu_features.xsave) != 0)
        return -EFAULT;
    if (!cpu_features.xsave)
        return 0;
    if (arch_copy_to_user(at + FP_EXTENSION_AT, &extension, sizeof(extension)) != 0 ||
        arch_copy_to_user(at + cpu_features.fpu_size, &magic2, sizeof(magic2)) != 0)
        return -EFAULT;
    return 0;
}

// at 0: no state was given, and the initial one is loaded.
static int get_fpu(vaddr_t at)
{
    struct fp_extension extension;

    if (at == 0) {
        fpu_load_initial();
        return 0;
    }
    if (at >= USER_END - fpu_frame_size() || at % 64 != 0)
        return -EFAULT;
    if (cpu_features.xsave) {
        if (arch_copy_from_user(&extension, at + FP_EXTENSION_AT, sizeof(extension)) != 0)
            return -EFAULT;
        // A plain FXSAVE area, as a program may have made it by itself.
        if (extension.magic1 != FP_MAGIC1 || extension.xstate_size != cpu_features.fpu_size) {
            fpu_load_initial();
            return user_xrstor((const void *)at, false) != 0 ? -EFAULT : 0;
        }
    }
    return user_xrstor((const void *)at, cpu_features.xsave) != 0 ? -EFAULT : 0;
}

static void save_registers(struct signal_context *context, const struct trapframe *frame)
{
    *context = (struct signal_context){
        .r8 = frame->r8, .r9 = frame->r9, .r10 = frame->r10, .r11 = frame->r11,
        .r12 = frame->r12, .r13 = frame->r13, .r14 = frame->r14, .r15 = frame->r15,
        .rdi = frame->rdi, .rsi = frame->rsi, .rbp = frame->rbp, .rbx = frame->rbx,
        .rdx = frame->rdx, .rax = frame->rax, .rcx = frame->rcx,
        .rsp = frame->rsp, .rip = frame->rip, .rflags = frame->rflags,
        .cs = USER_CS, .ss = USER_DS,
    };
    if (frame->vector != TRAP_SYSCALL) {
        context->vector = frame->vector;
        context->code = frame->code;
        context->cr2 = frame->vector == VECTOR_PAGE_FAULT ? read_cr2() : 0;
    }
}

static void load_registers(struct trapframe *frame, const struct signal_context *context)
{
    *frame = (struct trapframe){
        .r8 = context->r8, .r9 = context->r9, .r10 = context->r10, .r11 = context->r11,
        .r12 = context->r12, .r13 = context->r13, .r14 = context->r14, .r15 = context->r15,
        .rdi = context->rdi, .rsi = context->rsi, .rbp = context->rbp, .rbx = context->rbx,
        .rdx = context->rdx, .rax = context->rax, .rcx = context->rcx,
        .rsp = context->rsp, .rip = context->rip,
        .rflags = (context->rflags & FLAGS_USER) | FLAGS_IF | FLAGS_FIXED,
        .cs = USER_CS, .ss = USER_DS,
    };
}

int arch_signal_enter(struct trapframe *frame, vaddr_t sp, unsigned signal, const void *info,
                      uint64_t mask, const void *altstack_24_bytes, vaddr_t handler,
                      vaddr_t restorer)
{
    struct signal_frame out = { .restorer = restorer };
    vaddr_t fpu, at;

    if (sp > USER_END || sp < fpu_frame_size() + sizeof(out) + 128)
        return -EFAULT;
    fpu = ALIGN_DOWN(sp - fpu_frame_size(), 64);
    // As after a call: 8 below a multiple of 16.
    at = ALIGN_DOWN(fpu - sizeof(out), 16) - 8;
    out.context.flags = CONTEXT_SS | CONTEXT_STRICT_SS;
    out.context.flags |= cpu_features.xsave ? CONTEXT_FP_XSTATE : 0;
    memcpy(out.context.alternate_stack, altstack_24_bytes, sizeof(out.context.alternate_stack));
    save_registers(&out.context.context, frame);
    out.context.context.fpu = fpu;
    out.context.mask = mask;
    memcpy(out.info, info, sizeof(out.info));
    if (put_fpu(fpu) != 0 || arch_copy_to_user(at, &out, sizeof(out)) != 0)
        return -EFAULT;
    frame->rip = handler;
    frame->rsp = at;
    frame->rdi = signal;
    frame->rsi = at + offsetof(struct signal_frame, info);
    frame->rdx = at + offsetof(struct signal_frame, context);
    frame->rax = 0; // no vector registers hold arguments, should the handler be variadic
    frame->rflags &= ~(uint64_t)(FLAGS_DF | FLAGS_RF | FLAGS_TF);
    frame->vector = 0;
    frame->code = 0;
    return 0;
}

int arch_signal_return(struct trapframe *frame, uint64_t *mask, void *altstack_24_bytes)
{
    // The handler's return took the restorer's address off the stack.
    vaddr_t at = frame->rsp - offsetof(struct signal_frame, context);
    struct user_context context;

    if (arch_copy_from_user(&context, at + offsetof(struct signal_frame, context),
                            sizeof(context)) != 0 ||
        get_fpu(context.context.fpu) != 0)
        return -EFAULT;
    load_registers(frame, &context.context);
    *mask = context.mask;
    memcpy(altstack_24_bytes, context.alternate_stack, sizeof(context.alternate_stack));
    return 0;
}
