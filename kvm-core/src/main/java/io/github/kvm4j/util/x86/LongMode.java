package io.github.kvm4j.util.x86;

import java.util.Set;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.Cr0;
import io.github.kvm4j.x86.Cr4;
import io.github.kvm4j.x86.Efer;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/**
 * 64-bit long mode with flat segments. One for each vCPU, and page tables for all:
 * <pre>{@code
 * PageTables pages = new PageTables(vm.memory(), 0x2000, 0x3000).identity(1 << 30, PageSize.SIZE_2M, EnumSet.of(WRITABLE));
 * new LongMode(vm.memory(), pages, 0x8000).enter(vcpu, 0x10000, 0x20000);
 * }</pre>
 * The vCPU must have been given its CPUID, with {@link io.github.kvm4j.x86.CpuidFeature#LM}: newer kernels refuse long mode
 * without. SSE may be used; for AVX also {@link Cr4#OSXSAVE}, and XCR0.
 * <p>
 * Not for several threads at once.
 */
public final class LongMode {

    /** How many bytes the descriptor tables of a vCPU take. */
    public static final int TABLES_SIZE = DescriptorTables.SIZE;

    private static final long CR0 = Cr0.bits(Cr0.PE, Cr0.MP, Cr0.ET, Cr0.NE, Cr0.WP, Cr0.PG);
    private static final long CR4 = Cr4.bits(Cr4.PAE, Cr4.OSFXSR, Cr4.OSXMMEXCPT);
    private static final long EFER = Efer.bits(Efer.LME, Efer.LMA);

    private static final int IO_PRIVILEGE_SHIFT = 12;

    private final PageTables pages;
    private final DescriptorTables tables;
    private long cr4 = CR4;
    private int ioPrivilege;

    /**
     * Makes one without handlers and stacks for exceptions.
     *
     * @param memory
     *            the guest's memory
     * @param pages
     *            the page tables; they must map the descriptor tables to themselves
     * @param address
     *            the guest-physical address where the descriptor tables go, {@link #TABLES_SIZE} bytes, a multiple of 4096
     * @throws IllegalArgumentException
     *             when it is no such multiple
     */
    public LongMode(GuestMemory memory, PageTables pages, long address) {
        this.pages = pages;
        this.tables = new DescriptorTables(memory, address, Idt.of64(), Tss.of64());
    }

    /**
     * Returns the handlers of exceptions and interrupts, to be set before a vCPU enters; their code is at {@link Gdt#CODE64}.
     *
     * @return the same object each time
     */
    public Idt idt() {
        return tables.idt();
    }

    /**
     * Returns the task state, to be completed before a vCPU enters: an exception in ring 3 needs
     * {@link Tss#kernelStack(long)}, or a stack of its own.
     *
     * @return the same object each time
     */
    public Tss tss() {
        return tables.tss();
    }

    /**
     * Sets more flags of CR4 than PAE, OSFXSR and OSXMMEXCPT.
     *
     * @param flags
     *            the flags
     * @return this
     */
    public LongMode withCr4(Cr4... flags) {
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
    public LongMode withIoPrivilege(int ring) {
        ioPrivilege = checkRing(ring);
        return this;
    }

    static int checkRing(int ring) {
        if (ring < 0 || ring > 3) {
            throw new IllegalArgumentException("ring " + ring + ": they go from 0 to 3");
        }
        return ring;
    }

    static long ioPrivilege(int ring) {
        return (long) ring << IO_PRIVILEGE_SHIFT;
    }

    /**
     * Writes the descriptor tables and puts a vCPU in front of code in ring 0. Interrupts are disabled, and the general
     * registers are 0.
     *
     * @param vcpu
     *            the vCPU
     * @param entry
     *            the code's linear address
     * @param stack
     *            the linear address where the stack begins: the first free byte above it
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has the tables
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: EINVAL (the vCPU has no CPUID with LM, or none with NX and a page is not executable)
     */
    public void enter(Vcpu vcpu, long entry, long stack) {
        enter(vcpu, entry, stack, Gdt.CODE64, Gdt.DATA);
    }

    /**
     * Writes the descriptor tables and puts a vCPU in front of code in ring 3, on pages with {@link PageFlag#USER}. Interrupts
     * are disabled, and the general registers are 0.
     *
     * @param vcpu
     *            the vCPU
     * @param entry
     *            the code's linear address
     * @param stack
     *            the linear address where the stack begins: the first free byte above it
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has the tables
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: EINVAL (the vCPU has no CPUID with LM, or none with NX and a page is not executable)
     */
    public void enterUser(Vcpu vcpu, long entry, long stack) {
        enter(vcpu, entry, stack, Gdt.USER_CODE64, Gdt.USER_DATA);
    }

    private void enter(Vcpu vcpu, long entry, long stack, int code, int data) {
        Sregs sregs = vcpu.x86().getSregs();
        tables.load(sregs, code, data);
        sregs.cr0 = CR0;
        sregs.cr3 = pages.root();
        sregs.cr4 = cr4;
        sregs.efer = EFER | (pages.hasNoExecute() ? Efer.NXE.bit() : 0);
        vcpu.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = entry;
        regs.rsp = stack;
        regs.rflags |= ioPrivilege(ioPrivilege);
        vcpu.x86().setRegs(regs);
    }
}
