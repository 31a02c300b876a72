package io.github.kvm4j.internal.ioctl;

/** The kernel's kinds of KVM file descriptor; an ioctl belongs to some of them. */
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
