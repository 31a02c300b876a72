package io.github.kvm4j;

import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.unsafe.RawIoctls;

/**
 * An in-kernel device, controlled by its attributes: groups of 64-bit numbers, each with a value whose size and meaning
 * the kernel's documentation of the device gives (Documentation/virt/kvm/devices).
 * <p>
 * Any thread may use it.
 */
public final class Device implements AutoCloseable {

    private final Vm vm;
    private final int type;
    private final VmState state;
    private final KvmFd fd;
    private final Attributes attributes;

    Device(Vm vm, int type, VmState state, KvmFd fd) {
        this.vm = vm;
        this.type = type;
        this.state = state;
        this.fd = fd;
        this.attributes = new Attributes(fd);
    }

    /**
     * Returns the VM that owns this device.
     *
     * @return the VM
     */
    public Vm vm() {
        return vm;
    }

    /**
     * Returns what it was created as.
     *
     * @return a KVM_DEV_TYPE_ number
     */
    public int type() {
        return type;
    }

    /**
     * Tells whether the device has an attribute. KVM_HAS_DEVICE_ATTR, section 4.81.
     *
     * @param group
     *            the group, a number of the device's own
     * @param attribute
     *            the attribute, a number of the group's own
     * @return whether it has
     * @throws KvmException
     *             when the kernel fails otherwise than by ENXIO (no such attribute), EPERM or ENOTTY (no attributes at all)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_HAS_DEVICE_ATTR)
    public boolean hasAttribute(int group, long attribute) {
        return attributes.has(group, attribute);
    }

    /**
     * Sets an attribute. KVM_SET_DEVICE_ATTR, section 4.80.
     *
     * @param group
     *            the group, a number of the device's own
     * @param attribute
     *            the attribute, a number of the group's own
     * @param value
     *            the value in the host's byte order, of the size that the attribute has; empty for one that has none
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), EPERM (nothing can be set), EBUSY, EINVAL and others
     *             of the device's own
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setAttribute(int group, long attribute, byte[] value) {
        attributes.set(group, attribute, value);
    }

    /**
     * Reads an attribute. KVM_GET_DEVICE_ATTR, section 4.80.
     *
     * @param group
     *            the group, a number of the device's own
     * @param attribute
     *            the attribute, a number of the group's own
     * @param size
     *            the size that the attribute has, in bytes
     * @return the value in the host's byte order
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), EPERM (nothing can be read), EINVAL and others of the
     *             device's own
     * @throws IllegalArgumentException
     *             when the size is negative
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public byte[] getAttribute(int group, long attribute, int size) {
        return attributes.get(group, attribute, size);
    }

    /**
     * Returns the way down: ioctls without a typed method, with arguments that nobody checks.
     *
     * @return the raw ioctls of this descriptor
     */
    public RawIoctls unsafe() {
        return new RawIoctls(fd, vm::checkExtension);
    }

    /**
     * Tells whether {@link #close()} has been called.
     *
     * @return true once closed
     */
    public boolean isClosed() {
        return fd.isClosed();
    }

    /**
     * Closes the descriptor, when calls in progress are over. Most devices live on in the kernel until the VM is gone. A
     * second call does nothing.
     *
     * @throws KvmException
     *             when close(2) failed; the descriptor is gone all the same
     */
    @Override
    public void close() {
        try {
            fd.close();
        } finally {
            state.forget(fd);
        }
    }

    @Override
    public String toString() {
        return "Device[" + fd + "]";
    }
}
