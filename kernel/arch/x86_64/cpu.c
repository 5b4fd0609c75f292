// SPDX-License-Identifier: MIT
// cpu.c - what the CPU can do, and its control registers and descriptor tables.
//
// Sources: Intel SDM 2A (CPUID), 3A 2.5 (control registers), 5.8.8 (syscall); AMD64 APM 2.

#include "kernel/arch/x86_64/cpu.h"

#include <string.h>

#include "kernel/arch/x86_64/trap.h"

#define GDT_ENTRIES 10

struct cpu_features cpu_features;

DEFINE_PERCPU(struct tss, arch_tss);
DEFINE_PERCPU(uint64_t, arch_offset);
DEFINE_PERCPU(unsigned, arch_cpu_number);
DEFINE_PERCPU(struct thread *, arch_current);
DEFINE_PERCPU(uint64_t, arch_user_rsp); // entry.S keeps the user's here for three instructions
static DEFINE_PERCPU(uint64_t[GDT_ENTRIES], gdt);

extern char syscall_entry[];
extern const uint64_t smap_sites_start[][2], smap_sites_end[][2];

static bool bit(uint32_t word, unsigned number)
{
    return word >> number & 1;
}

static void read_name(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid_result part = cpuid(0x80000002 + i, 0);

        memcpy(cpu_features.name + 16 * i, &part, 16);
    }
}

static void detect_xsave(void)
{
    // Components that the kernel saves: x87, SSE, AVX, AVX-512 (three). SDM 1 13.1.
    const uint64_t wanted = 0xe7;
    struct cpuid_result state = cpuid(13, 0);

    cpu_features.xcr0 = (state.eax | (uint64_t)state.edx << 32) & wanted;
    // AVX-512 is all three or none.
    if ((cpu_features.xcr0 & 0xe0) != 0xe0)
        cpu_features.xcr0 &= 0x7;
    cpu_features.xsaveopt = bit(cpuid(13, 1).eax, 0);
}

void cpu_detect(void)
{
    uint32_t leaves = cpuid(0, 0).eax;
    struct cpuid_result basic = cpuid(1, 0);
    struct cpuid_result extended = cpuid(0x80000001, 0);

    cpu_features.page_1g = bit(extended.edx, 26);
    cpu_features.rdrand = bit(basic.ecx, 30);
    cpu_features.xsave = bit(basic.ecx, 26) && leaves >= 13;
    cpu_features.xcr0 = 3;
    if (leaves >= 7) {
        struct cpuid_result more = cpuid(7, 0);

        cpu_features.fsgsbase = bit(more.ebx, 0);
        cpu_features.smep = bit(more.ebx, 7);
        cpu_features.rdseed = bit(more.ebx, 18);
        cpu_features.smap = bit(more.ebx, 20);
        cpu_features.umip = bit(more.ecx, 2);
    }
    if (cpu_features.xsave)
        detect_xsave();
    if (cpuid(0x80000000, 0).eax >= 0x80000004)
        read_name();
}

void cpu_patch_smap(void)
{
    if (!cpu_features.smap)
        return;
    for (size_t i = 0; i < (size_t)(smap_sites_end - smap_sites_start); i++)
        memcpy((void *)smap_sites_start[i][0], &smap_sites_start[i][1], 3);
    // A serialising instruction: what was fetched before is fetched anew (SDM 3A 9.1.3).
    (void)cpuid(0, 0);
}

static void load_control_registers(void)
{
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_features.smep)
        cr4 |= CR4_SMEP;
    if (cpu_features.smap)
        cr4 |= CR4_SMAP;
    if (cpu_features.umip)
        cr4 |= CR4_UMIP;
    if (cpu_features.fsgsbase)
        cr4 |= CR4_FSGSBASE;
    if (cpu_features.xsave)
        cr4 |= CR4_OSXSAVE;
    write_cr4(cr4);
    write_cr0((read_cr0() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP);
}

static void load_gdt(void)
{
    struct tss *tss = &this_cpu(arch_tss);
    uint64_t *entries = this_cpu(gdt);
    uint64_t base = (uint64_t)tss;
    struct {
        uint16_t limit;
        uint64_t base;
    } PACKED pointer = { sizeof(this_cpu(gdt)) - 1, (uint64_t)entries };

    entries[KERNEL_CS / 8] = UINT64_C(0x00af9b000000ffff);
    entries[KERNEL_DS / 8] = UINT64_C(0x00cf93000000ffff);
    entries[USER_DS / 8] = UINT64_C(0x00cff3000000ffff);
    entries[USER_CS / 8] = UINT64_C(0x00affb000000ffff);
    entries[CPU_NUMBER_SELECTOR / 8] = UINT64_C(0x0000f10000000000) | this_cpu(arch_cpu_number);
    // A TSS descriptor is 16 bytes: limit, base, type 9 (SDM 3A 8.2.3).
    entries[TSS_SELECTOR / 8] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 |
                                UINT64_C(0x89) << 40 | (base >> 24 & 0xff) << 56;
    entries[TSS_SELECTOR / 8 + 1] = base >> 32;
    tss->io_map = sizeof(*tss); // no ports for user mode
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
                     : : "i"(KERNEL_CS) : "rax", "memory");
    __asm__ volatile("mov %0, %%ss; ltr %1" : : "r"(KERNEL_DS), "r"((uint16_t)TSS_SELECTOR));
}

static void load_msrs(void)
{
    write_msr(MSR_EFER, EFER_SCE | read_msr(MSR_EFER));
    write_msr(MSR_STAR, (uint64_t)SYSRET_BASE << 48 | (uint64_t)KERNEL_CS << 32);
    write_msr(MSR_LSTAR, (uint64_t)syscall_entry);
    write_msr(MSR_SFMASK, FLAGS_TF | FLAGS_IF | FLAGS_DF | FLAGS_NT | FLAGS_RF | FLAGS_AC);
    write_msr(MSR_FS_BASE, 0);
    write_msr(MSR_KERNEL_GS_BASE, 0);
}

void cpu_init(unsigned number, uint64_t offset)
{
    write_msr(MSR_GS_BASE, offset);
    this_cpu(arch_cpu_number) = number;
    load_gdt();
    trap_init_cpu();
    load_control_registers();
    load_msrs();
    fpu_init_cpu();
}

uint64_t arch_hwcap(void)
{
    return cpuid(1, 0).edx;
}

void arch_cpu_name(char *text, size_t size)
{
    const char *name = cpu_features.name;
    size_t length;

    while (*name == ' ')
        name++;
    length = strlen(name);
    if (size == 0)
        return;
    length = MIN(length, size - 1);
    memcpy(text, name, length);
    text[length] = '\0';
}

bool arch_random_u64(uint64_t *value)
{
    bool carry = false;

    // Both may have nothing for a moment; ten tries are Intel's advice (SDM 1 7.3.17.1).
    for (unsigned i = 0; i < 10 && !carry; i++) {
        if (cpu_features.rdseed)
            __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(carry));
        else if (cpu_features.rdrand)
            __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(carry));
        else
            return false;
    }
    return carry;
}
