package io.github.kvm4j.internal.ioctl;

import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.sys.Errno;

/** A failure's message has the cause and the remedy. */
class ExplanationsTest {

    private static void assertExplained(Ioctl ioctl, Errno errno, String fragment) {
        KvmException e = Explanations.failure(ioctl, -errno.number());
        assertEquals(ioctl.name(), e.call());
        assertEquals(errno.name(), e.errnoName());
        assertTrue(e.getMessage().contains(fragment), () -> fragment + " in: " + e.getMessage());
    }

    // @formatter:off
    @ParameterizedTest
    @CsvSource({
            "KVM_GET_API_VERSION, ENOTTY, open /dev/kvm",
            "KVM_CREATE_VM, EBUSY, another hypervisor",
            "KVM_CREATE_VM, EINTR, signals interrupted",
            "KVM_CREATE_VM, EINVAL, KVM_CAP_VM_TYPES",
            "KVM_CREATE_VM, ENODEV, firmware",
            "KVM_CREATE_VCPU, EINVAL, the id is above",
            "KVM_CREATE_VCPU, EEXIST, has a vCPU with this id",
            "KVM_SET_USER_MEMORY_REGION, EEXIST, overlaps another memory slot",
            "KVM_SET_USER_MEMORY_REGION, EINVAL, beyond the guest-physical address space",
            "KVM_GET_DIRTY_LOG, ENOENT, LOG_DIRTY_PAGES",
            "KVM_GET_DIRTY_LOG, ENXIO, dirty rings",
            "KVM_CLEAR_DIRTY_LOG, ENOENT, LOG_DIRTY_PAGES",
            "KVM_CLEAR_DIRTY_LOG, ENXIO, dirty rings",
            "KVM_REGISTER_COALESCED_MMIO, ENOSPC, too many zones",
            "KVM_PRE_FAULT_MEMORY, ENOENT, no memory slot",
            "KVM_PRE_FAULT_MEMORY, EOPNOTSUPP, shadow page tables",
            "KVM_PRE_FAULT_MEMORY, EFAULT, is gone",
            "KVM_SET_USER_MEMORY_REGION2, EINVAL, guest_memfd",
            "KVM_SET_USER_MEMORY_REGION2, EEXIST, overlaps",
            "KVM_SET_TSS_ADDR, EINVAL, three pages",
            "KVM_SET_IDENTITY_MAP_ADDR, EINVAL, before the first one",
            "KVM_CREATE_IRQCHIP, EEXIST, interrupt controller already",
            "KVM_CREATE_IRQCHIP, EINVAL, before the first one",
            "KVM_CREATE_PIT2, EEXIST, has a PIT already",
            "KVM_CREATE_PIT2, ENOENT, create that first",
            "KVM_SET_CPUID2, EINVAL, refuses this CPUID table",
            "KVM_SET_CPUID2, E2BIG, KVM takes 256",
            "KVM_SET_CPUID2, EPERM, AMX",
            "KVM_SET_BOOT_CPU_ID, EBUSY, before the first one",
            "KVM_SET_BOOT_CPU_ID, EINVAL, the id is above",
            "KVM_SET_SREGS, EINVAL, set CPUID first",
            "KVM_SET_SREGS2, EINVAL, without PAE paging",
            "KVM_SET_XCRS, EINVAL, set CPUID first",
            "KVM_SET_XSAVE, EINVAL, components that the vCPU does not have",
            "KVM_SET_DEBUGREGS, EINVAL, upper 32 bits",
            "KVM_GET_LAPIC, EINVAL, no local APIC in the kernel",
            "KVM_SET_LAPIC, EINVAL, not the vCPU's number",
            "KVM_SET_VAPIC_ADDR, EINVAL, no guest memory",
            "KVM_SET_MP_STATE, EINVAL, pending INIT",
            "KVM_CREATE_DEVICE, ENODEV, no device of this type",
            "KVM_CREATE_DEVICE, EBUSY, takes no second one",
            "KVM_CREATE_DEVICE, EEXIST, takes no second one",
            "KVM_SET_DEVICE_ATTR, ENXIO, no such attribute",
            "KVM_SET_DEVICE_ATTR, ENXIO, has not been set before",
            "KVM_GET_DEVICE_ATTR, ENXIO, no such attribute",
            "KVM_GET_DEVICE_ATTR, ENXIO, it has not been set",
            "KVM_GET_DEVICE_ATTR, EPERM, no attributes to read",
            "KVM_SET_DEVICE_ATTR, EPERM, no attributes to set",
            "KVM_SET_USER_MEMORY_REGION, EFAULT, beyond the guest-physical address space",
            "KVM_GET_ONE_REG, ENOENT, KVM_GET_REG_LIST",
            "KVM_SET_ONE_REG, ENOENT, KVM_GET_REG_LIST",
            "KVM_GET_ONE_REG, EPERM, KVM_ARM_VCPU_FINALIZE",
            "KVM_SET_ONE_REG, EPERM, KVM_ARM_VCPU_FINALIZE",
            "KVM_GET_ONE_REG, ENOEXEC, KVM_ARM_VCPU_INIT",
            "KVM_SET_ONE_REG, ENOEXEC, KVM_ARM_VCPU_INIT",
            "KVM_GET_REG_LIST, ENOEXEC, KVM_ARM_VCPU_INIT",
            "KVM_GET_REG_LIST, EPERM, KVM_ARM_VCPU_FINALIZE",
            "KVM_SET_ONE_REG, EBUSY, before the first run",
            "KVM_ARM_VCPU_INIT, EINVAL, the target is unknown",
            "KVM_ARM_VCPU_INIT, ENOENT, does not know one of the features",
            "KVM_ARM_VCPU_FINALIZE, EINVAL, not a feature that is to be completed",
            "KVM_ARM_VCPU_FINALIZE, EPERM, complete already",
            "KVM_ARM_VCPU_FINALIZE, ENOEXEC, KVM_ARM_VCPU_INIT",
            "KVM_ARM_SET_COUNTER_OFFSET, EBUSY, a vCPU is running",
            "KVM_INTERRUPT, ENXIO, KVM_IRQ_LINE",
            "KVM_INTERRUPT, EEXIST, has not been taken yet",
            "KVM_SET_GUEST_DEBUG, EBUSY, pending already",
            "KVM_ENABLE_CAP, EINVAL, these arguments",
            "KVM_ENABLE_CAP, EEXIST, interrupt controller",
            "KVM_ENABLE_CAP, EBUSY, too late",
            "KVM_SET_VCPU_EVENTS, EINVAL, vector above 31",
            "KVM_RUN, EFAULT, mapping is gone",
            "KVM_RUN, EINVAL, syncRegs()",
            "KVM_RUN, EINVAL, two timers",
            "KVM_RUN, EPERM, KVM_ARM_VCPU_FINALIZE",
            "KVM_RUN, ENXIO, redistributor",
            "KVM_RUN, EBUSY, KVM_DEV_ARM_VGIC_CTRL_INIT",
            "KVM_RUN, ENOEXEC, KVM_ARM_VCPU_INIT"})
    // @formatter:on
    void whatAnErrnoMeansForAnIoctlIsSaid(Ioctl ioctl, Errno errno, String fragment) {
        assertExplained(ioctl, errno, fragment);
    }

