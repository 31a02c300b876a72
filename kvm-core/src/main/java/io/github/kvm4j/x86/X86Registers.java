package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.bindings.x86.kvm_sregs2;
import io.github.kvm4j.bindings.x86.kvm_vcpu_events;
import io.github.kvm4j.internal.exit.SyncBlock;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.OneReg;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The registers of an x86 vCPU, as far as they have ioctls of their own, and its pending events. What a loop moves has a
 * structure in the vCPU's scratch memory, the rest the buffer that all share; what waits in the run page is in nobody's way
 * ({@link SyncRegs}). The methods are {@link X86Vcpu}'s, whose comment has what each throws.
 */
abstract sealed class X86Registers permits X86Vcpu {

    final VcpuFd fd;
    final VcpuCalls calls;

    /** One structure per kind of state, used between enter and leave. */
    final MemorySegment sregs;
    final MemorySegment events;
    private final MemorySegment regs;

    private final SyncBlock sync;

    private final OneReg byId;

    X86Registers(VmState vm, VcpuFd fd, OneReg byId) {
        this.fd = fd;
        this.byId = byId;
        this.calls = new VcpuCalls(vm, fd);
        this.sync = fd.runPage().sync();
        this.regs = fd.scratch().allocate(kvm_regs.layout());
        this.sregs = fd.scratch().allocate(kvm_sregs.layout());
        this.events = fd.scratch().allocate(kvm_vcpu_events.layout());
    }

