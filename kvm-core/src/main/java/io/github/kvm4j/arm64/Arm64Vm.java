package io.github.kvm4j.arm64;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_arm_counter_offset;
import io.github.kvm4j.bindings.arm64.kvm_vcpu_init;
import io.github.kvm4j.bindings.arm64.reg_mask_range;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/** What only arm64 has of a VM's ioctls. Any thread may use it. */
public final class Arm64Vm {

    private final VmState vm;

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @hidden
     */
    @SuppressWarnings("exports")
    public Arm64Vm(VmState vm) {
        this.vm = vm;
    }

    /**
     * Asks for the kind of vCPU that this host runs best. KVM_ARM_PREFERRED_TARGET, section 4.83.
     *
     * @return its target, with the features that the kernel recommends, of which so far there are none
     * @throws KvmException
     *             when the kernel refuses: ENODEV (there is none)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ARM_PREFERRED_TARGET)
    public VcpuInit getPreferredTarget() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment init = kvm_vcpu_init.allocate(arena);
            vm.fd().call(Ioctl.KVM_ARM_PREFERRED_TARGET, init);
            return VcpuInit.readFrom(init);
        }
    }

    /**
     * Shifts the guest's virtual and physical counter against the host's, for all vCPUs. From then on a vCPU's counter
     * registers are read-only: writes of them are ignored. KVM_ARM_SET_COUNTER_OFFSET, section 4.138,
     * {@link io.github.kvm4j.Capability#COUNTER_OFFSET}.
     *
     * @param offset
     *            what is subtracted from the host's counter, in counter ticks, unsigned
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EBUSY (a vCPU is running)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ARM_SET_COUNTER_OFFSET)
    public void setCounterOffset(long offset) {
        vm.require(Ioctl.KVM_ARM_SET_COUNTER_OFFSET);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_arm_counter_offset.allocate(arena);
            kvm_arm_counter_offset.counter_offset(request, offset);
            vm.fd().call(Ioctl.KVM_ARM_SET_COUNTER_OFFSET, request);
        }
    }

    /**
     * Tells which bits of the feature id registers may be written. KVM_ARM_GET_REG_WRITABLE_MASKS, section 4.139,
     * {@link io.github.kvm4j.Capability#ARM_SUPPORTED_REG_MASK_RANGES}.
     *
     * @return the masks
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ARM_GET_REG_WRITABLE_MASKS)
    public WritableMasks getRegWritableMasks() {
        vm.require(Ioctl.KVM_ARM_GET_REG_WRITABLE_MASKS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment masks = arena.allocate(JAVA_LONG, kvm_arm64_h.KVM_ARM_FEATURE_ID_RANGE_SIZE());
            MemorySegment request = reg_mask_range.allocate(arena);
            reg_mask_range.addr(request, masks.address());
            reg_mask_range.range(request, kvm_arm64_h.KVM_ARM_FEATURE_ID_RANGE());
            vm.fd().call(Ioctl.KVM_ARM_GET_REG_WRITABLE_MASKS, request);
            return new WritableMasks(masks.toArray(JAVA_LONG));
        }
    }
}
