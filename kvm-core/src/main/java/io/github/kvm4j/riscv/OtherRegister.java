package io.github.kvm4j.riscv;

/**
 * A register that this version of the library has no type for.
 *
 * @param id
 *            a KVM_REG_RISCV number
 */
public record OtherRegister(long id) implements RiscvRegister {

    @Override
    public String toString() {
        return String.format("0x%x", id);
    }
}