    /**
     * Reads the general registers. KVM_GET_REGS, section 4.11. It allocates nothing.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_REGS)
    public void getRegs(Regs into) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.REGS.bit());
            fd.call(Ioctl.KVM_GET_REGS, regs);
            into.readFrom(regs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the general registers. KVM_GET_REGS, section 4.11.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_REGS)
    public Regs getRegs() {
        Regs into = new Regs();
        getRegs(into);
        return into;
    }

    /**
     * Writes the general registers. KVM_SET_REGS, section 4.12. It allocates nothing.
     *
     * @param from
     *            what to write
     */
    @Issues(Ioctl.KVM_SET_REGS)
    public void setRegs(Regs from) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.REGS.bit());
            from.writeTo(regs);
            fd.call(Ioctl.KVM_SET_REGS, regs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers. KVM_GET_SREGS, section 4.13. It allocates nothing.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_SREGS)
    public void getSregs(Sregs into) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.SREGS.bit());
            fd.call(Ioctl.KVM_GET_SREGS, sregs);
            into.readFrom(sregs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers. KVM_GET_SREGS, section 4.13.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_SREGS)
    public Sregs getSregs() {
        Sregs into = new Sregs();
        getSregs(into);
        return into;
    }

    /**
     * Writes the special registers. KVM_SET_SREGS, section 4.14. It allocates nothing.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a value that the processor would not take, or that the vCPU's CPUID does
     *             not announce: long mode needs its bit there); the message has CR0, CR4 and EFER as they were to be set
     * @throws IllegalArgumentException
     *             when CR8, or a field of a segment or descriptor table, is out of its range
     */
    @Issues(Ioctl.KVM_SET_SREGS)
    public void setSregs(Sregs from) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.SREGS.bit());
            X86Interrupts.checkCr8(from.cr8);
            from.writeTo(sregs);
            checkSregs(Ioctl.KVM_SET_SREGS, fd.entered(Ioctl.KVM_SET_SREGS, sregs), from);
            // Without an in-kernel local APIC KVM_RUN takes CR8 from the run page, and would undo this one.
            fd.runPage().setCr8(from.cr8);
        } finally {
            fd.leave();
        }
    }

    private static void checkSregs(Ioctl ioctl, long result, SpecialRegisters from) {
        if (Errno.EINVAL.is(result)) {
            throw Explanations.failure(ioctl, ioctl.name(), result, "given: " + from.flags());
        }
        KvmFd.check(ioctl, result);
    }

    /**
     * Reads the special registers with the page-directory pointers. KVM_GET_SREGS2, section 4.131,
     * {@link Capability#SREGS2}.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_SREGS2)
    public void getSregs2(Sregs2 into) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.SREGS.bit());
            calls.issue(Ioctl.KVM_GET_SREGS2);
            into.readFrom(calls.buffer);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers with the page-directory pointers. KVM_GET_SREGS2, section 4.131,
     * {@link Capability#SREGS2}.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_SREGS2)
    public Sregs2 getSregs2() {
        Sregs2 into = new Sregs2();
        getSregs2(into);
        return into;
    }

    /**
     * Writes the special registers with the page-directory pointers. KVM_SET_SREGS2, section 4.132,
     * {@link Capability#SREGS2}. A pending interrupt is not among them: {@link #setVcpuEvents} has it.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a value that the processor would not take, or that the vCPU's CPUID does
     *             not announce; page-directory pointers that are said to count without PAE paging, or flags that it does not
     *             know); the message has CR0, CR4 and EFER as they were to be set
     * @throws IllegalArgumentException
     *             when CR8, or a field of a segment or descriptor table, is out of its range
     */
    @Issues(Ioctl.KVM_SET_SREGS2)
    public void setSregs2(Sregs2 from) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.SREGS.bit());
            X86Interrupts.checkCr8(from.cr8);
            calls.clear(kvm_sregs2.sizeof());
            from.writeTo(calls.buffer);
            long result = fd.entered(Ioctl.KVM_SET_SREGS2, calls.buffer);
            calls.requireAfter(Ioctl.KVM_SET_SREGS2, result);
            checkSregs(Ioctl.KVM_SET_SREGS2, result, from);
            fd.runPage().setCr8(from.cr8);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the debug registers. KVM_GET_DEBUGREGS, section 4.33, {@link Capability#DEBUGREGS}.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_DEBUGREGS)
    public void getDebugRegs(DebugRegs into) {
        fd.enter();
        try {
            calls.issue(Ioctl.KVM_GET_DEBUGREGS);
            into.readFrom(calls.buffer);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the debug registers. KVM_GET_DEBUGREGS, section 4.33, {@link Capability#DEBUGREGS}.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_DEBUGREGS)
    public DebugRegs getDebugRegs() {
        DebugRegs into = new DebugRegs();
        getDebugRegs(into);
        return into;
    }

    /**
     * Writes the debug registers. KVM_SET_DEBUGREGS, section 4.34, {@link Capability#DEBUGREGS}. Those that
     * {@link X86Vcpu#setGuestDebug} has set go before them.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (flags, or one of the upper 32 bits of DR6 or DR7)
     */
    @Issues(Ioctl.KVM_SET_DEBUGREGS)
    public void setDebugRegs(DebugRegs from) {
        fd.enter();
        try {
            from.writeTo(calls.buffer);
            calls.issue(Ioctl.KVM_SET_DEBUGREGS);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the pending exceptions, interrupts and NMIs. KVM_GET_VCPU_EVENTS, section 4.31,
     * {@link Capability#VCPU_EVENTS}. It allocates nothing.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_VCPU_EVENTS)
    public void getVcpuEvents(VcpuEvents into) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.EVENTS.bit());
            fd.call(Ioctl.KVM_GET_VCPU_EVENTS, events);
            into.readFrom(events);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the pending exceptions, interrupts and NMIs. KVM_GET_VCPU_EVENTS, section 4.31,
     * {@link Capability#VCPU_EVENTS}.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_VCPU_EVENTS)
    public VcpuEvents getVcpuEvents() {
        VcpuEvents into = new VcpuEvents();
        getVcpuEvents(into);
        return into;
    }

    /**
     * Writes the pending exceptions, interrupts and NMIs. KVM_SET_VCPU_EVENTS, section 4.32,
     * {@link Capability#VCPU_EVENTS}. It allocates nothing.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when a field is out of its range
     * @throws KvmException
     *             when the kernel refuses: EINVAL (flags that it does not know or that are not enabled, an exception's vector
     *             above 31 or 2, system management mode without that)
     */
    @Issues(Ioctl.KVM_SET_VCPU_EVENTS)
    public void setVcpuEvents(VcpuEvents from) {
        fd.enter();
        try {
            sync.requireUnwritten(SyncReg.EVENTS.bit());
            from.writeTo(events);
            fd.call(Ioctl.KVM_SET_VCPU_EVENTS, events);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads a register by its id: an MSR, or one that has no other interface. KVM_GET_ONE_REG, section 4.69,
     * {@link Capability#ONE_REG} (x86 since Linux 6.18). It allocates nothing.
     *
     * @param register
     *            which
     * @return its value
     * @throws KvmException
     *             when the kernel refuses: EINVAL (this KVM, or this vCPU by its CPUID, does not have it)
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public long getOneReg(X86Register register) {
        return byId.get(register.id());
    }

    /**
     * Writes a register by its id. KVM_SET_ONE_REG, section 4.68, {@link Capability#ONE_REG} (x86 since Linux 6.18). It
     * allocates nothing.
     *
     * @param register
     *            which
     * @param value
     *            its value
     * @throws KvmException
     *             when the kernel refuses: EINVAL (this KVM, or this vCPU by its CPUID, does not have it, or not this value)
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneReg(X86Register register, long value) {
        byId.set(register.id(), value);
    }

    /**
     * Lists the registers that have no other interface, of which a vCPU can have none: MSRs are not among them, though they
     * have ids. KVM_GET_REG_LIST, section 4.84, {@link Capability#ONE_REG} (x86 since Linux 6.18).
     *
     * @return the registers, in the kernel's order
     */
    @Issues(Ioctl.KVM_GET_REG_LIST)
    public List<X86Register> getRegList() {
        return Arrays.stream(byId.list()).mapToObj(X86Register::new).toList();
    }
}
