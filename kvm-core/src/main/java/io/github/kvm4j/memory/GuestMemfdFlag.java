package io.github.kvm4j.memory;

import io.github.kvm4j.bindings.kvm_h;

/** What a {@link GuestMemfd} is to be: the flags of KVM_CREATE_GUEST_MEMFD, {@link io.github.kvm4j.Capability#GUEST_MEMFD_FLAGS}. */
public enum GuestMemfdFlag {

    /** GUEST_MEMFD_FLAG_MMAP: this process can map it. */
    MMAP(kvm_h.GUEST_MEMFD_FLAG_MMAP()),

    /** GUEST_MEMFD_FLAG_INIT_SHARED: its memory is shared at first, so that this process can touch what it has mapped. */
    INIT_SHARED(kvm_h.GUEST_MEMFD_FLAG_INIT_SHARED());

    private final long bit;

    GuestMemfdFlag(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a GUEST_MEMFD_FLAG_ number
     */
    public long bit() {
        return bit;
    }
}
