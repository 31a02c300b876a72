package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_translation;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.bindings.x86.kvm_sregs2;
import io.github.kvm4j.bindings.x86.kvm_vcpu_events;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.exit.SyncBlock;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;

/**
 * What only x86 has of a vCPU's ioctls. As with {@link io.github.kvm4j.Vcpu}, a call from a second thread while one is in
 * progress is refused.
 */
public final class X86Vcpu {

    private final VmState vm;
    private final VcpuFd fd;
    private final SyncBlock sync;
    private final SyncRegs syncRegs;
    private final X86Interrupts interrupts;
    private final VcpuCalls calls;
    private final X86Fpu fpu;
    private final X86Msrs msrs;
    private final X86Apic apic;
    private final X86Time time;
    private final X86MachineChecks machineChecks;
    private final X86Nested nested;
    private final X86VcpuOptions options;
    private final VirtualMemory virtualMemory;
    private final X86VcpuXen xen;

    /** One structure per kind of state, used between enter and leave. */
    private final MemorySegment regs;
    private final MemorySegment sregs;
    private final MemorySegment events;

    /**
     * For {@link io.github.kvm4j.Vcpu} alone.
     *
     * @param vm
     *            the VM
     * @param fd
     *            the vCPU
     * @param memory
     *            the VM's memory
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Vcpu(VmState vm, VcpuFd fd, GuestMemory memory) {
        this.vm = vm;
        this.fd = fd;
        this.sync = fd.runPage().sync();
        this.regs = fd.scratch().allocate(kvm_regs.layout());
        this.sregs = fd.scratch().allocate(kvm_sregs.layout());
        this.events = fd.scratch().allocate(kvm_vcpu_events.layout());
        this.syncRegs = new SyncRegs(vm, fd, sregs, events);
        this.interrupts = new X86Interrupts(vm, fd);
        this.calls = new VcpuCalls(vm, fd);
        this.fpu = new X86Fpu(calls);
        this.msrs = new X86Msrs(calls);
        this.apic = new X86Apic(calls);
        this.time = new X86Time(calls);
        this.machineChecks = new X86MachineChecks(calls);
        this.nested = new X86Nested(calls);
        this.options = new X86VcpuOptions(calls);
        this.virtualMemory = new VirtualMemory(this::translate, memory);
        this.xen = new X86VcpuXen(calls);
    }

    /**
     * Returns what delivers interrupts, for whoever has interrupt controllers of their own.
     *
     * @return the same object each time
     */
    public X86Interrupts interrupts() {
        return interrupts;
    }

    /**
     * Returns the registers in the run page, for loops that want them at every exit.
     *
     * @return the same object each time
     */
    public SyncRegs syncRegs() {
        return syncRegs;
    }

    /**
     * Returns the floating-point, vector and other extended state.
     *
     * @return the same object each time
     */
    public X86Fpu fpu() {
        return fpu;
    }

    /**
     * Returns the model-specific registers.
     *
     * @return the same object each time
     */
    public X86Msrs msrs() {
        return msrs;
    }

    /**
     * Returns the in-kernel local APIC.
     *
     * @return the same object each time
     */
    public X86Apic apic() {
        return apic;
    }

    /**
     * Returns the time stamp counter and the paravirtual clock.
     *
     * @return the same object each time
     */
    public X86Time time() {
        return time;
    }

    /**
     * Returns the machine checks.
     *
     * @return the same object each time
     */
    public X86MachineChecks machineChecks() {
        return machineChecks;
    }

    /**
     * Returns the state of nested virtualization.
     *
     * @return the same object each time
     */
    public X86Nested nested() {
        return nested;
    }

    /**
     * Returns what a vCPU of a guest of Xen has.
     *
     * @return the same object each time
     */
    public X86VcpuXen xen() {
        return xen;
    }

    /** For the calls of others in this package that are a vCPU's. */
    VcpuCalls calls() {
        return calls;
    }

    /**
     * Returns how the vCPU can differ from what it is by default.
     *
     * @return the same object each time
     */
    public X86VcpuOptions options() {
        return options;
    }

    /**
     * Returns the memory by guest-virtual addresses.
     *
     * @return the same object each time
     */
    public VirtualMemory virtualMemory() {
        return virtualMemory;
    }

