package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.kvm_h;

/** What all ids of arm64's registers have. */
final class RegisterIds {

    static final long ARM64_U32 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U32();
    static final long ARM64_U64 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U64();
    static final long ARM64_U128 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U128();
    static final long ARM64_U256 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U256();
    static final long ARM64_U512 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U512();
    static final long ARM64_U2048 = kvm_h.KVM_REG_ARM64() | kvm_h.KVM_REG_SIZE_U2048();

    /** The low bits, where the groups that number their registers have the number. */
    static final long NUMBER_MASK = 0xffff;

    private RegisterIds() {
    }

    /** Refuses what does not fit its bits. */
    static void check(String name, int value, int limit) {
        if (value < 0 || value >= limit) {
            throw new IllegalArgumentException(name + " is " + value + "; it goes from 0 to " + (limit - 1));
        }
    }
}
