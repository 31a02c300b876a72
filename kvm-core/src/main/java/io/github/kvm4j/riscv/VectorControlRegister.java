package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.__riscv_v_ext_state;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;

/**
 * The vector unit's control registers, with {@link IsaExtension#V}: KVM_REG_RISCV_VECTOR, each of 8 bytes.
 */
public enum VectorControlRegister implements RiscvRegister {

    /** The element to begin with. */
    VSTART(__riscv_v_ext_state.vstart$offset()),
    /** The vector length, in elements. */
    VL(__riscv_v_ext_state.vl$offset()),
    /** The type of the elements. */
    VTYPE(__riscv_v_ext_state.vtype$offset()),
    /** Rounding mode and saturation. */
    VCSR(__riscv_v_ext_state.vcsr$offset()),
    /** The bytes of a vector register. */
    VLENB(__riscv_v_ext_state.vlenb$offset());

    private final long id;

    VectorControlRegister(long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_VECTOR(), offset);
    }

    @Override
    public long id() {
        return id;
    }
}
