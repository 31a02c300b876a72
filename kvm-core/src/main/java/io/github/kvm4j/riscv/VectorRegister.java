package io.github.kvm4j.riscv;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.riscv.__riscv_v_ext_state;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.internal.vcpu.OneReg;

/**
 * A vector register of a vCPU with {@link IsaExtension#V}: KVM_REG_RISCV_VECTOR.
 *
 * @param number
 *            0 to 31
 * @param size
 *            its bytes, as {@link VectorControlRegister#VLENB} says; a power of 2, up to 32768, the most that an id says
 */
public record VectorRegister(int number, int size) implements RiscvRegister {

    private static final int COUNT = 32;

    /** The control registers have the first numbers. */
    private static final int FIRST = (int) (__riscv_v_ext_state.sizeof() / Long.BYTES);

    /** A size that the id's field for it has no room for would spill into its neighbour. */
    private static final int MAX_SIZE = OneReg.sizeOf(kvm_h.KVM_REG_SIZE_MASK());

    /** Checks number and size. */
    public VectorRegister {
        RegisterIds.check("the number of a vector register", number, COUNT);
        if (size < 1 || size > MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(
                    "a vector register of " + size + " bytes: the size is a power of 2, up to " + MAX_SIZE);
        }
    }

    static @Nullable VectorRegister fromId(long id) {
        int number = (int) (id & RegisterIds.NUMBER_MASK) - FIRST;
        return number < 0 || number >= COUNT ? null : new VectorRegister(number, OneReg.sizeOf(id));
    }

    @Override
    public long id() {
        return kvm_h.KVM_REG_RISCV() | ((long) Integer.numberOfTrailingZeros(size) << kvm_h.KVM_REG_SIZE_SHIFT())
                | kvm_riscv_h.KVM_REG_RISCV_VECTOR() | (FIRST + number);
    }

    @Override
    public String toString() {
        return "V" + number;
    }
}
