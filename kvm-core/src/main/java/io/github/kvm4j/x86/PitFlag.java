package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.kvm_h;

/** An option of {@link X86Vm#createPit2(java.util.Set)}. */
public enum PitFlag {

    /** KVM_PIT_SPEAKER_DUMMY: KVM answers port 0x61, the PC speaker's, too. */
    SPEAKER_DUMMY(kvm_h.KVM_PIT_SPEAKER_DUMMY());

    private final int bit;

    PitFlag(int bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_PIT_ number
     */
    public int bit() {
        return bit;
    }
}
