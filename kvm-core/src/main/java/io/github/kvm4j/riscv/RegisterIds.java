package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.kvm_h;

/** How the ids of riscv's registers are made: a prefix with the size, a group, and a number in it. */
final class RegisterIds {

    static final long U32 = kvm_h.KVM_REG_RISCV() | kvm_h.KVM_REG_SIZE_U32();
    static final long U64 = kvm_h.KVM_REG_RISCV() | kvm_h.KVM_REG_SIZE_U64();

    /** The low bits, below group and subgroup. */
    static final long NUMBER_MASK = 0xffff;

    private RegisterIds() {
    }

    /** The id of a register of 64 bits that has its place in a structure of such. */
    static long ofLong(int group, long offset) {
        return U64 | group | (offset / Long.BYTES);
    }

    /** Refuses what does not fit. */
    static void check(String name, int value, int limit) {
        if (value < 0 || value >= limit) {
            throw new IllegalArgumentException(name + " is " + value + "; it goes from 0 to " + (limit - 1));
        }
    }
}