    /**
     * Reads the general registers. KVM_GET_REGS, section 4.11. It allocates nothing.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written special registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written special registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a value that the processor would not take, or that the vCPU's CPUID does
     *             not announce; page-directory pointers that are said to count without PAE paging, or flags that it does not
     *             know); the message has CR0, CR4 and EFER as they were to be set
     * @throws IllegalArgumentException
     *             when CR8, or a field of a segment or descriptor table, is out of its range
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written special registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_DEBUGREGS)
    public DebugRegs getDebugRegs() {
        DebugRegs into = new DebugRegs();
        getDebugRegs(into);
        return into;
    }

    /**
     * Writes the debug registers. KVM_SET_DEBUGREGS, section 4.34, {@link Capability#DEBUGREGS}. Those that
     * {@link #setGuestDebug} has set go before them.
     *
     * @param from
     *            what to write
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (flags, or one of the upper 32 bits of DR6 or DR7)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
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
     * Translates an address as the guest does with the page tables that it has now. KVM_TRANSLATE, section 4.15.
     *
     * @param linearAddress
     *            a linear address, with the segment's base
     * @return where it leads
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_TRANSLATE)
    public Translation translate(long linearAddress) {
        fd.enter();
        try {
            calls.clear(kvm_translation.sizeof());
            kvm_translation.linear_address(calls.buffer, linearAddress);
            calls.issue(Ioctl.KVM_TRANSLATE);
            return new Translation(kvm_translation.valid(calls.buffer) != 0,
                    kvm_translation.physical_address(calls.buffer));
        } finally {
            fd.leave();
        }
    }

    /**
     * Sets what the guest's CPUID instruction returns, before the first run. KVM_SET_CPUID2, with section 4.20
     * (KVM_SET_CPUID), {@link Capability#EXT_CPUID}. KVM looks some features up in it too, and lets the guest enable no others:
     * it comes before special registers and MSRs.
     *
     * @param cpuid
     *            the table, as {@link X86Kvm#getSupportedCpuid()} gives one, {@link Cpuid#forVcpu made this vCPU's own}
     * @throws KvmException
     *             when the kernel refuses: E2BIG (more than 256 entries), EINVAL (after the first run, a table that differs
     *             from the one that the vCPU has; an impossible address width), EPERM (AMX without permission:
     *             {@link X86Kvm#requestXcompGuestPerm})
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_CPUID2)
    public void setCpuid2(Cpuid cpuid) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            fd.call(Ioctl.KVM_SET_CPUID2, CpuidTables.write(cpuid, arena));
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the vCPU's CPUID table. KVM_GET_CPUID2, section 4.117, {@link Capability#EXT_CPUID}. KVM keeps what depends on other
     * registers up to date in it: OSXSAVE, for one, follows CR4. The table is sized by itself; a new vCPU's is empty.
     *
     * @return the table
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_CPUID2)
    public Cpuid getCpuid2() {
        return CpuidTables.get(Ioctl.KVM_GET_CPUID2, table -> fd.attempt(Ioctl.KVM_GET_CPUID2, table));
    }

    /**
     * Returns Hyper-V's CPUID leaves with all that KVM can be of it for this vCPU: what the system's do not have, such as enlightened
     * VMCS, depends on what the vCPU has been given. KVM_GET_SUPPORTED_HV_CPUID, section 4.118,
     * {@link Capability#HYPERV_CPUID}. The table is sized by itself.
     *
     * @return the table
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     * @see X86Kvm#getSupportedHvCpuid()
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_HV_CPUID)
    public Cpuid getSupportedHvCpuid() {
        vm.require(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, FdKind.VCPU);
        return CpuidTables.get(Ioctl.KVM_GET_SUPPORTED_HV_CPUID,
                table -> fd.attempt(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, table));
    }

    /**
     * Reads the pending exceptions, interrupts and NMIs. KVM_GET_VCPU_EVENTS, section 4.31,
     * {@link Capability#VCPU_EVENTS}. It allocates nothing.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or {@link #syncRegs()} has written such registers and the vCPU has not
     *             run since
     * @throws ClosedException
     *             when the vCPU is closed
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
     * Debugs the guest from outside: what to be told as {@link io.github.kvm4j.exit.X86Exit.Debug}. It replaces what was
     * set before. KVM_SET_GUEST_DEBUG, section 4.87, {@link Capability#SET_GUEST_DEBUG}.
     *
     * @param debug
     *            what to be told; {@link GuestDebug#none()} for nothing more
     * @throws UnsupportedCapabilityException
     *             without the capability, or, for {@link GuestDebug#withInterruptsBlocked()}, when
     *             {@link Capability#SET_GUEST_DEBUG2} does not have it
     * @throws KvmException
     *             when the kernel refuses: EBUSY (an exception is to be injected, and one is pending), EINVAL (the guest's
     *             state is protected)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_GUEST_DEBUG)
    public void setGuestDebug(GuestDebug debug) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            vm.require(Ioctl.KVM_SET_GUEST_DEBUG, FdKind.VCPU);
            int asked = debug.control() & kvm_x86_h.KVM_GUESTDBG_BLOCKIRQ();
            // Older kernels ignore what they do not know.
            if ((asked & ~vm.checkExtension(Capability.SET_GUEST_DEBUG2.number())) != 0) {
                throw new UnsupportedCapabilityException("KVM_SET_GUEST_DEBUG with KVM_GUESTDBG_BLOCKIRQ",
                        Capability.SET_GUEST_DEBUG2);
            }
            fd.call(Ioctl.KVM_SET_GUEST_DEBUG, debug.write(arena));
        } finally {
            fd.leave();
        }
    }
}