    @ParameterizedTest
    @CsvSource({"EIO, not the one that created the VM", "EMFILE, ulimit -n", "ENFILE, fs.file-max",
            "ENOMEM, not enough memory", "ENOTTY, does not know the ioctl"})
    void whatAnErrnoMeansForEveryIoctlIsSaid(Errno errno, String fragment) {
        assertExplained(Ioctl.KVM_GET_REGS, errno, fragment);
    }

    /** What stands in the list above is all that there is: an explanation without its line there fails. */
    @Test
    void everyExplanationIsInTheList() throws NoSuchMethodException {
        Set<String> listed = Arrays.stream(ExplanationsTest.class
                .getDeclaredMethod("whatAnErrnoMeansForAnIoctlIsSaid", Ioctl.class, Errno.class, String.class)
                .getAnnotation(CsvSource.class).value())
                .map(line -> line.substring(0, line.indexOf(',', line.indexOf(',') + 1))).collect(toSet());
        Set<String> explained = new HashSet<>();
        for (Ioctl ioctl : Ioctl.values()) {
            for (Errno errno : Errno.values()) {
                String here = Explanations.failure(ioctl, -errno.number()).getMessage();
                String elsewhere = Explanations.failure(Ioctl.KVM_GET_REGS, -errno.number()).getMessage();
                if (!here.replace(ioctl.name(), "").equals(elsewhere.replace("KVM_GET_REGS", ""))) {
                    explained.add(ioctl + ", " + errno);
                }
            }
        }
        assertEquals(explained, listed);
    }

    @Test
    void anErrnoWithoutAnExplanationIsNamedAllTheSame() {
        assertExplained(Ioctl.KVM_GET_REGS, Errno.EXDEV, "KVM_GET_REGS");
        assertEquals(4000, Explanations.failure(Ioctl.KVM_GET_REGS, -4000).errno());
    }
}
