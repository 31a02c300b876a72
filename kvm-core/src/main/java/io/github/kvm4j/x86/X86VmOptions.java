package io.github.kvm4j.x86;

import java.util.Set;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/**
 * How an x86 VM differs from what it is by default: KVM_ENABLE_CAP on the VM, section 4.37, with section 7 for each. Any
 * thread may use it. What this version of the library does not know is {@link io.github.kvm4j.Vm#enable}'s.
 * <p>
 * Every method throws {@link UnsupportedCapabilityException} without the capability, {@link IllegalStateException} when it is
 * one that comes before the first vCPU and the VM has one, {@link KvmException} when the kernel refuses, EINVAL for what
 * this KVM does not know, and {@link ClosedException} when the VM is closed.
 */
public final class X86VmOptions {

    private final VmState vm;

    X86VmOptions(VmState vm) {
        this.vm = vm;
    }

    private static long bit(boolean on) {
        return on ? 1 : 0;
    }

    /**
     * Lets the guest do things without an exit, at the cost of whoever else wants the processor. Before the first vCPU.
     * {@link Capability#X86_DISABLE_EXITS}, whose value has a bit for each that may be disabled.
     *
     * @param exits
     *            which; what has been disabled stays so
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void disableExits(Set<DisabledExit> exits) {
        vm.enable(Capability.X86_DISABLE_EXITS, Flags.bits(exits, DisabledExit::bit));
    }

    /**
     * Changes how the API deals with local APICs in x2APIC mode. {@link Capability#X2APIC_API}, whose value has a bit for
     * each change.
     *
     * @param flags
     *            the changes; those that have been made stay
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void x2apicApi(Set<X2ApicFlag> flags) {
        vm.enable(Capability.X2APIC_API, Flags.bits(flags, X2ApicFlag::bit));
    }

    /**
     * Lets {@link VcpuEvents} have pending exceptions with their payload, {@link VcpuEvents.Valid#PAYLOAD}.
     * {@link Capability#EXCEPTION_PAYLOAD}.
     *
     * @param on
     *            whether
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void exceptionPayload(boolean on) {
        vm.enable(Capability.EXCEPTION_PAYLOAD, bit(on));
    }

    /**
     * Limits the numbers of vCPUs, which saves the kernel room. Before the first vCPU, and once.
     * {@link Capability#MAX_VCPU_ID}.
     *
     * @param limit
     *            all numbers are below it
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void maxVcpuId(int limit) {
        vm.enable(Capability.MAX_VCPU_ID, limit);
    }

    /**
     * Makes the processor leave a guest that lets no event in for too long. Before the first vCPU.
     * {@link Capability#X86_NOTIFY_VMEXIT}, on Intel's processors.
     *
     * @param window
     *            how long, in the processor's unit (cycles of the crystal clock, above a floor of its own), 32 bits unsigned
     * @param exits
     *            whether it is {@link io.github.kvm4j.exit.X86Exit.Notify} as well, or goes on by itself
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void notifyVmexit(int window, boolean exits) {
        long flags = kvm_h.KVM_X86_NOTIFY_VMEXIT_ENABLED() | (exits ? kvm_h.KVM_X86_NOTIFY_VMEXIT_USER() : 0);
        vm.enable(Capability.X86_NOTIFY_VMEXIT, Integer.toUnsignedLong(window) << Integer.SIZE | flags);
    }

    /**
     * Makes the guest's bus locks {@link io.github.kvm4j.exit.X86Exit.BusLock}. {@link Capability#X86_BUS_LOCK_EXIT}.
     *
     * @param on
     *            whether; once on, vCPUs that there are keep it
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void busLockExit(boolean on) {
        vm.enable(Capability.X86_BUS_LOCK_EXIT,
                on ? kvm_h.KVM_BUS_LOCK_DETECTION_EXIT() : kvm_h.KVM_BUS_LOCK_DETECTION_OFF());
    }

    /**
     * Says how long the kernel polls for a wake-up when a guest halts, before it lets go of the processor.
     * {@link Capability#HALT_POLL}.
     *
     * @param nanoseconds
     *            the most; 0 for not at all
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void haltPoll(int nanoseconds) {
        vm.enable(Capability.HALT_POLL, Integer.toUnsignedLong(nanoseconds));
    }

    /**
     * Ends quirks of KVM's. {@link Capability#DISABLE_QUIRKS2}, whose value has a bit for each that can be ended. Before
     * vCPUs run.
     *
     * @param quirks
     *            which
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void disableQuirks(Set<Quirk> quirks) {
        vm.enable(Capability.DISABLE_QUIRKS2, Flags.bits(quirks, Quirk::bit));
    }

    /**
     * Gives the VM a performance monitoring unit or not. Before the first vCPU. {@link Capability#PMU_CAPABILITY}.
     *
     * @param on
     *            whether, where the host has one
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void pmu(boolean on) {
        vm.enable(Capability.PMU_CAPABILITY, on ? 0 : kvm_h.KVM_PMU_CAP_DISABLE());
    }

    /**
     * Says how long a cycle of the local APICs' timers is. Before the first vCPU, with a local APIC in the kernel.
     * {@link Capability#X86_APIC_BUS_CYCLES_NS}, whose value is the default.
     *
     * @param nanoseconds
     *            a cycle
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void apicBusCycles(long nanoseconds) {
        vm.enable(Capability.X86_APIC_BUS_CYCLES_NS, nanoseconds);
    }

    /**
     * Lets {@link VcpuEvents} have a pending triple fault, {@link VcpuEvents.Valid#TRIPLE_FAULT}.
     * {@link Capability#X86_TRIPLE_FAULT_EVENT}.
     *
     * @param on
     *            whether
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void tripleFaultEvent(boolean on) {
        vm.enable(Capability.X86_TRIPLE_FAULT_EVENT, bit(on));
    }

    /**
     * Makes an instruction that KVM cannot emulate an {@link io.github.kvm4j.exit.Exit.InternalError} with its bytes, in
     * every mode of the guest. {@link Capability#EXIT_ON_EMULATION_FAILURE}.
     *
     * @param on
     *            whether
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void exitOnEmulationFailure(boolean on) {
        vm.enable(Capability.EXIT_ON_EMULATION_FAILURE, bit(on));
    }

    /**
     * Lets the guest read PLATFORM_INFO, or makes that a general protection fault.
     * {@link Capability#MSR_PLATFORM_INFO}.
     *
     * @param readable
     *            whether, as it is by default
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void msrPlatformInfo(boolean readable) {
        vm.enable(Capability.MSR_PLATFORM_INFO, bit(readable));
    }

    /**
     * Maps huge pages executable for this VM, whatever the processor's bug (iTLB multihit) makes of it: for guests that are
     * trusted. Before the first vCPU; takes the right to reboot the host. {@link Capability#VM_DISABLE_NX_HUGE_PAGES}.
     *
     * @throws KvmException
     *             when the kernel refuses: EPERM (no CAP_SYS_BOOT)
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void disableNxHugePages() {
        vm.enable(Capability.VM_DISABLE_NX_HUGE_PAGES);
    }
}
