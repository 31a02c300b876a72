package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/** A feature that {@link Arm64Vcpu#init} gives a vCPU. */
public enum VcpuFeature {

    /** KVM_ARM_VCPU_POWER_OFF: it waits until another vCPU switches it on by PSCI. */
    POWER_OFF(kvm_arm64_h.KVM_ARM_VCPU_POWER_OFF()),

    /** KVM_ARM_VCPU_EL1_32BIT: it starts in AArch32; {@link io.github.kvm4j.Capability#ARM_EL1_32BIT}. */
    EL1_32BIT(kvm_arm64_h.KVM_ARM_VCPU_EL1_32BIT()),

    /** KVM_ARM_VCPU_PSCI_0_2: KVM answers PSCI 0.2 or later; {@link io.github.kvm4j.Capability#ARM_PSCI_0_2}. */
    PSCI_0_2(kvm_arm64_h.KVM_ARM_VCPU_PSCI_0_2()),

    /** KVM_ARM_VCPU_PMU_V3: a performance monitor; {@link io.github.kvm4j.Capability#ARM_PMU_V3}. */
    PMU_V3(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3()),

    /**
     * KVM_ARM_VCPU_SVE: the scalable vector extension; {@link io.github.kvm4j.Capability#ARM_SVE}. It is to be completed by
     * {@link Arm64Vcpu#finalizeFeature}.
     */
    SVE(kvm_arm64_h.KVM_ARM_VCPU_SVE()),

    /**
     * KVM_ARM_VCPU_PTRAUTH_ADDRESS: address authentication, together with {@link #PTRAUTH_GENERIC};
     * {@link io.github.kvm4j.Capability#ARM_PTRAUTH_ADDRESS}.
     */
    PTRAUTH_ADDRESS(kvm_arm64_h.KVM_ARM_VCPU_PTRAUTH_ADDRESS()),

    /**
     * KVM_ARM_VCPU_PTRAUTH_GENERIC: generic authentication, together with {@link #PTRAUTH_ADDRESS};
     * {@link io.github.kvm4j.Capability#ARM_PTRAUTH_GENERIC}.
     */
    PTRAUTH_GENERIC(kvm_arm64_h.KVM_ARM_VCPU_PTRAUTH_GENERIC()),

    /** KVM_ARM_VCPU_HAS_EL2: nested virtualization; {@link io.github.kvm4j.Capability#ARM_EL2}. */
    HAS_EL2(kvm_arm64_h.KVM_ARM_VCPU_HAS_EL2()),

    /**
     * KVM_ARM_VCPU_HAS_EL2_E2H0: nested virtualization without VHE, together with {@link #HAS_EL2};
     * {@link io.github.kvm4j.Capability#ARM_EL2_E2H0}.
     */
    HAS_EL2_E2H0(kvm_arm64_h.KVM_ARM_VCPU_HAS_EL2_E2H0());

    private final int number;

    VcpuFeature(int number) {
        this.number = number;
    }

    /**
     * Returns the kernel's number, which is the bit's in {@link VcpuInit#features()}.
     *
     * @return a KVM_ARM_VCPU_ number
     */
    public int number() {
        return number;
    }
}
