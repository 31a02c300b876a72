package io.github.kvm4j.x86;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;

/** What only x86 has of the system's ioctls. */
public final class X86Kvm {

    private final KvmFd fd;

    /**
     * For {@link io.github.kvm4j.Kvm} alone.
     *
     * @param fd
     *            the system
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Kvm(KvmFd fd) {
        this.fd = fd;
    }

    /**
     * Returns the CPUID table of a guest that is given all that this host and its KVM support. KVM_GET_SUPPORTED_CPUID,
     * section 4.46, {@link Capability#EXT_CPUID}. The table is sized by itself. It is the host's in what is not a feature: the
     * APIC id in it is that of the processor that the call happens to run on, and {@link Cpuid#forVcpu} makes it a vCPU's.
     *
     * @return the table
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_CPUID)
    public Cpuid getSupportedCpuid() {
        return CpuidTables.get(Ioctl.KVM_GET_SUPPORTED_CPUID,
                table -> fd.attempt(Ioctl.KVM_GET_SUPPORTED_CPUID, table));
    }

    /**
     * Returns the features that KVM can give a guest though the processor does not have them, by emulating instructions: MOVBE
     * and RDPID, say. Entries for those alone. A guest gets them only when they are put into its table, and what is
     * emulated is slow. KVM_GET_EMULATED_CPUID, section 4.88, {@link Capability#EXT_EMUL_CPUID}. The table is sized by itself.
     *
     * @return the table
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_EMULATED_CPUID)
    public Cpuid getEmulatedCpuid() {
        require(Ioctl.KVM_GET_EMULATED_CPUID);
        return CpuidTables.get(Ioctl.KVM_GET_EMULATED_CPUID,
                table -> fd.attempt(Ioctl.KVM_GET_EMULATED_CPUID, table));
    }

    /**
     * Returns Hyper-V's CPUID leaves, 0x40000000 to 0x4000000a and on, with all that KVM can be of it. They are not part of
     * {@link #getSupportedCpuid()}, and stand where KVM's own leaves do: {@link KvmLeaves#at} moves those.
     * KVM_GET_SUPPORTED_HV_CPUID, section 4.118, {@link Capability#SYS_HYPERV_CPUID}. The table is sized by itself.
     *
     * @return the table
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     * @see X86Vcpu#getSupportedHvCpuid()
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_HV_CPUID)
    public Cpuid getSupportedHvCpuid() {
        require(Ioctl.KVM_GET_SUPPORTED_HV_CPUID);
        return CpuidTables.get(Ioctl.KVM_GET_SUPPORTED_HV_CPUID,
                table -> fd.attempt(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, table));
    }

    /** Refuses an ioctl that the system lacks. */
    private void require(Ioctl ioctl) {
        for (Capability capability : ioctl.capabilities(FdKind.SYSTEM)) {
            if (fd.call(Ioctl.KVM_CHECK_EXTENSION, capability.number()) == 0) {
                throw new UnsupportedCapabilityException(ioctl.name(), capability);
            }
        }
    }
}
