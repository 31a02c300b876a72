package io.github.kvm4j.memory;

import io.github.kvm4j.bindings.kvm_h;

/** What guest-physical memory is: the bits of KVM_SET_MEMORY_ATTRIBUTES. */
public enum MemoryAttribute {

    /**
     * KVM_MEMORY_ATTRIBUTE_PRIVATE: the guest's own, taken from the slot's guest_memfd and not from the memory that this
     * process sees.
     */
    PRIVATE(kvm_h.KVM_MEMORY_ATTRIBUTE_PRIVATE());

    private final long bit;

    MemoryAttribute(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_MEMORY_ATTRIBUTE_ number
     */
    public long bit() {
        return bit;
    }
}
