package io.github.kvm4j.internal.ioctl;

import static io.github.kvm4j.internal.ioctl.Argument.array;
import static io.github.kvm4j.internal.ioctl.Argument.none;
import static io.github.kvm4j.internal.ioctl.Argument.pointer;
import static io.github.kvm4j.internal.ioctl.Argument.value;
import static io.github.kvm4j.internal.ioctl.FdKind.DEVICE;
import static io.github.kvm4j.internal.ioctl.FdKind.SYSTEM;
import static io.github.kvm4j.internal.ioctl.FdKind.VCPU;
import static io.github.kvm4j.internal.ioctl.FdKind.VM;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * The registry: one line per ioctl, under the capability that announces it. To add an ioctl, add its line here and the
 * method that issues it on the class of its descriptor.
 */
@SuppressWarnings("ImmutableEnumChecker") // the set is unmodifiable, and arguments are records
public enum Ioctl {

    // @formatter:off

    // Always there
    KVM_GET_API_VERSION(kvm_h.KVM_GET_API_VERSION(), none(), SYSTEM),
    KVM_CREATE_VM(kvm_h.KVM_CREATE_VM(), value(), SYSTEM),
    KVM_GET_VCPU_MMAP_SIZE(kvm_h.KVM_GET_VCPU_MMAP_SIZE(), none(), SYSTEM),
    KVM_CREATE_VCPU(kvm_h.KVM_CREATE_VCPU(), value(), VM),
    KVM_RUN(kvm_h.KVM_RUN(), none(), VCPU),
    KVM_GET_REGS(kvm_x86_h.KVM_GET_REGS(), pointer("kvm_regs"), VCPU),
    KVM_SET_REGS(kvm_x86_h.KVM_SET_REGS(), pointer("kvm_regs"), VCPU),
    KVM_GET_SREGS(kvm_x86_h.KVM_GET_SREGS(), pointer("kvm_sregs"), VCPU),
    KVM_SET_SREGS(kvm_x86_h.KVM_SET_SREGS(), pointer("kvm_sregs"), VCPU),
    // Always there on a system descriptor; on a VM descriptor with KVM_CAP_CHECK_EXTENSION_VM
    KVM_CHECK_EXTENSION(kvm_h.KVM_CHECK_EXTENSION(), value(), SYSTEM, VM),
    // KVM_CAP_USER_MEMORY
    KVM_SET_USER_MEMORY_REGION(kvm_h.KVM_SET_USER_MEMORY_REGION(), Capability.USER_MEMORY, pointer("kvm_userspace_memory_region"), VM),
    // KVM_CAP_SET_TSS_ADDR
    KVM_SET_TSS_ADDR(kvm_h.KVM_SET_TSS_ADDR(), Capability.SET_TSS_ADDR, value(), VM),
    // KVM_CAP_SET_IDENTITY_MAP_ADDR
    KVM_SET_IDENTITY_MAP_ADDR(kvm_h.KVM_SET_IDENTITY_MAP_ADDR(), Capability.SET_IDENTITY_MAP_ADDR, pointer("__u64"), VM),
    // KVM_CAP_IRQCHIP
    KVM_CREATE_IRQCHIP(kvm_h.KVM_CREATE_IRQCHIP(), Capability.IRQCHIP, none(), VM),
    // KVM_CAP_PIT2
    KVM_CREATE_PIT2(kvm_h.KVM_CREATE_PIT2(), Capability.PIT2, pointer("kvm_pit_config"), VM),
    // KVM_CAP_EXT_CPUID
    KVM_GET_SUPPORTED_CPUID(kvm_x86_h.KVM_GET_SUPPORTED_CPUID(), Capability.EXT_CPUID, array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), SYSTEM),
    KVM_SET_CPUID2(kvm_x86_h.KVM_SET_CPUID2(), Capability.EXT_CPUID, array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), VCPU),
    // KVM_CAP_DEVICE_CTRL; on a VM descriptor KVM_CAP_VM_ATTRIBUTES, on a vCPU's KVM_CAP_VCPU_ATTRIBUTES, on the system's KVM_CAP_SYS_ATTRIBUTES
    KVM_CREATE_DEVICE(kvm_h.KVM_CREATE_DEVICE(), Capability.DEVICE_CTRL, pointer("kvm_create_device"), VM),
    KVM_SET_DEVICE_ATTR(kvm_h.KVM_SET_DEVICE_ATTR(), Capability.DEVICE_CTRL, pointer("kvm_device_attr"), DEVICE, VM, VCPU),
    KVM_GET_DEVICE_ATTR(kvm_h.KVM_GET_DEVICE_ATTR(), Capability.DEVICE_CTRL, pointer("kvm_device_attr"), DEVICE, VM, VCPU, SYSTEM),
    KVM_HAS_DEVICE_ATTR(kvm_h.KVM_HAS_DEVICE_ATTR(), Capability.DEVICE_CTRL, pointer("kvm_device_attr"), DEVICE, VM, VCPU, SYSTEM);

    // @formatter:on

    private final long number;
    private final @Nullable Capability capability;
    private final Argument argument;
    private final Set<FdKind> kinds;

    Ioctl(long number, Argument argument, FdKind first, FdKind... others) {
        this(number, null, argument, first, others);
    }

    Ioctl(long number, @Nullable Capability capability, Argument argument, FdKind first, FdKind... others) {
        // jextract makes an int of the numbers that fit one, a long of the others.
        this.number = number & 0xffff_ffffL;
        this.capability = capability;
        this.argument = argument;
        this.kinds = Collections.unmodifiableSet(EnumSet.of(first, others));
    }

    /** The number, unsigned. */
    public long number() {
        return number;
    }

    /** The capability that announces it, if it is not always there. */
    public Optional<Capability> capability() {
        return Optional.ofNullable(capability);
    }

    /** What it takes. */
    public Argument argument() {
        return argument;
    }

    /** The kinds of descriptor on which it may be issued. */
    public Set<FdKind> kinds() {
        return kinds;
    }
}
