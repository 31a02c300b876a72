package io.github.kvm4j.examples;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/**
 * A 64-bit guest and a device that squares numbers. The guest writes n to the device, adds what it reads back to n, and
 * reports the sum on a port, in two halves.
 * <p>
 * What it teaches: a vCPU put straight into long mode, with page tables and descriptors made in Java, so that the guest
 * needs no boot code; memory-mapped I/O, a write and a read that waits for an answer; port I/O wider than a byte.
 */
public final class LongMode {

    // The guest-physical memory: 2 MiB of RAM, and the device where there is none.
    private static final long RAM_SIZE = 0x20_0000;
    private static final long PML4 = 0x1000;
    private static final long PAGE_DIRECTORY_POINTERS = 0x2000;
    private static final long PAGE_DIRECTORY = 0x3000;
    private static final long GDT = 0x4000;
    private static final long ENTRY = 0x1_0000;
    private static final long DEVICE = 0x2000_0000;
    private static final long RESULT = DEVICE + 8;
    private static final int REPORT_PORT = 0x500;

    // Bits of page table entries.
    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long LARGE = 1 << 7;

    // Descriptors of flat segments at privilege level 0: nothing, 64-bit code, data. A selector is a descriptor's offset.
    private static final long[] DESCRIPTORS = {0, 0x00af_9b00_0000_ffffL, 0x00cf_9300_0000_ffffL};
    private static final int CODE_SELECTOR = 1 << 3;
    private static final int DATA_SELECTOR = 2 << 3;

    // Bits of the control registers that make long mode.
    private static final long CR0_PROTECTED = 1;
    private static final long CR0_EXTENSION_TYPE = 1 << 4; // always set on a processor
    private static final long CR0_PAGING = 1L << 31;
    private static final long CR4_PHYSICAL_ADDRESS_EXTENSION = 1 << 5;
    private static final long EFER_LONG_MODE_ENABLE = 1 << 8;
    private static final long EFER_LONG_MODE_ACTIVE = 1 << 10;

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
            mapFirstGib(vm.memory());
            putLongs(vm.memory(), GDT, DESCRIPTORS);
            vm.memory().write(ENTRY, CODE);

            Vcpu vcpu = vm.createVcpu(0);
            // A new vCPU's CPUID is empty, and a newer kernel (7.2, not yet 6.12) refuses it long mode until it has that.
            vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
            enterLongMode(vcpu);
            Regs regs = new Regs();
            regs.rip = ENTRY;
            vcpu.x86().setRegs(regs);
            System.out.printf("guest starts at 0x%x in 64-bit mode%n", ENTRY);
            run(vcpu);
        }
    }

    /** Page tables that map the first GiB to itself: one entry, one entry, 512 entries for pages of 2 MiB. */
    private static void mapFirstGib(GuestMemory memory) {
        putLongs(memory, PML4, PAGE_DIRECTORY_POINTERS | WRITABLE | PRESENT);
        putLongs(memory, PAGE_DIRECTORY_POINTERS, PAGE_DIRECTORY | WRITABLE | PRESENT);
        long[] entries = new long[512];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = ((long) i << 21) | LARGE | WRITABLE | PRESENT;
        }
        putLongs(memory, PAGE_DIRECTORY, entries);
    }

    private static void putLongs(GuestMemory memory, long address, long... values) {
        MemorySegment from = MemorySegment.ofArray(values);
        memory.segment(address, from.byteSize()).copyFrom(from);
    }

    private static void enterLongMode(Vcpu vcpu) {
        // What is not set here, the task register above all, stays as it is after a reset.
        Sregs sregs = vcpu.x86().getSregs();
        sregs.cr3 = PML4;
        sregs.cr4 = CR4_PHYSICAL_ADDRESS_EXTENSION;
        sregs.cr0 = CR0_PAGING | CR0_EXTENSION_TYPE | CR0_PROTECTED;
        sregs.efer = EFER_LONG_MODE_ENABLE | EFER_LONG_MODE_ACTIVE;
        sregs.gdt.base = GDT;
        sregs.gdt.limit = DESCRIPTORS.length * Long.BYTES - 1;
        load(sregs.cs, CODE_SELECTOR);
        for (Segment data : new Segment[]{sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss}) {
            load(data, DATA_SELECTOR);
        }
        vcpu.x86().setSregs(sregs);
    }

    /** What the processor does when a selector is loaded: it copies the descriptor into the register's hidden part. */
    private static void load(Segment segment, int selector) {
        long descriptor = DESCRIPTORS[selector >> 3];
        segment.selector = selector;
        segment.base = 0;
        segment.limit = 0xffff_ffff;
        segment.type = (int) (descriptor >> 40 & 0xf);
        segment.s = (int) (descriptor >> 44 & 1);
        segment.dpl = (int) (descriptor >> 45 & 3);
        segment.present = (int) (descriptor >> 47 & 1);
        segment.l = (int) (descriptor >> 53 & 1);
        segment.db = (int) (descriptor >> 54 & 1);
        segment.g = (int) (descriptor >> 55 & 1);
        segment.unusable = 0;
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
