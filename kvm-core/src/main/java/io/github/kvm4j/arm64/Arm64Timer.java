package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/** A timer of a vCPU, whose interrupt {@link Arm64Vcpu#setTimerIrq} chooses. */
public enum Arm64Timer {

    /** KVM_ARM_VCPU_TIMER_IRQ_VTIMER: EL1's virtual timer, interrupt 27 by default. */
    VIRTUAL(kvm_arm64_h.KVM_ARM_VCPU_TIMER_IRQ_VTIMER()),

    /** KVM_ARM_VCPU_TIMER_IRQ_PTIMER: EL1's physical timer, interrupt 30 by default. */
    PHYSICAL(kvm_arm64_h.KVM_ARM_VCPU_TIMER_IRQ_PTIMER()),

    /** KVM_ARM_VCPU_TIMER_IRQ_HVTIMER: EL2's virtual timer, interrupt 28 by default; with {@link VcpuFeature#HAS_EL2}. */
    HYPERVISOR_VIRTUAL(kvm_arm64_h.KVM_ARM_VCPU_TIMER_IRQ_HVTIMER()),

    /** KVM_ARM_VCPU_TIMER_IRQ_HPTIMER: EL2's physical timer, interrupt 26 by default; with {@link VcpuFeature#HAS_EL2}. */
    HYPERVISOR_PHYSICAL(kvm_arm64_h.KVM_ARM_VCPU_TIMER_IRQ_HPTIMER());

    private final int attribute;

    Arm64Timer(int attribute) {
        this.attribute = attribute;
    }

    /**
     * Returns the kernel's attribute.
     *
     * @return a KVM_ARM_VCPU_TIMER_IRQ_ number
     */
    public int attribute() {
        return attribute;
    }
}
