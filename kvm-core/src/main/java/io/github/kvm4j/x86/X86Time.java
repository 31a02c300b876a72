package io.github.kvm4j.x86;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * The time stamp counter of an x86 vCPU, and its paravirtual clock.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} when this is for
 * lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when
 * it is closed.
 */
public final class X86Time {

    private final VcpuCalls calls;
    private final Attributes attributes;

    X86Time(VcpuCalls calls) {
        this.calls = calls;
        this.attributes = new Attributes(calls.fd);
    }

    /**
     * Returns how fast the guest's time stamp counter counts. KVM_GET_TSC_KHZ, section 4.56,
     * {@link Capability#GET_TSC_KHZ}.
     *
     * @return kHz
     * @throws KvmException
     *             when the kernel refuses: EIO (the host's counter is not constant)
     */
    @Issues(Ioctl.KVM_GET_TSC_KHZ)
    public int getTscKhz() {
        return (int) calls.issue(Ioctl.KVM_GET_TSC_KHZ, 0);
    }

    /**
     * Says how fast the guest's time stamp counter is to count, before the first run. Another frequency than the host's takes
     * {@link Capability#TSC_CONTROL}; without, the kernel takes a higher one and catches up in software. KVM_SET_TSC_KHZ,
     * section 4.55.
     *
     * @param khz
     *            kHz, as an unsigned number; 0 for the host's
     * @throws KvmException
     *             when the kernel refuses: EINVAL (out of the range that the processor can scale to)
     */
    @Issues(Ioctl.KVM_SET_TSC_KHZ)
    public void setTscKhz(int khz) {
        calls.issue(Ioctl.KVM_SET_TSC_KHZ, Integer.toUnsignedLong(khz));
    }

    /**
     * Returns the difference between the guest's time stamp counter and the host's, as the processor scales it.
     * KVM_GET_DEVICE_ATTR with KVM_VCPU_TSC_OFFSET, section 4.80, {@link Capability#VCPU_ATTRIBUTES}.
     *
     * @return what is added to the host's
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute)
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public long getTscOffset() {
        return attributes.getLong(kvm_x86_h.KVM_VCPU_TSC_CTRL(), kvm_x86_h.KVM_VCPU_TSC_OFFSET());
    }

    /**
     * Sets the difference between the guest's time stamp counter and the host's, for a guest that comes from another host;
     * Documentation/virt/kvm/devices/vcpu.rst has how to work it out. KVM_SET_DEVICE_ATTR with KVM_VCPU_TSC_OFFSET, section
     * 4.80, {@link Capability#VCPU_ATTRIBUTES}.
     *
     * @param offset
     *            what is to be added to the host's
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute)
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setTscOffset(long offset) {
        attributes.setLong(kvm_x86_h.KVM_VCPU_TSC_CTRL(), kvm_x86_h.KVM_VCPU_TSC_OFFSET(), offset);
    }

    /**
     * Tells the guest that it was paused, so that its watchdogs do not take the gap for a lock-up: after a pause, before it
     * runs on. KVM_KVMCLOCK_CTRL, section 4.70, {@link Capability#KVMCLOCK_CTRL}.
     *
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the guest has no kvmclock running)
     */
    @Issues(Ioctl.KVM_KVMCLOCK_CTRL)
    public void kvmclockCtrl() {
        calls.issue(Ioctl.KVM_KVMCLOCK_CTRL, 0);
    }
}
