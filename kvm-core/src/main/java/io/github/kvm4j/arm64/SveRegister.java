package io.github.kvm4j.arm64;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * A register of the scalable vector extension, a slice of it: KVM_REG_ARM64_SVE. So far every register has one slice,
 * number 0.
 *
 * @param kind
 *            what kind
 * @param number
 *            the register's number, below {@link Kind#count()}
 * @param slice
 *            the slice, 0 to 31
 */
public record SveRegister(Kind kind, int number, int slice) implements Arm64Register {

    private static final int SLICES = kvm_arm64_h.KVM_ARM64_SVE_MAX_SLICES();
    private static final int SLICE_BITS = Integer.numberOfTrailingZeros(SLICES);

    /**
     * The vector lengths that the vCPU may use, a bit for each in units of 16 bytes: KVM_REG_ARM64_SVE_VLS, of 64 bytes, to
     * be changed before {@link Arm64Vcpu#finalizeFeature}.
     */
    public static final Arm64Register VECTOR_LENGTHS = new OtherRegister(kvm_arm64_h.KVM_REG_ARM64_SVE_VLS());

    /** What kinds there are. */
    public enum Kind {
        /** Vectors, of 256 bytes. */
        Z(kvm_arm64_h.KVM_REG_ARM64_SVE_ZREG_BASE(), RegisterIds.ARM64_U2048, kvm_arm64_h.KVM_ARM64_SVE_NUM_ZREGS()),
        /** Predicates, of 32 bytes. */
        P(kvm_arm64_h.KVM_REG_ARM64_SVE_PREG_BASE(), RegisterIds.ARM64_U256, kvm_arm64_h.KVM_ARM64_SVE_NUM_PREGS()),
        /** The first-fault register, of 32 bytes. */
        FFR(kvm_arm64_h.KVM_REG_ARM64_SVE_FFR_BASE(), RegisterIds.ARM64_U256, 1);

        private final int base;
        private final long prefix;
        private final int count;

        Kind(int base, long prefix, int count) {
            this.base = base;
            this.prefix = prefix;
            this.count = count;
        }

        /**
         * Returns how many there are.
         *
         * @return the limit of the numbers
         */
        public int count() {
            return count;
        }
    }

    /** Checks the numbers. */
    public SveRegister {
        RegisterIds.check("the number of a " + kind + " register", number, kind.count);
        RegisterIds.check("the slice", slice, SLICES);
    }

    static @Nullable SveRegister fromId(long id) {
        int rest = (int) (id & RegisterIds.NUMBER_MASK);
        for (Kind kind : Kind.values()) {
            int number = (rest - kind.base) >> SLICE_BITS;
            if (rest >= kind.base && number < kind.count) {
                return new SveRegister(kind, number, rest & (SLICES - 1));
            }
        }
        return null;
    }

    @Override
    public long id() {
        return kind.prefix | kvm_arm64_h.KVM_REG_ARM64_SVE() | kind.base | (number << SLICE_BITS) | slice;
    }

    @Override
    public String toString() {
        return kind == Kind.FFR ? "FFR" : kind.name() + number;
    }
}
