package io.github.kvm4j.arm64;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.internal.vcpu.OneReg;

/**
 * A register of an arm64 vCPU, as {@link Arm64Vcpu#getOneReg} and its like take it: the type says the group, the id the
 * size.
 * <p>
 * Kernel documentation, section 4.68 (KVM_SET_ONE_REG), "arm64 registers are mapped using the lower 32 bits".
 */
public sealed interface Arm64Register
        permits CoreRegister, SystemRegister, CacheSizeRegister, FirmwareRegister, FirmwareFeatureRegister, SveRegister,
        OtherRegister {

    /**
     * Returns the id.
     *
     * @return a KVM_REG_ARM64 number
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
     *            a KVM_REG_ARM64 number
     * @return the register; {@link OtherRegister} for an id that this version of the library has no type for
     */
    static Arm64Register of(long id) {
        Arm64Register register = typed(id, (int) id & kvm_arm64_h.KVM_REG_ARM_COPROC_MASK());
        // A type that does not give the same id back has not understood it.
        return register != null && register.id() == id ? register : new OtherRegister(id);
    }

    private static @Nullable Arm64Register typed(long id, int group) {
        if (group == kvm_arm64_h.KVM_REG_ARM_CORE()) {
            return CoreRegister.find(id);
        }
        if (group == kvm_arm64_h.KVM_REG_ARM64_SYSREG()) {
            return SystemRegister.fromId(id);
        }
        if (group == kvm_arm64_h.KVM_REG_ARM_DEMUX()) {
            return CacheSizeRegister.fromId(id);
        }
        if (group == kvm_arm64_h.KVM_REG_ARM_FW()) {
            return FirmwareRegister.fromId(id);
        }
        if (group == kvm_arm64_h.KVM_REG_ARM_FW_FEAT_BMAP()) {
            return FirmwareFeatureRegister.fromId(id);
        }
        return group == kvm_arm64_h.KVM_REG_ARM64_SVE() ? SveRegister.fromId(id) : null;
    }
}
