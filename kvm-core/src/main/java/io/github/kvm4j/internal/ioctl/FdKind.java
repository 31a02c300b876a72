package io.github.kvm4j.internal.ioctl;

/**
 * The kernel's kinds of KVM file descriptor; an ioctl belongs to some of them.
 *
 * <p>
 * On one of another kind it fails with EINVAL or ENOTTY, as the architecture has it, or is another ioctl of the same
 * number: KVM_GET_ONE_REG of a vCPU is KVM_ARM_SET_DEVICE_ADDR of a VM. The descriptors that other ioctls return
 * (statistics, guest_memfd, Power's tables) take no ioctl of KVM's.
 */
public enum FdKind {
    /** {@code open("/dev/kvm")}: {@link io.github.kvm4j.Kvm}. */
    SYSTEM,
    /** KVM_CREATE_VM: {@link io.github.kvm4j.Vm}. */
    VM,
    /** KVM_CREATE_VCPU: {@link io.github.kvm4j.Vcpu}. */
    VCPU,
    /** KVM_CREATE_DEVICE: {@link io.github.kvm4j.Device}. */
    DEVICE
}
