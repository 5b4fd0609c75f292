// SPDX-License-Identifier: MIT
// apic.h - interrupt controllers: this CPU's local APIC, IOAPICs, interrupts between CPUs, the stop
// of all.
#pragma once

#include "kernel/arch/arch.h"

// Maps the local APICs (all at one address) and masks the old PICs; then each CPU turns its own on.
void lapic_init(paddr_t address);
void lapic_init_cpu(void);
uint32_t lapic_id(void);
void lapic_end_of_interrupt(void);

// The timer counts down from count at the bus clock and interrupts once; 0 stops it.
void lapic_timer_start(uint32_t count);
uint32_t lapic_timer_left(void);

// Sends to the CPU with this APIC id. INIT and start-up as Intel SDM 3A 9.4.4.1 asks.
void lapic_send(uint32_t id, unsigned vector);
void lapic_send_nmi(uint32_t id);
void lapic_send_init(uint32_t id);
void lapic_send_startup(uint32_t id, unsigned page);

void ioapic_init(void);

// The APIC id of a CPU.
uint32_t smp_apic_id(unsigned cpu);
void smp_init(void);
void tlb_init(void);

// arch_cpus_stop: other CPUs get an NMI, and stay in cpu_stop for good.
bool cpu_stop_requested(void);
void NORETURN cpu_stop(const struct trapframe *frame);
