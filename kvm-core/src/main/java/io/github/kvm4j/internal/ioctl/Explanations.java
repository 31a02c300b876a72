package io.github.kvm4j.internal.ioctl;

import java.util.Map;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.sys.Errno;

/** The likely cause of a failed ioctl, and the remedy. */
public final class Explanations {

    private record Failure(Ioctl ioctl, Errno errno) {
    }

    // @formatter:off
    private static final Map<Failure, String> PARTICULAR = Map.ofEntries(
            Map.entry(new Failure(Ioctl.KVM_GET_API_VERSION, Errno.ENOTTY), "the file is not KVM's; open /dev/kvm"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VM, Errno.EBUSY), "another hypervisor (VirtualBox, VMware) holds the processor's virtualization; stop it"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VM, Errno.EINTR), "signals interrupted every try; create the VM on a thread that gets fewer"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VM, Errno.EINVAL), "this KVM does not know the VM type; ask KVM_CAP_VM_TYPES for those it knows"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VM, Errno.ENODEV), "no hardware virtualization is enabled; check the firmware's settings"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VCPU, Errno.EINVAL), "the id is above what this VM allows, the VM has its maximum of vCPUs, or a limit set on it is exceeded"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_VCPU, Errno.EEXIST), "the VM has a vCPU with this id"),
            Map.entry(new Failure(Ioctl.KVM_SET_USER_MEMORY_REGION, Errno.EEXIST), "the range overlaps another memory slot"),
            Map.entry(new Failure(Ioctl.KVM_SET_USER_MEMORY_REGION, Errno.EINVAL), "the range is beyond the guest-physical address space, or the slot number or the flags are not this KVM's"),
            Map.entry(new Failure(Ioctl.KVM_SET_USER_MEMORY_REGION, Errno.EFAULT), "the range is beyond the guest-physical address space"),
            Map.entry(new Failure(Ioctl.KVM_GET_DIRTY_LOG, Errno.ENOENT), "the memory slot does not log: it lacks the flag LOG_DIRTY_PAGES"),
            Map.entry(new Failure(Ioctl.KVM_GET_DIRTY_LOG, Errno.ENXIO), "this VM has dirty rings, which take the place of the log"),
            Map.entry(new Failure(Ioctl.KVM_CLEAR_DIRTY_LOG, Errno.ENOENT), "the memory slot does not log: it lacks the flag LOG_DIRTY_PAGES"),
            Map.entry(new Failure(Ioctl.KVM_CLEAR_DIRTY_LOG, Errno.ENXIO), "this VM has dirty rings, which take the place of the log"),
            Map.entry(new Failure(Ioctl.KVM_REGISTER_COALESCED_MMIO, Errno.ENOSPC), "too many zones, and other devices in the kernel such as ioeventfds: it takes about 1000"),
            Map.entry(new Failure(Ioctl.KVM_PRE_FAULT_MEMORY, Errno.ENOENT), "no memory slot has this address"),
            Map.entry(new Failure(Ioctl.KVM_PRE_FAULT_MEMORY, Errno.EOPNOTSUPP), "KVM maps this vCPU's memory by shadow page tables, which it cannot fill before they are used; so it does without EPT or NPT, and for a guest that runs guests"),
            Map.entry(new Failure(Ioctl.KVM_PRE_FAULT_MEMORY, Errno.EFAULT), "the host memory behind this address is gone, or the guest has not made it private, or shared, as it is"),
            Map.entry(new Failure(Ioctl.KVM_SET_USER_MEMORY_REGION2, Errno.EINVAL), "the range is beyond the guest-physical address space, or this type of VM takes no memory from a guest_memfd"),
            Map.entry(new Failure(Ioctl.KVM_SET_USER_MEMORY_REGION2, Errno.EEXIST), "the range overlaps another memory slot"),
            Map.entry(new Failure(Ioctl.KVM_SET_TSS_ADDR, Errno.EINVAL), "three pages from this address must lie below 4 GiB"),
            Map.entry(new Failure(Ioctl.KVM_SET_IDENTITY_MAP_ADDR, Errno.EINVAL), "the VM has vCPUs already; set the address before the first one"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_IRQCHIP, Errno.EEXIST), "the VM has an in-kernel interrupt controller already"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_IRQCHIP, Errno.EINVAL), "the VM has vCPUs already; create the interrupt controller before the first one"),
            Map.entry(new Failure(Ioctl.KVM_SET_BOOT_CPU_ID, Errno.EBUSY), "the VM has vCPUs already; choose the one that boots before the first one"),
            Map.entry(new Failure(Ioctl.KVM_SET_BOOT_CPU_ID, Errno.EINVAL), "the id is above what this VM allows"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_PIT2, Errno.EEXIST), "the VM has a PIT already"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_PIT2, Errno.ENOENT), "the PIT needs the in-kernel interrupt controller; create that first"),
            Map.entry(new Failure(Ioctl.KVM_SET_CPUID2, Errno.EINVAL), "KVM refuses this CPUID table: it differs from the one that the vCPU has run with, or gives an address width (leaf 0x80000008) that no processor has"),
            Map.entry(new Failure(Ioctl.KVM_SET_CPUID2, Errno.EPERM), "the table has AMX, for which the process has no permission; requestXcompGuestPerm(XTILEDATA) gets it, before the process's first vCPU"),
            Map.entry(new Failure(Ioctl.KVM_SET_CPUID2, Errno.E2BIG), "too many CPUID entries; KVM takes 256"),
            Map.entry(new Failure(Ioctl.KVM_SET_SREGS, Errno.EINVAL), "a control register, EFER or segment value that the processor would not take, or that the vCPU's CPUID does not announce (long mode, say: set CPUID first)"),
            Map.entry(new Failure(Ioctl.KVM_SET_SREGS2, Errno.EINVAL), "a control register, EFER or segment value that the processor would not take, or that the vCPU's CPUID does not announce, or page-directory pointers without PAE paging"),
            Map.entry(new Failure(Ioctl.KVM_SET_XCRS, Errno.EINVAL), "XCR0 lacks x87 or what one of its components needs, or has one that the vCPU's CPUID does not announce: set CPUID first"),
            Map.entry(new Failure(Ioctl.KVM_SET_XSAVE, Errno.EINVAL), "components that the vCPU does not have (set CPUID and XCR0 first), or reserved bits of the header or MXCSR"),
            Map.entry(new Failure(Ioctl.KVM_SET_DEBUGREGS, Errno.EINVAL), "flags, or one of the upper 32 bits of DR6 or DR7"),
            Map.entry(new Failure(Ioctl.KVM_GET_LAPIC, Errno.EINVAL), "the vCPU has no local APIC in the kernel; createIrqchip() or enableSplitIrqchip() come before it"),
            Map.entry(new Failure(Ioctl.KVM_SET_LAPIC, Errno.EINVAL), "the vCPU has no local APIC in the kernel, or in x2APIC mode the ID is not the vCPU's number"),
            Map.entry(new Failure(Ioctl.KVM_SET_VAPIC_ADDR, Errno.EINVAL), "the vCPU has no local APIC in the kernel, or there is no guest memory at the address"),
            Map.entry(new Failure(Ioctl.KVM_SET_MP_STATE, Errno.EINVAL), "a state that this architecture does not have, or that takes an in-kernel local APIC, or that does not go with a pending INIT"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_DEVICE, Errno.ENODEV), "this KVM has no device of this type"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_DEVICE, Errno.EBUSY), "the VM has a device of this type, and takes no second one"),
            Map.entry(new Failure(Ioctl.KVM_CREATE_DEVICE, Errno.EEXIST), "the VM has a device of this type, and takes no second one"),
            Map.entry(new Failure(Ioctl.KVM_SET_DEVICE_ATTR, Errno.ENXIO), "there is no such attribute here, or what it needs has not been set before (a PMU's interrupt, say)"),
            Map.entry(new Failure(Ioctl.KVM_GET_DEVICE_ATTR, Errno.ENXIO), "there is no such attribute here, or it has not been set"),
            Map.entry(new Failure(Ioctl.KVM_GET_DEVICE_ATTR, Errno.EPERM), "the device has no attributes to read"),
            Map.entry(new Failure(Ioctl.KVM_SET_DEVICE_ATTR, Errno.EPERM), "the device has no attributes to set"),
            Map.entry(new Failure(Ioctl.KVM_GET_ONE_REG, Errno.ENOENT), "the vCPU has no such register; KVM_GET_REG_LIST lists those it has"),
            Map.entry(new Failure(Ioctl.KVM_SET_ONE_REG, Errno.ENOENT), "the vCPU has no such register; KVM_GET_REG_LIST lists those it has"),
            Map.entry(new Failure(Ioctl.KVM_GET_ONE_REG, Errno.EPERM), "a feature of the vCPU is to be completed first: KVM_ARM_VCPU_FINALIZE"),
            Map.entry(new Failure(Ioctl.KVM_SET_ONE_REG, Errno.EPERM), "a feature of the vCPU is to be completed first (KVM_ARM_VCPU_FINALIZE), or is complete, and this was to be set before"),
            Map.entry(new Failure(Ioctl.KVM_GET_ONE_REG, Errno.ENOEXEC), "the vCPU is not initialised; KVM_ARM_VCPU_INIT comes first"),
            Map.entry(new Failure(Ioctl.KVM_SET_ONE_REG, Errno.ENOEXEC), "the vCPU is not initialised; KVM_ARM_VCPU_INIT comes first"),
            Map.entry(new Failure(Ioctl.KVM_GET_REG_LIST, Errno.ENOEXEC), "the vCPU is not initialised; KVM_ARM_VCPU_INIT comes first"),
            Map.entry(new Failure(Ioctl.KVM_GET_REG_LIST, Errno.EPERM), "a feature of the vCPU is to be completed first: KVM_ARM_VCPU_FINALIZE"),
            Map.entry(new Failure(Ioctl.KVM_SET_ONE_REG, Errno.EBUSY), "too late: the vCPU has run; set it before the first run"),
            Map.entry(new Failure(Ioctl.KVM_ARM_VCPU_INIT, Errno.EINVAL), "the target is unknown, the features do not go together, or they differ from those that the VM's vCPUs have been given"),
            Map.entry(new Failure(Ioctl.KVM_ARM_VCPU_INIT, Errno.ENOENT), "this KVM does not know one of the features"),
            Map.entry(new Failure(Ioctl.KVM_ARM_VCPU_FINALIZE, Errno.EINVAL), "not a feature that is to be completed, or the vCPU was not given it"),
            Map.entry(new Failure(Ioctl.KVM_ARM_VCPU_FINALIZE, Errno.EPERM), "the feature is complete already"),
            Map.entry(new Failure(Ioctl.KVM_ARM_VCPU_FINALIZE, Errno.ENOEXEC), "the vCPU is not initialised; KVM_ARM_VCPU_INIT comes first"),
            Map.entry(new Failure(Ioctl.KVM_ARM_SET_COUNTER_OFFSET, Errno.EBUSY), "a vCPU is running; set the offset while all are out of the guest"),
            Map.entry(new Failure(Ioctl.KVM_INTERRUPT, Errno.ENXIO), "the PIC is in the kernel: raise one of its lines with KVM_IRQ_LINE instead"),
            Map.entry(new Failure(Ioctl.KVM_INTERRUPT, Errno.EEXIST), "the interrupt before has not been taken yet"),
            Map.entry(new Failure(Ioctl.KVM_SET_GUEST_DEBUG, Errno.EBUSY), "an exception is pending already, and only one can be injected"),
            Map.entry(new Failure(Ioctl.KVM_ENABLE_CAP, Errno.EINVAL), "this KVM does not take these arguments, or it is too late"),
            Map.entry(new Failure(Ioctl.KVM_ENABLE_CAP, Errno.EEXIST), "the VM has an in-kernel interrupt controller, or vCPUs, already"),
            Map.entry(new Failure(Ioctl.KVM_ENABLE_CAP, Errno.EBUSY), "too late: the VM has what this would change"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.EINVAL), "on x86 the kernel refuses what the run page has: registers written through syncRegs(), which it would not take by ioctl either, or CR8; on arm64 two timers have one interrupt, frames of the interrupt controller overlap, or the PMU is not ready"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.EPERM), "a feature of the vCPU is to be completed first: KVM_ARM_VCPU_FINALIZE"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.ENXIO), "the in-kernel interrupt controller lacks an address, the distributor's or that of this vCPU's redistributor; set it before the first run"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.EBUSY), "the in-kernel interrupt controller is not ready; KVM_DEV_ARM_VGIC_CTRL_INIT comes before the first run"),
            Map.entry(new Failure(Ioctl.KVM_SET_VCPU_EVENTS, Errno.EINVAL), "flags that this KVM does not know or that are not enabled, or an exception's vector above 31"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.EFAULT), "the guest accessed memory whose mapping is gone or not accessible"),
            Map.entry(new Failure(Ioctl.KVM_RUN, Errno.ENOEXEC), "the vCPU is not initialised; on arm64, KVM_ARM_VCPU_INIT comes first"));

    private static final Map<Errno, String> GENERAL = Map.of(
            Errno.EIO, "the process is not the one that created the VM, or KVM has declared the VM dead; see the kernel log",
            Errno.EMFILE, "this process has too many open files; raise its limit (ulimit -n)",
            Errno.ENFILE, "the system has too many open files; raise fs.file-max",
            Errno.ENOMEM, "not enough memory",
            Errno.ENOTTY, "this kernel does not know the ioctl");
    // @formatter:on

    private Explanations() {
    }

    /** The exception for an ioctl that returned a negated errno. */
    public static KvmException failure(Ioctl ioctl, long result) {
        return failure(ioctl, ioctl.name(), result);
    }

    /** The exception for an ioctl that returned a negated errno, called so, with what it was about. */
    public static KvmException failure(Ioctl ioctl, String call, long result) {
        return failure(ioctl, call, result, "");
    }

    /** The exception for an ioctl that returned a negated errno, called so, with more to say. */
    public static KvmException failure(Ioctl ioctl, String call, long result, String detail) {
        int number = (int) -result;
        for (Errno errno : Errno.values()) {
            if (errno.number() == number) {
                String particular = PARTICULAR.get(new Failure(ioctl, errno));
                String cause = particular != null ? particular : GENERAL.getOrDefault(errno, "");
                return new KvmException(call, number, detail.isEmpty()
                        ? cause
                        : cause + (cause.isEmpty() ? "" : "; ") + detail);
            }
        }
        return new KvmException(call, number, detail);
    }
}
