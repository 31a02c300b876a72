package io.github.kvm4j.internal.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
            "KVM_CREATE_DEVICE, ENODEV, no device of this type",
            "KVM_CREATE_DEVICE, EBUSY, takes no second one",
            "KVM_CREATE_DEVICE, EEXIST, takes no second one",
            "KVM_SET_DEVICE_ATTR, ENXIO, no such attribute",
            "KVM_GET_DEVICE_ATTR, ENXIO, no such attribute",
            "KVM_GET_DEVICE_ATTR, EPERM, no attributes to read",
            "KVM_SET_DEVICE_ATTR, EPERM, no attributes to set",
            "KVM_RUN, EFAULT, mapping is gone",
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

    @Test
    void anErrnoWithoutAnExplanationIsNamedAllTheSame() {
        assertExplained(Ioctl.KVM_GET_REGS, Errno.EXDEV, "KVM_GET_REGS");
        assertEquals(4000, Explanations.failure(Ioctl.KVM_GET_REGS, -4000).errno());
    }
}
