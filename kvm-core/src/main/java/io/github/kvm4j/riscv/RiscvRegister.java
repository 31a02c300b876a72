package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.internal.vcpu.OneReg;

/**
 * A register of a riscv vCPU, as {@link RiscvVcpu#getOneReg} and its like take it: the type says the group, the id the size.
 * <p>
 * Kernel documentation, section 4.68 (KVM_SET_ONE_REG), "RISC-V registers are mapped using the lower 32 bits".
 */
public sealed interface RiscvRegister
        permits ConfigRegister, CoreRegister, ControlRegister, TimerRegister, FloatRegister,
        VectorControlRegister, VectorRegister, IsaExtension, SbiExtension, SbiStateRegister, OtherRegister {

    /**
     * Returns the id.
     *
     * @return a KVM_REG_RISCV number
     */
    long id();

    /**
     * Returns the size of the register, which the id says.
     *
     * @return bytes
     */
    default int size() {
        return OneReg.sizeOf(id());
    }

    /**
     * Returns the register with an id, such as {@link io.github.kvm4j.Vcpu#getRegList()} lists.
     *
     * @param id
     *            a KVM_REG_RISCV number
     * @return the register; {@link OtherRegister} for an id that this version of the library has no type for
     */
    static RiscvRegister of(long id) {
        RiscvRegister named = NamedRegisters.find(id);
        if (named != null) {
            return named;
        }
        int group = (int) (id & kvm_riscv_h.KVM_REG_RISCV_TYPE_MASK());
        RiscvRegister numbered = group == kvm_riscv_h.KVM_REG_RISCV_VECTOR()
                ? VectorRegister.fromId(id)
                : FloatRegister.fromId(id, group);
        // A type that does not give the same id back has not understood it.
        return numbered != null && numbered.id() == id ? numbered : new OtherRegister(id);
    }
}
