package io.github.kvm4j.arm64;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.Device;
import io.github.kvm4j.DeviceType;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * The in-kernel interrupt controller GICv3: a typed view of its {@link Device}, which the VM owns.
 * <p>
 * Set the addresses and the number of interrupts, then {@link #init()}, when all vCPUs have been created; then they may
 * run. What is missing the first run tells: see {@link #init()}. Any thread may use it; what reads or writes a register wants all vCPUs to be out of the guest (EBUSY).
 * <p>
 * Kernel documentation, Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
public final class VgicV3 {

    /** The bytes that the distributor takes of the guest's address space (KVM_VGIC_V3_DIST_SIZE). */
    public static final long DISTRIBUTOR_SIZE = kvm_arm64_h.KVM_VGIC_V3_DIST_SIZE();

    /** The bytes that the redistributor of one vCPU takes (KVM_VGIC_V3_REDIST_SIZE). */
    public static final long REDISTRIBUTOR_SIZE = kvm_arm64_h.KVM_VGIC_V3_REDIST_SIZE();

    /** Of a redistributor region's attribute: the count of redistributors, and the address, a multiple of 64 KiB. */
    private static final int REGION_COUNT_SHIFT = 52;
    private static final int MAX_REGION_COUNT = (1 << 12) - 1;
    private static final int MAX_REGION_INDEX = (1 << 12) - 1;

    private static final long ALIGNMENT = 0x10000;

    /** Of the numbers of interrupts: the 32 of a vCPU's own and 32 shared ones, and what is a multiple of 32 below 1020. */
    private static final int MIN_IRQS = 64;
    private static final int MAX_IRQS = 992;
    private static final int IRQS_STEP = 32;

    private final Device device;

    private VgicV3(Device device) {
        this.device = device;
    }

    /**
     * Creates one. KVM_CREATE_DEVICE, section 4.79, with KVM_DEV_TYPE_ARM_VGIC_V3.
     *
     * @param vm
     *            the VM, which owns the device
     * @return the controller
     * @throws KvmException
     *             when the kernel refuses: ENODEV (this host has no GICv3), EEXIST (there is one already), EBUSY (a vCPU has
     *             run)
     * @throws ClosedException
     *             when the VM is closed
     */
    public static VgicV3 create(Vm vm) {
        return new VgicV3(vm.createDevice(DeviceType.ARM_VGIC_V3));
    }

    /**
     * Returns the device.
     *
     * @return the device
     */
    public Device device() {
        return device;
    }

    /**
     * Chooses where the guest finds the distributor. Attribute KVM_VGIC_V3_ADDR_TYPE_DIST.
     *
     * @param guestAddress
     *            a guest-physical address, a multiple of 64 KiB, of {@link #DISTRIBUTOR_SIZE} bytes without memory
     * @throws IllegalArgumentException
     *             when the address is no multiple of 64 KiB
     * @throws KvmException
     *             when the kernel refuses: E2BIG (beyond the guest-physical address space), EEXIST (set already)
     * @throws ClosedException
     *             when the device is closed
     */
    public void setDistributorAddress(long guestAddress) {
        if (guestAddress % ALIGNMENT != 0) {
            throw new IllegalArgumentException(String.format(
                    "the distributor at 0x%x: the address must be a multiple of 0x%x", guestAddress, ALIGNMENT));
        }
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_ADDR(), kvm_arm64_h.KVM_VGIC_V3_ADDR_TYPE_DIST(),
                bytes(guestAddress));
    }

    /**
     * Adds a run of redistributors, one for each vCPU in the order of their creation.
     * Attribute KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, since Linux 4.18.
     *
     * @param index
     *            0 for the first region, and so on
     * @param guestAddress
     *            a guest-physical address, a multiple of 64 KiB, of as many times {@link #REDISTRIBUTOR_SIZE} bytes without
     *            memory
     * @param count
     *            how many redistributors, 1 to 4095
     * @throws IllegalArgumentException
     *             when a number is out of its range, or the address no multiple of 64 KiB
     * @throws KvmException
     *             when the kernel refuses: E2BIG (beyond the guest-physical address space), EINVAL (index out of order,
     *             overlap), EEXIST (set already)
     * @throws ClosedException
     *             when the device is closed
     */
    public void addRedistributorRegion(int index, long guestAddress, int count) {
        RegisterIds.check("the index of a redistributor region", index, MAX_REGION_INDEX + 1);
        if (count < 1 || count > MAX_REGION_COUNT) {
            throw new IllegalArgumentException(
                    count + " redistributors in a region; it goes from 1 to " + MAX_REGION_COUNT);
        }
        if (guestAddress % ALIGNMENT != 0 || guestAddress >>> REGION_COUNT_SHIFT != 0) {
            throw new IllegalArgumentException(String.format(
                    "redistributors at 0x%x: the address must be a multiple of 0x%x below 2^%d", guestAddress,
                    ALIGNMENT,
                    REGION_COUNT_SHIFT));
        }
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_ADDR(), kvm_arm64_h.KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION(),
                bytes(((long) count << REGION_COUNT_SHIFT) | guestAddress | index));
    }

    /**
     * Chooses how many interrupts there are, before {@link #init()}. Group KVM_DEV_ARM_VGIC_GRP_NR_IRQS.
     *
     * @param count
     *            with the 32 that each vCPU has of its own: 64 to 992, a multiple of 32; 256 when it is not set
     * @throws IllegalArgumentException
     *             for another count: 1024, too, which the kernel's documentation has and the kernel refuses
     * @throws KvmException
     *             when the kernel refuses: EBUSY (set already, or the controller is ready)
     * @throws ClosedException
     *             when the device is closed
     */
    public void setNrIrqs(int count) {
        if (count < MIN_IRQS || count > MAX_IRQS || count % IRQS_STEP != 0) {
            throw new IllegalArgumentException(String.format(
                    "%d interrupts; it goes from %d to %d in steps of %d", count, MIN_IRQS, MAX_IRQS, IRQS_STEP));
        }
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_NR_IRQS(), 0, bytes(count));
    }

    /**
     * Makes the controller ready, when all vCPUs have been created. Attribute KVM_DEV_ARM_VGIC_CTRL_INIT. A second time it
     * does nothing.
     * <p>
     * It looks at no address: the first {@link io.github.kvm4j.Vcpu#run()} does, and fails with ENXIO where one is missing
     * (the distributor's, or that of a vCPU's redistributor), EINVAL where frames overlap, and EBUSY without this call.
     *
     * @throws KvmException
     *             when the kernel refuses: EBUSY (a vCPU is being created), ENOMEM
     * @throws ClosedException
     *             when the device is closed
     */
    public void init() {
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_CTRL(), kvm_arm64_h.KVM_DEV_ARM_VGIC_CTRL_INIT(),
                new byte[0]);
    }

    /**
     * Reads a register of the distributor, without side effects; where there is none, 0. Group KVM_DEV_ARM_VGIC_GRP_DIST_REGS.
     *
     * @param offset
     *            the register's offset in the distributor, a multiple of 4 below {@link #DISTRIBUTOR_SIZE}
     * @return its 32 bits
     * @throws IllegalArgumentException
     *             for another offset
     * @throws KvmException
     *             when the kernel refuses: EBUSY (a vCPU runs, or the controller is not ready)
     * @throws ClosedException
     *             when the device is closed
     */
    public int getDistributorRegister(int offset) {
        return word(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_DIST_REGS(), check(offset, DISTRIBUTOR_SIZE));
    }

    /**
     * Writes a register of the distributor. Group KVM_DEV_ARM_VGIC_GRP_DIST_REGS.
     *
     * @param offset
     *            the register's offset in the distributor, a multiple of 4 below {@link #DISTRIBUTOR_SIZE}
     * @param value
     *            its 32 bits
     * @throws IllegalArgumentException
     *             for another offset
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the value), EBUSY (a vCPU runs, or the controller is not ready)
     * @throws ClosedException
     *             when the device is closed
     */
    public void setDistributorRegister(int offset, int value) {
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_DIST_REGS(), check(offset, DISTRIBUTOR_SIZE),
                bytes(value));
    }

    /**
     * Reads a register of a vCPU's redistributor, without side effects; where there is none, 0. Group KVM_DEV_ARM_VGIC_GRP_REDIST_REGS.
     *
     * @param affinity
     *            which vCPU: Aff3, Aff2, Aff1 and Aff0 of its MPIDR_EL1, a byte each
     * @param offset
     *            the register's offset in the redistributor, a multiple of 4 below {@link #REDISTRIBUTOR_SIZE}
     * @return its 32 bits
     * @throws IllegalArgumentException
     *             for another offset
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no such vCPU), EBUSY (a vCPU runs, or the controller is not ready)
     * @throws ClosedException
     *             when the device is closed
     */
    public int getRedistributorRegister(int affinity, int offset) {
        return word(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_REDIST_REGS(),
                ofVcpu(affinity) | check(offset, REDISTRIBUTOR_SIZE));
    }

    /**
     * Writes a register of a vCPU's redistributor. Group KVM_DEV_ARM_VGIC_GRP_REDIST_REGS.
     *
     * @param affinity
     *            which vCPU: Aff3, Aff2, Aff1 and Aff0 of its MPIDR_EL1, a byte each
     * @param offset
     *            the register's offset in the redistributor, a multiple of 4 below {@link #REDISTRIBUTOR_SIZE}
     * @param value
     *            its 32 bits
     * @throws IllegalArgumentException
     *             for another offset
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no such vCPU, the value), EBUSY (a vCPU runs, or the controller is not
     *             ready)
     * @throws ClosedException
     *             when the device is closed
     */
    public void setRedistributorRegister(int affinity, int offset, int value) {
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_REDIST_REGS(),
                ofVcpu(affinity) | check(offset, REDISTRIBUTOR_SIZE), bytes(value));
    }

    /**
     * Writes the pending bits of the locality-specific interrupts to guest memory, to be saved with it. Attribute
     * KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES.
     *
     * @throws KvmException
     *             when the kernel refuses: EFAULT (the tables are in no memory), EBUSY (a vCPU runs)
     * @throws ClosedException
     *             when the device is closed
     */
    public void savePendingTables() {
        device.setAttribute(kvm_arm64_h.KVM_DEV_ARM_VGIC_GRP_CTRL(), kvm_arm64_h.KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES(),
                new byte[0]);
    }

    private int word(int group, long attribute) {
        return ByteBuffer.wrap(device.getAttribute(group, attribute, Integer.BYTES)).order(ByteOrder.nativeOrder())
                .getInt();
    }

    private static long check(int offset, long size) {
        if (offset < 0 || offset >= size || offset % Integer.BYTES != 0) {
            throw new IllegalArgumentException(String.format(
                    "a register at offset 0x%x: the offset must be a multiple of 4 below 0x%x", offset, size));
        }
        return offset;
    }

    private static long ofVcpu(int affinity) {
        return Integer.toUnsignedLong(affinity) << kvm_arm64_h.KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT();
    }

    private static byte[] bytes(long value) {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(value).array();
    }

    private static byte[] bytes(int value) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(value).array();
    }

    @Override
    public String toString() {
        return "VgicV3[" + device + "]";
    }
}
