/**
 * What every VMM for x86 writes by hand before its first guest runs: the tables that the processor reads out of guest
 * memory ({@link io.github.kvm4j.util.x86.PageTables}, {@link io.github.kvm4j.util.x86.Gdt},
 * {@link io.github.kvm4j.util.x86.Idt}, {@link io.github.kvm4j.util.x86.Tss}), and a vCPU's registers for real mode, flat
 * protected mode and long mode ({@link io.github.kvm4j.util.x86.RealMode},
 * {@link io.github.kvm4j.util.x86.ProtectedMode}, {@link io.github.kvm4j.util.x86.LongMode}).
 */
package io.github.kvm4j.util.x86;
