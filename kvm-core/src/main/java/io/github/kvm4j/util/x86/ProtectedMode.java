package io.github.kvm4j.util.x86;

import java.util.Set;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.Cr0;
import io.github.kvm4j.x86.Cr4;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/**
 * 32-bit protected mode with flat segments and without paging: an address is a guest-physical address. One for each vCPU:
 * <pre>{@code new ProtectedMode(vm.memory(), 0x1000).enter(vcpu, 0x8000, 0x10000);}</pre>
 * Not for several threads at once.
 */
public final class ProtectedMode {

    /** How many bytes the descriptor tables of a vCPU take. */
    public static final int TABLES_SIZE = DescriptorTables.SIZE;

    private static final long CR0 = Cr0.bits(Cr0.PE, Cr0.MP, Cr0.ET, Cr0.NE);

    private final DescriptorTables tables;
    private long cr4;
    private int ioPrivilege;

    /**
     * Makes one without handlers and stacks for exceptions.
     *
     * @param memory
     *            the guest's memory
     * @param address
     *            the guest-physical address where the descriptor tables go, {@link #TABLES_SIZE} bytes, a multiple of 4096
     * @throws IllegalArgumentException
     *             when it is no such multiple
     */
    public ProtectedMode(GuestMemory memory, long address) {
        this.tables = new DescriptorTables(memory, address, Idt.of32(), Tss.of32());
    }

    /**
     * Returns the handlers of exceptions and interrupts, to be set before a vCPU enters; their code is at {@link Gdt#CODE32}.
     *
     * @return the same object each time
     */
    public Idt idt() {
        return tables.idt();
    }

    /**
     * Returns the task state, to be completed before a vCPU enters: an exception in ring 3 needs
     * {@link Tss#kernelStack(long)}.
     *
     * @return the same object each time
     */
    public Tss tss() {
        return tables.tss();
    }

    /**
     * Sets flags of CR4.
     *
     * @param flags
     *            the flags
     * @return this
     */
    public ProtectedMode withCr4(Cr4... flags) {
        cr4 |= Cr4.bits(Set.of(flags));
        return this;
    }

    /**
     * Sets the I/O privilege level: the rings that may use all ports, and CLI and STI.
     *
     * @param ring
     *            the ring of least privilege that may, 0 to 3
     * @return this
     * @throws IllegalArgumentException
     *             when it is out of range
     */
    public ProtectedMode withIoPrivilege(int ring) {
        ioPrivilege = LongMode.checkRing(ring);
        return this;
    }

    /**
     * Writes the tables and puts a vCPU in front of code in ring 0. Interrupts are disabled, and the general registers are 0.
     *
     * @param vcpu
     *            the vCPU
     * @param entry
     *            the code's address
     * @param stack
     *            where the stack begins: the first free byte above it
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has the tables
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses
     */
    public void enter(Vcpu vcpu, long entry, long stack) {
        enter(vcpu, entry, stack, Gdt.CODE32, Gdt.DATA);
    }

    /**
     * Writes the tables and puts a vCPU in front of code in ring 3. Interrupts are disabled, and the general registers are 0.
     *
     * @param vcpu
     *            the vCPU
     * @param entry
     *            the code's address
     * @param stack
     *            where the stack begins: the first free byte above it
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has the tables
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses
     */
    public void enterUser(Vcpu vcpu, long entry, long stack) {
        enter(vcpu, entry, stack, Gdt.USER_CODE32, Gdt.USER_DATA);
    }

    private void enter(Vcpu vcpu, long entry, long stack, int code, int data) {
        Sregs sregs = vcpu.x86().getSregs();
        tables.load(sregs, code, data);
        sregs.cr0 = CR0;
        sregs.cr4 = cr4;
        sregs.efer = 0;
        vcpu.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = entry;
        regs.rsp = stack;
        regs.rflags |= LongMode.ioPrivilege(ioPrivilege);
        vcpu.x86().setRegs(regs);
    }
}
