package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A change to how the API deals with local APICs in x2APIC mode, of {@link X86VmOptions#x2apicApi}. */
public enum X2ApicFlag {

    /**
     * KVM_X2APIC_API_USE_32BIT_IDS: numbers of 32 bits in GSI routes, MSIs and {@link LapicRegister#ID}, instead of 8.
     */
    USE_32BIT_IDS(kvm_x86_h.KVM_X2APIC_API_USE_32BIT_IDS()),
    /** KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK: number 0xff is a processor's, and not all of them. */
    DISABLE_BROADCAST_QUIRK(kvm_x86_h.KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK()),
    /** KVM_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST: the guest may suppress the broadcast of an end of interrupt. */
    ENABLE_SUPPRESS_EOI_BROADCAST(kvm_x86_h.KVM_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST()),
    /** KVM_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST: it may not. */
    DISABLE_SUPPRESS_EOI_BROADCAST(kvm_x86_h.KVM_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST());

    private final long bit;

    X2ApicFlag(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_X2APIC_ number
     */
    public long bit() {
        return bit;
    }
}
