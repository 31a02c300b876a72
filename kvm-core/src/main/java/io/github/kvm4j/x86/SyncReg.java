package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A kind of registers that {@link SyncRegs} can have in the run page. */
public enum SyncReg {

    /** KVM_SYNC_X86_REGS: {@link Regs}. */
    REGS(kvm_x86_h.KVM_SYNC_X86_REGS()),
    /** KVM_SYNC_X86_SREGS: {@link Sregs}. */
    SREGS(kvm_x86_h.KVM_SYNC_X86_SREGS()),
    /** KVM_SYNC_X86_EVENTS: {@link VcpuEvents}. */
    EVENTS(kvm_x86_h.KVM_SYNC_X86_EVENTS());

    private final long bit;

    SyncReg(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_SYNC_X86_ number
     */
    public long bit() {
        return bit;
    }
}
