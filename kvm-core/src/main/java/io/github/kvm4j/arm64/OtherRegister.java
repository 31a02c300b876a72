package io.github.kvm4j.arm64;

/**
 * A register that this version of the library has no type for.
 *
 * @param id
 *            a KVM_REG_ARM64 number
 */
public record OtherRegister(long id) implements Arm64Register {

    @Override
    public String toString() {
        return String.format("0x%x", id);
    }
}
