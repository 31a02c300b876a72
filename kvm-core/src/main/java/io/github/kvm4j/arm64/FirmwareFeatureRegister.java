package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * A bitmap of hypercall services that the guest is offered, to be changed before the first run:
 * KVM_REG_ARM_FW_FEAT_BMAP, of 8 bytes, since Linux 5.19. Kernel documentation,
 * Documentation/virt/kvm/arm/fw-pseudo-registers.rst.
 *
 * @param number
 *            0 to 0xffff
 */
public record FirmwareFeatureRegister(int number) implements Arm64Register {

    /** KVM_REG_ARM_STD_BMAP: the standard secure services. */
    public static final FirmwareFeatureRegister STANDARD = fromId(kvm_arm64_h.KVM_REG_ARM_STD_BMAP());

    /** KVM_REG_ARM_STD_HYP_BMAP: the standard hypervisor services. */
    public static final FirmwareFeatureRegister STANDARD_HYPERVISOR = fromId(kvm_arm64_h.KVM_REG_ARM_STD_HYP_BMAP());

    /** KVM_REG_ARM_VENDOR_HYP_BMAP: KVM's own services. */
    public static final FirmwareFeatureRegister VENDOR_HYPERVISOR = fromId(kvm_arm64_h.KVM_REG_ARM_VENDOR_HYP_BMAP());

    /** KVM_REG_ARM_VENDOR_HYP_BMAP_2: more of KVM's own services. */
    public static final FirmwareFeatureRegister VENDOR_HYPERVISOR_2 = fromId(
            kvm_arm64_h.KVM_REG_ARM_VENDOR_HYP_BMAP_2());

    /** Checks the number. */
    public FirmwareFeatureRegister {
        RegisterIds.check("the number of a firmware feature register", number, (int) RegisterIds.NUMBER_MASK + 1);
    }

    static FirmwareFeatureRegister fromId(long id) {
        return new FirmwareFeatureRegister((int) (id & RegisterIds.NUMBER_MASK));
    }

    @Override
    public long id() {
        return RegisterIds.ARM64_U64 | kvm_arm64_h.KVM_REG_ARM_FW_FEAT_BMAP() | number;
    }
}
