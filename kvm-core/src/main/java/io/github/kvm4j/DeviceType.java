package io.github.kvm4j;

import io.github.kvm4j.bindings.kvm_h;

/** What {@link Vm#createDevice(DeviceType)} can create: the KVM_DEV_TYPE_ numbers of the kernel's header. */
public enum DeviceType {
    /** PowerPC's Freescale MPIC 2.0. */
    FSL_MPIC_20(kvm_h.KVM_DEV_TYPE_FSL_MPIC_20()),
    /** PowerPC's Freescale MPIC 4.2. */
    FSL_MPIC_42(kvm_h.KVM_DEV_TYPE_FSL_MPIC_42()),
    /** PowerPC's XICS interrupt controller. */
    XICS(kvm_h.KVM_DEV_TYPE_XICS()),
    /** The link between VFIO's groups and files and a VM, on every architecture. */
    VFIO(kvm_h.KVM_DEV_TYPE_VFIO()),
    /** arm64's GICv2 interrupt controller. */
    ARM_VGIC_V2(kvm_h.KVM_DEV_TYPE_ARM_VGIC_V2()),
    /** s390's floating interrupt controller. */
    FLIC(kvm_h.KVM_DEV_TYPE_FLIC()),
    /** arm64's GICv3 interrupt controller. */
    ARM_VGIC_V3(kvm_h.KVM_DEV_TYPE_ARM_VGIC_V3()),
    /** arm64's GICv3 interrupt translation service. */
    ARM_VGIC_ITS(kvm_h.KVM_DEV_TYPE_ARM_VGIC_ITS()),
    /** PowerPC's XIVE interrupt controller. */
    XIVE(kvm_h.KVM_DEV_TYPE_XIVE()),
    /** arm64's paravirtualized time; reserved, and refused by the kernel. */
    ARM_PV_TIME(kvm_h.KVM_DEV_TYPE_ARM_PV_TIME()),
    /** riscv's advanced interrupt architecture. */
    RISCV_AIA(kvm_h.KVM_DEV_TYPE_RISCV_AIA()),
    /** LoongArch's inter-processor interrupts. */
    LOONGARCH_IPI(kvm_h.KVM_DEV_TYPE_LOONGARCH_IPI()),
    /** LoongArch's extended I/O interrupt controller. */
    LOONGARCH_EIOINTC(kvm_h.KVM_DEV_TYPE_LOONGARCH_EIOINTC()),
    /** LoongArch's PCH interrupt controller. */
    LOONGARCH_PCHPIC(kvm_h.KVM_DEV_TYPE_LOONGARCH_PCHPIC()),
    /** LoongArch's direct message-signalled interrupt controller. */
    LOONGARCH_DMSINTC(kvm_h.KVM_DEV_TYPE_LOONGARCH_DMSINTC()),
    /** arm64's GICv5 interrupt controller. */
    ARM_VGIC_V5(kvm_h.KVM_DEV_TYPE_ARM_VGIC_V5());

    private final int number;

    DeviceType(int number) {
        this.number = number;
    }

    /**
     * Returns the kernel's number.
     *
     * @return a KVM_DEV_TYPE_ number
     */
    public int number() {
        return number;
    }
}
