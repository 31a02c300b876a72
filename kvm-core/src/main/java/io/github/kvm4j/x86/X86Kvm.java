package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_msr_list;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;

/** What only x86 has of the system's ioctls. */
public final class X86Kvm {

    /** Enough registers for every host seen; the kernel says when it is not. */
    private static final int FIRST_TRY = 128;

    /** More than the kernel ever has. */
    private static final int LAST_TRY = 4096;

    private final KvmFd fd;
    private final Attributes attributes;

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
        this.attributes = new Attributes(fd);
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

    /**
     * Lists the model-specific registers that a vCPU of this KVM has to be saved and restored, but for the MTRRs, the
     * machine-check banks and Hyper-V's SynIC. KVM_GET_MSR_INDEX_LIST, section 4.3. The list is sized by itself.
     *
     * @return their numbers, in the kernel's order
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_MSR_INDEX_LIST)
    public int[] getMsrIndexList() {
        return msrList(Ioctl.KVM_GET_MSR_INDEX_LIST);
    }

    /**
     * Lists the model-specific registers that say, as CPUID does, what this KVM can give a guest: {@link #getFeatureMsrs}
     * has their values. KVM_GET_MSR_FEATURE_INDEX_LIST, section 4.3, {@link Capability#GET_MSR_FEATURES}. The list is sized by
     * itself.
     *
     * @return their numbers, in the kernel's order
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_MSR_FEATURE_INDEX_LIST)
    public int[] getMsrFeatureIndexList() {
        return msrList(Ioctl.KVM_GET_MSR_FEATURE_INDEX_LIST);
    }

    private int[] msrList(Ioctl ioctl) {
        for (int count = FIRST_TRY;;) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment list = arena.allocate(kvm_msr_list.indices$offset() + (long) count * Integer.BYTES,
                        Integer.BYTES);
                kvm_msr_list.nmsrs(list, count);
                long result = fd.attempt(ioctl, list);
                int needed = kvm_msr_list.nmsrs(list);
                if (Errno.E2BIG.is(result) && needed > count && needed <= LAST_TRY) {
                    count = needed;
                    continue;
                }
                check(ioctl, result);
                return list.asSlice(kvm_msr_list.indices$offset(), (long) Math.clamp(needed, 0, count) * Integer.BYTES)
                        .toArray(ValueLayout.JAVA_INT);
            }
        }
    }

    /**
     * Reads feature registers: what this KVM can give a guest. KVM_GET_MSRS on the system descriptor, section 4.18,
     * {@link Capability#GET_MSR_FEATURES}.
     *
     * @param indices
     *            their numbers, out of {@link #getMsrFeatureIndexList()}
     * @return their values, in this order
     * @throws PartialMsrException
     *             when the kernel stops at one that is not such a register
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_MSRS)
    public Msrs getFeatureMsrs(int... indices) {
        require(Ioctl.KVM_GET_MSRS);
        try (Arena arena = Arena.ofConfined()) {
            Msrs into = new Msrs();
            MsrTransfer.read(indices, into, arena.allocate(MsrTransfer.SIZE, Long.BYTES),
                    room -> fd.attempt(Ioctl.KVM_GET_MSRS, room));
            return into;
        }
    }

    /**
     * Returns where this host has the components of {@link Xsave}. KVM_GET_SUPPORTED_CPUID, section 4.46, leaf 0xD.
     *
     * @return the layout
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_CPUID)
    public XsaveLayout getXsaveLayout() {
        return XsaveLayout.of(getSupportedCpuid());
    }

    /**
     * Returns what of machine checks this KVM has. KVM_X86_GET_MCE_CAP_SUPPORTED, section 4.104,
     * {@link Capability#MCE}, whose value is the most banks.
     *
     * @return bits as in IA32_MCG_CAP, without the number of banks
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_X86_GET_MCE_CAP_SUPPORTED)
    public long getMceCapSupported() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bits = arena.allocate(ValueLayout.JAVA_LONG);
            check(Ioctl.KVM_X86_GET_MCE_CAP_SUPPORTED, fd.attempt(Ioctl.KVM_X86_GET_MCE_CAP_SUPPORTED, bits));
            return bits.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /**
     * Returns which components of the extended state guests may have, those included that the process must be permitted
     * first: {@link #requestXcompGuestPerm}. KVM_GET_DEVICE_ATTR with KVM_X86_XCOMP_GUEST_SUPP, section 4.80, {@link Capability#SYS_ATTRIBUTES}.
     *
     * @return bits of {@link XsaveComponent}
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public long getXcompGuestSupp() {
        require(Ioctl.KVM_GET_DEVICE_ATTR);
        return attributes.getLong(kvm_x86_h.KVM_X86_GRP_SYSTEM(), kvm_x86_h.KVM_X86_XCOMP_GUEST_SUPP());
    }

    /**
     * Returns which components of the extended state this process may give its guests: those that take no permission, and
     * what {@link #requestXcompGuestPerm} got. arch_prctl(2) with ARCH_GET_XCOMP_GUEST_PERM, Linux 5.17. KVM may have
     * fewer: {@link #getXsaveLayout()} tells.
     *
     * @return bits of {@link XsaveComponent}
     * @throws KvmException
     *             when the kernel refuses: EINVAL (it is older)
     * @throws ClosedException
     *             when closed
     */
    public long getXcompGuestPerm() {
        fd.requireOpen();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bits = arena.allocate(ValueLayout.JAVA_LONG);
            checkPermission("arch_prctl(ARCH_GET_XCOMP_GUEST_PERM)",
                    fd.host().libc().archPrctl(kvm_x86_h.ARCH_GET_XCOMP_GUEST_PERM(), bits));
            return bits.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /**
     * Asks for the permission to give guests a component of the extended state that the kernel, for its size, does not give
     * unasked: {@link XsaveComponent#XTILEDATA}, 8 KiB of AMX. arch_prctl(2) with ARCH_REQ_XCOMP_GUEST_PERM, Linux 5.17,
     * which Documentation/arch/x86/xstate.rst has.
     * <p>
     * The permission is the process's, holds for all its VMs, and is not given back. It must be asked for before the first
     * vCPU of the process, of whatever VM: with that the kernel freezes what is permitted, for good. To ask again for what is
     * permitted does nothing, at any time. What depends on it is to be read afterwards: {@link #getSupportedCpuid()} and
     * {@link #getXsaveLayout()} leave out what is not permitted, and {@link Capability#XSAVE2} gives a size without it.
     * Without the permission {@link X86Vcpu#setCpuid2} refuses a table that has the component.
     *
     * @param component
     *            the component; of a feature with several the highest, for which the others are permitted too
     * @throws KvmException
     *             when the kernel refuses: EBUSY (the process has had a vCPU), EOPNOTSUPP (the host does not have the
     *             component, or it takes no permission), EINVAL (the kernel is older)
     * @throws ClosedException
     *             when closed
     * @see #getXcompGuestPerm()
     * @see #getXcompGuestSupp()
     */
    public void requestXcompGuestPerm(XsaveComponent component) {
        requestXcompGuestPerm(component.number());
    }

    /**
     * Asks for the permission to give guests a component that {@link XsaveComponent} does not have:
     * {@link #requestXcompGuestPerm(XsaveComponent)}.
     *
     * @param component
     *            its number
     * @throws KvmException
     *             when the kernel refuses, as there, and EINVAL (there cannot be a component of this number)
     * @throws ClosedException
     *             when closed
     */
    public void requestXcompGuestPerm(int component) {
        fd.requireOpen();
        checkPermission("arch_prctl(ARCH_REQ_XCOMP_GUEST_PERM, " + component + ")",
                fd.host().libc().archPrctl(kvm_x86_h.ARCH_REQ_XCOMP_GUEST_PERM(), component));
    }

    private static void checkPermission(String call, long result) {
        if (result < 0) {
            String explanation = "";
            if (Errno.EBUSY.is(result)) {
                explanation = "the process has had a vCPU, with which its permissions are frozen; ask before the first one";
            } else if (Errno.EOPNOTSUPP.is(result)) {
                explanation = "this host does not have the component, or it takes no permission";
            } else if (Errno.EINVAL.is(result)) {
                explanation = "the kernel is older than Linux 5.17, or there can be no such component";
            }
            throw new KvmException(call, (int) -result, explanation);
        }
    }

    /** Names the capability, when it is for lack of it that the kernel refused. */
    private void check(Ioctl ioctl, long result) {
        if (Errno.EINVAL.is(result) || Errno.ENOTTY.is(result)) {
            require(ioctl);
        }
        KvmFd.check(ioctl, result);
    }
}
