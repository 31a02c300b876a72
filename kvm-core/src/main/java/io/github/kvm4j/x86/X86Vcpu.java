package io.github.kvm4j.x86;

import java.lang.foreign.Arena;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_translation;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vcpu.OneReg;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;

/**
 * What only x86 has of a vCPU's ioctls: its registers here, and what belongs together beyond them in objects of their own.
 * <p>
 * Every method that makes a system call throws {@link KvmException} when the kernel refuses,
 * {@link UnsupportedCapabilityException} when this is for lack of the capability, and {@link ClosedException} when the vCPU is
 * closed. As with {@link io.github.kvm4j.Vcpu}, a call from a second thread while one is in progress is refused, with
 * {@link IllegalStateException}; so are general and special registers and events as long as what {@link #syncRegs()} has
 * written of their kind waits for the next run.
 */
public final class X86Vcpu extends X86Registers {

    private final SyncRegs syncRegs;
    private final X86Interrupts interrupts;
    private final X86Fpu fpu;
    private final X86Msrs msrs;
    private final X86Apic apic;
    private final X86Time time;
    private final X86MachineChecks machineChecks;
    private final X86Nested nested;
    private final X86VcpuOptions options;
    private final VirtualMemory virtualMemory;
    private final X86VcpuXen xen;

    /**
     * For {@link io.github.kvm4j.Vcpu} alone.
     *
     * @param vm
     *            the VM
     * @param fd
     *            the vCPU
     * @param registers
     *            its registers by id
     * @param memory
     *            the VM's memory
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Vcpu(VmState vm, VcpuFd fd, OneReg registers, GuestMemory memory) {
        super(vm, fd, registers);
        this.syncRegs = new SyncRegs(vm, fd, sregs, events);
        this.interrupts = new X86Interrupts(vm, fd);
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
     * Translates an address as the guest does with the page tables that it has now. KVM_TRANSLATE, section 4.15.
     *
     * @param linearAddress
     *            a linear address, with the segment's base
     * @return where it leads
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
     * @see X86Kvm#getSupportedHvCpuid()
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_HV_CPUID)
    public Cpuid getSupportedHvCpuid() {
        calls.vm.require(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, FdKind.VCPU);
        return CpuidTables.get(Ioctl.KVM_GET_SUPPORTED_HV_CPUID,
                table -> fd.attempt(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, table));
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
     */
    @Issues(Ioctl.KVM_SET_GUEST_DEBUG)
    public void setGuestDebug(GuestDebug debug) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            calls.vm.require(Ioctl.KVM_SET_GUEST_DEBUG, FdKind.VCPU);
            int asked = debug.control() & kvm_x86_h.KVM_GUESTDBG_BLOCKIRQ();
            // Older kernels ignore what they do not know.
            if ((asked & ~calls.vm.checkExtension(Capability.SET_GUEST_DEBUG2.number())) != 0) {
                throw new UnsupportedCapabilityException("KVM_SET_GUEST_DEBUG with KVM_GUESTDBG_BLOCKIRQ",
                        Capability.SET_GUEST_DEBUG2);
            }
            fd.call(Ioctl.KVM_SET_GUEST_DEBUG, debug.write(arena));
        } finally {
            fd.leave();
        }
    }
}
