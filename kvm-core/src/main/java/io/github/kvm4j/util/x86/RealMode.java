package io.github.kvm4j.util.x86;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.Cr0;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/**
 * 16-bit real mode, in which a vCPU is after its creation, at an address of the caller's choice instead of 16 bytes below
 * 4 GiB.
 */
public final class RealMode {

    private static final long ONE_MIB = 1 << 20;
    private static final int SEGMENT_BYTES = 1 << 16;
    private static final int SEGMENT_SHIFT = 4;
    private static final int CODE = 11;
    private static final int DATA = 3;
    private static final int VECTORS = 256;

    private RealMode() {
    }

    /**
     * Puts a vCPU in front of code in real mode, its stack at the top of the first 64 KiB.
     *
     * @param vcpu
     *            the vCPU
     * @param address
     *            the guest-physical address of the code, below 1 MiB
     * @throws IllegalArgumentException
     *             when the address is out of range
     */
    public static void enter(Vcpu vcpu, long address) {
        enter(vcpu, address, SEGMENT_BYTES);
    }

    /**
     * Puts a vCPU in front of code in real mode. The code and the stack segment begin at the multiple of 64 KiB at or below
     * their addresses, so that in the first 64 KiB an offset is an address; the other segments begin at 0. Interrupts are
     * disabled, their table is at 0, and the general registers are 0.
     *
     * @param vcpu
     *            the vCPU
     * @param address
     *            the guest-physical address of the code, below 1 MiB
     * @param stack
     *            the guest-physical address where the stack begins, the first free byte above it, at most 1 MiB
     * @throws IllegalArgumentException
     *             when an address is out of range
     */
    public static void enter(Vcpu vcpu, long address, long stack) {
        if (address < 0 || address >= ONE_MIB || stack < 2 || stack > ONE_MIB) {
            throw new IllegalArgumentException(
                    String.format("code at 0x%x, stack at 0x%x: real mode has 1 MiB", address, stack));
        }
        Sregs sregs = vcpu.x86().getSregs();
        sregs.cr0 &= ~Cr0.bits(Cr0.PE, Cr0.PG);
        sregs.cr4 = 0;
        sregs.efer = 0;
        sregs.idt.base = 0;
        sregs.idt.limit = VECTORS * 4 - 1;
        load(sregs.cs, address, CODE);
        load(sregs.ss, stack - 1, DATA);
        for (Segment data : new Segment[]{sregs.ds, sregs.es, sregs.fs, sregs.gs}) {
            load(data, 0, DATA);
        }
        vcpu.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = address % SEGMENT_BYTES;
        regs.rsp = stack % SEGMENT_BYTES;
        vcpu.x86().setRegs(regs);
    }

    private static long segment(long address) {
        return address / SEGMENT_BYTES * SEGMENT_BYTES;
    }

    private static void load(Segment segment, long address, int type) {
        segment.base = segment(address);
        segment.selector = (int) (segment.base >> SEGMENT_SHIFT);
        segment.limit = SEGMENT_BYTES - 1;
        segment.type = type;
        segment.present = 1;
        segment.dpl = 0;
        segment.db = 0;
        segment.s = 1;
        segment.l = 0;
        segment.g = 0;
        segment.avl = 0;
        segment.unusable = 0;
    }

    /**
     * Sets the handler of an exception or interrupt, in the table at 0.
     *
     * @param memory
     *            the guest's memory
     * @param vector
     *            the number, 0 to 255
     * @param address
     *            the guest-physical address of the handler, below 1 MiB
     * @throws IllegalArgumentException
     *             when vector or address are out of range
     * @throws IndexOutOfBoundsException
     *             when there is no memory at 0
     */
    public static void handler(GuestMemory memory, int vector, long address) {
        if (vector < 0 || vector >= VECTORS || address < 0 || address >= ONE_MIB) {
            throw new IllegalArgumentException(
                    String.format("vector %d, handler at 0x%x: there are 256, and 1 MiB", vector, address));
        }
        int offset = (int) (address % SEGMENT_BYTES);
        int selector = (int) (segment(address) >> SEGMENT_SHIFT);
        memory.write(vector * 4L,
                new byte[]{(byte) offset, (byte) (offset >> 8), (byte) selector, (byte) (selector >> 8)});
    }
}
