package io.github.kvm4j.exit;

import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.sys.Architecture;

/**
 * What {@link Exit#runFlags()} says on x86, of any exit: {@code X86RunFlag.BUS_LOCK.in(exit)}.
 * <p>
 * KVM documentation, section 5, {@code flags} of {@code struct kvm_run}.
 */
public enum X86RunFlag {

    /** KVM_RUN_X86_SMM: the vCPU is in system management mode. */
    SMM(kvm_x86_h.KVM_RUN_X86_SMM()),
    /**
     * KVM_RUN_X86_BUS_LOCK: the guest acquired a bus lock, and something else made the exit. Where nothing else did, it
     * is {@link X86Exit.BusLock}, with this flag too. Capability KVM_CAP_X86_BUS_LOCK_EXIT, enabled on the VM.
     */
    BUS_LOCK(kvm_x86_h.KVM_RUN_X86_BUS_LOCK()),
    /** KVM_RUN_X86_GUEST_MODE: the vCPU runs a nested guest. */
    GUEST_MODE(kvm_x86_h.KVM_RUN_X86_GUEST_MODE());

    private final int bit;

    X86RunFlag(int bit) {
        this.bit = bit;
    }

    /**
     * Tells whether an exit came with this flag.
     *
     * @param exit
     *            the exit
     * @return true if it is set; false on another architecture, where the bit means something else
     */
    public boolean in(Exit exit) {
        return Architecture.ON_X86 && (exit.runFlags() & bit) != 0;
    }
}
