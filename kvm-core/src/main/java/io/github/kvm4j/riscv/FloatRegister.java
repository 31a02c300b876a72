package io.github.kvm4j.riscv;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.riscv.__riscv_d_ext_state;
import io.github.kvm4j.bindings.riscv.__riscv_f_ext_state;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;

/**
 * A floating-point register: KVM_REG_RISCV_FP_D of a vCPU with {@link IsaExtension#D}, of 8 bytes, or KVM_REG_RISCV_FP_F of
 * one that has {@link IsaExtension#F} alone, of 4 bytes. Register 32 is FCSR, of 4 bytes.
 *
 * @param precision
 *            of which extension
 * @param number
 *            0 to 31 for f0 to f31, 32 for FCSR
 */
public record FloatRegister(Precision precision, int number) implements RiscvRegister {

    /** The number of FCSR. */
    public static final int FCSR = (int) __riscv_f_ext_state.fcsr$offset() / Float.BYTES;

    /** Whose register it is. */
    public enum Precision {
        /** That of {@link IsaExtension#F}. */
        SINGLE(kvm_riscv_h.KVM_REG_RISCV_FP_F(), __riscv_f_ext_state.fcsr$offset() / Float.BYTES, RegisterIds.U32),
        /** That of {@link IsaExtension#D}. */
        DOUBLE(kvm_riscv_h.KVM_REG_RISCV_FP_D(), __riscv_d_ext_state.fcsr$offset() / Double.BYTES, RegisterIds.U64);

        private final int group;
        private final long fcsr;
        private final long prefix;

        Precision(int group, long fcsr, long prefix) {
            this.group = group;
            this.fcsr = fcsr;
            this.prefix = prefix;
        }
    }

    /** Checks the number. */
    public FloatRegister {
        Objects.requireNonNull(precision, "precision");
        RegisterIds.check("the number of a floating-point register", number, FCSR + 1);
    }

    static @Nullable FloatRegister fromId(long id, int group) {
        int number = (int) (id & RegisterIds.NUMBER_MASK);
        for (Precision precision : Precision.values()) {
            if (precision.group == group && number <= FCSR) {
                return new FloatRegister(precision, number);
            }
        }
        return null;
    }

    @Override
    public long id() {
        return number == FCSR
                ? RegisterIds.U32 | precision.group | precision.fcsr
                : precision.prefix | precision.group | number;
    }

    @Override
    public String toString() {
        return number == FCSR ? "FCSR" : "F" + number;
    }
}
