package io.github.kvm4j.arm64;

import java.util.Objects;

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
 *            the slice, below {@link Kind#slices()}
 */
public record SveRegister(Kind kind, int number, int slice) implements Arm64Register {

    private static final int SLICE_BITS = Integer.numberOfTrailingZeros(kvm_arm64_h.KVM_ARM64_SVE_MAX_SLICES());

    /** The one register of {@link Kind#VECTOR_LENGTHS}. */
    public static final SveRegister VECTOR_LENGTHS = new SveRegister(Kind.VECTOR_LENGTHS, 0, 0);

    /** What kinds there are. */
    public enum Kind {
        /** Vectors, of 256 bytes. */
        Z(kvm_arm64_h.KVM_REG_ARM64_SVE_ZREG_BASE(), RegisterIds.ARM64_U2048, kvm_arm64_h.KVM_ARM64_SVE_NUM_ZREGS(),
                kvm_arm64_h.KVM_ARM64_SVE_MAX_SLICES()),
        /** Predicates, of 32 bytes. */
        P(kvm_arm64_h.KVM_REG_ARM64_SVE_PREG_BASE(), RegisterIds.ARM64_U256, kvm_arm64_h.KVM_ARM64_SVE_NUM_PREGS(),
                kvm_arm64_h.KVM_ARM64_SVE_MAX_SLICES()),
        /** The first-fault register, of 32 bytes. */
        FFR(kvm_arm64_h.KVM_REG_ARM64_SVE_FFR_BASE(), RegisterIds.ARM64_U256, 1,
                kvm_arm64_h.KVM_ARM64_SVE_MAX_SLICES()),
        /**
         * The vector lengths that the vCPU may use, a bit for each in units of 16 bytes: KVM_REG_ARM64_SVE_VLS, of 64
         * bytes, to be changed before {@link Arm64Vcpu#finalizeFeature}.
         */
        VECTOR_LENGTHS((int) (kvm_arm64_h.KVM_REG_ARM64_SVE_VLS() & RegisterIds.NUMBER_MASK), RegisterIds.ARM64_U512, 1,
                1);

        private final int base;
        private final long prefix;
        private final int count;
        private final int slices;

        Kind(int base, long prefix, int count, int slices) {
            this.base = base;
            this.prefix = prefix;
            this.count = count;
            this.slices = slices;
        }

        /**
         * Returns how many there are.
         *
         * @return the limit of the numbers
         */
        public int count() {
            return count;
        }

        /**
         * Returns how many slices an id has room for.
         *
         * @return the limit of the slices' numbers
         */
        public int slices() {
            return slices;
        }
    }

    /** Checks the numbers. */
    public SveRegister {
        Objects.requireNonNull(kind, "kind");
        RegisterIds.check("the number of a " + kind + " register", number, kind.count);
        RegisterIds.check("the slice", slice, kind.slices);
    }

    static @Nullable SveRegister fromId(long id) {
        int rest = (int) (id & RegisterIds.NUMBER_MASK);
        for (Kind kind : Kind.values()) {
            int place = rest - kind.base;
            int number = place >> SLICE_BITS;
            if (place >= 0 && number < kind.count) {
                return new SveRegister(kind, number, place - (number << SLICE_BITS));
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
        return kind.count == 1 ? kind.name() : kind.name() + number;
    }
}
