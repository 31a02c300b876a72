package io.github.kvm4j.memory;

import java.util.Set;

import io.github.kvm4j.bindings.kvm_h;

/** How KVM treats a memory slot: the flags of KVM_SET_USER_MEMORY_REGION. */
public enum MemoryFlag {

    /** KVM_MEM_LOG_DIRTY_PAGES: KVM notes the pages that the guest writes to. */
    LOG_DIRTY_PAGES(kvm_h.KVM_MEM_LOG_DIRTY_PAGES()),

    /**
     * KVM_MEM_READONLY: the guest may only read; its writes come as {@link io.github.kvm4j.exit.Exit.Mmio}. Needs
     * {@link io.github.kvm4j.Capability#READONLY_MEM}.
     */
    READONLY(kvm_h.KVM_MEM_READONLY());

    private final int bit;

    MemoryFlag(long bit) {
        this.bit = (int) bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_MEM_ number
     */
    public int bit() {
        return bit;
    }

    static int bits(Set<MemoryFlag> flags) {
        int bits = 0;
        for (MemoryFlag flag : flags) {
            bits |= flag.bit;
        }
        return bits;
    }
}
