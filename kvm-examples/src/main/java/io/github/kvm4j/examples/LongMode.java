package io.github.kvm4j.examples;

import java.util.EnumSet;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.util.x86.PageFlag;
import io.github.kvm4j.util.x86.PageSize;
import io.github.kvm4j.util.x86.PageTables;
import io.github.kvm4j.x86.CpuTopology;

/**
 * A 64-bit guest and a device that squares numbers. The guest writes n to the device, adds what it reads back to n, and
 * reports the sum on a port, in two halves.
 * <p>
 * What it teaches: a vCPU put straight into long mode, with page tables and descriptors made by the helpers of
 * {@code io.github.kvm4j.util.x86}, so that the guest needs no boot code; memory-mapped I/O, a write and a read that
 * waits for an answer; port I/O wider than a byte.
 */
public final class LongMode {

    // The guest-physical memory: 2 MiB of RAM, and the device where there is none.
    private static final long RAM_SIZE = 0x20_0000;
    private static final long PAGE_TABLES = 0x1000;
    private static final long DESCRIPTOR_TABLES = 0x4000;
    private static final long ENTRY = 0x1_0000;
    private static final long STACK = 0x2_0000;
    private static final long DEVICE = 0x2000_0000;
    private static final long RESULT = DEVICE + 8;
    private static final int REPORT_PORT = 0x500;

    // @formatter:off
    private static final byte[] CODE = {
        (byte) 0xbb, 0x00, 0x00, 0x00, 0x20,               // mov ebx, 0x20000000    the device
        (byte) 0xb8, 0x00, 0x5e, (byte) 0xd0, (byte) 0xb2, // mov eax, 3000000000    n
        0x48, (byte) 0x89, 0x03,                           // mov [rbx], rax         an MMIO write
        0x48, 0x03, 0x43, 0x08,                            // add rax, [rbx+8]       an MMIO read
        (byte) 0xba, 0x00, 0x05, 0x00, 0x00,               // mov edx, 0x500
        (byte) 0xef,                                       // out dx, eax            the lower half of the sum
        0x48, (byte) 0xc1, (byte) 0xe8, 0x20,              // shr rax, 32
        (byte) 0xef,                                       // out dx, eax            the upper half
        (byte) 0xf4,                                       // hlt
    };
    // @formatter:on

    private LongMode() {
    }

    /**
     * Runs it.
     *
     * @param args
     *            none
     */
    public static void main(String[] args) {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, RAM_SIZE);
            vm.memory().write(ENTRY, CODE);

            Vcpu vcpu = vm.createVcpu(0);
            // A new vCPU's CPUID is empty, and a newer kernel (7.2, not yet 6.12) refuses it long mode until it has that.
            vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid().forVcpu(CpuTopology.ofCores(1), vcpu.id()));
            // The first GiB, the device included, mapped to itself by 512 pages of 2 MiB.
            PageTables pages = new PageTables(vm.memory(), PAGE_TABLES, DESCRIPTOR_TABLES - PAGE_TABLES)
                    .identity(PageSize.SIZE_1G.bytes(), PageSize.SIZE_2M, EnumSet.of(PageFlag.WRITABLE));
            new io.github.kvm4j.util.x86.LongMode(vm.memory(), pages, DESCRIPTOR_TABLES).enter(vcpu, ENTRY, STACK);
            System.out.printf("guest starts at 0x%x in 64-bit mode%n", ENTRY);
            run(vcpu);
        }
    }

    private static void run(Vcpu vcpu) {
        long n = 0;
        long sum = 0;
        boolean running = true;
        while (running) {
            switch (vcpu.run()) {
                case Exit.Mmio mmio when mmio.isWrite() && mmio.address() == DEVICE -> {
                    n = mmio.value();
                    System.out.printf("guest writes %d bytes to 0x%x: %d%n", mmio.size(), mmio.address(), n);
                }
                case Exit.Mmio mmio when mmio.isRead() && mmio.address() == RESULT -> {
                    mmio.answer(n * n);
                    System.out.printf("guest reads %d bytes from 0x%x: %d%n", mmio.size(), mmio.address(),
                            mmio.value());
                }
                case Exit.Io io when io.isOut() && io.port() == REPORT_PORT -> {
                    System.out.printf("guest writes %d bytes to port 0x%x: 0x%08x%n", io.size(), io.port(), io.value());
                    sum = (long) io.value() << 32 | sum >>> 32;
                }
                case Exit.Hlt _ -> running = false;
                case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
            }
        }
        System.out.printf("guest halts; it has reported %d%n", sum);
        if (sum != n + n * n) {
            throw new IllegalStateException("n + n * n is " + (n + n * n));
        }
    }
}
