package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * A pseudo-register of the firmware that KVM is to the guest: KVM_REG_ARM_FW, of 8 bytes. Kernel documentation,
 * Documentation/virt/kvm/arm/fw-pseudo-registers.rst.
 *
 * @param number
 *            0 to 0xffff
 */
public record FirmwareRegister(int number) implements Arm64Register {

    /** KVM_REG_ARM_PSCI_VERSION: the version of PSCI that the guest is told, major in the upper 16 of 32 bits. */
    public static final FirmwareRegister PSCI_VERSION = fromId(kvm_arm64_h.KVM_REG_ARM_PSCI_VERSION());

    /** KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1: the state of the workaround for Spectre v2. */
    public static final FirmwareRegister SMCCC_ARCH_WORKAROUND_1 = fromId(
            kvm_arm64_h.KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1());

    /** KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2: the state of the workaround for Spectre v4. */
    public static final FirmwareRegister SMCCC_ARCH_WORKAROUND_2 = fromId(
            kvm_arm64_h.KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2());

    /** KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3: the state of the workaround for Spectre-BHB. */
    public static final FirmwareRegister SMCCC_ARCH_WORKAROUND_3 = fromId(
            kvm_arm64_h.KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3());

    /** Checks the number. */
    public FirmwareRegister {
        RegisterIds.check("the number of a firmware register", number, (int) RegisterIds.NUMBER_MASK + 1);
    }

    static FirmwareRegister fromId(long id) {
        return new FirmwareRegister((int) (id & RegisterIds.NUMBER_MASK));
    }

    @Override
    public long id() {
        return RegisterIds.ARM64_U64 | kvm_arm64_h.KVM_REG_ARM_FW() | number;
    }
}
