package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * How an x86 vCPU differs from what it is by default: KVM_ENABLE_CAP on the vCPU, section 4.37, with section 6 for each.
 * What this version of the library does not know is {@link io.github.kvm4j.Vcpu#enable}'s.
 * <p>
 * Every method throws {@link UnsupportedCapabilityException} without the capability, {@link KvmException} when the kernel
 * refuses, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when it is closed.
 */
public final class X86VcpuOptions {

    private static final int BYTE = 0xff;

    private final VcpuCalls calls;

    X86VcpuOptions(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Limits KVM's paravirtual features to those in the vCPU's CPUID; without, a guest that tries has them all.
     * {@link Capability#ENFORCE_PV_FEATURE_CPUID}.
     *
     * @param on
     *            whether
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enforcePvFeatureCpuid(boolean on) {
        calls.vm.enable(calls.fd, Capability.ENFORCE_PV_FEATURE_CPUID, on ? 1 : 0);
    }

    /**
     * Gives the vCPU Hyper-V's synthetic interrupt controller, with an in-kernel local APIC.
     * {@link Capability#HYPERV_SYNIC}.
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void hypervSynic() {
        calls.vm.enable(calls.fd, Capability.HYPERV_SYNIC);
    }

    /**
     * Gives the vCPU Hyper-V's synthetic interrupt controller, and leaves its pages as they are when the guest enables them:
     * the better one. With an in-kernel local APIC. {@link Capability#HYPERV_SYNIC2}.
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void hypervSynic2() {
        calls.vm.enable(calls.fd, Capability.HYPERV_SYNIC2);
    }

    /**
     * Limits Hyper-V's features to those in the vCPU's CPUID. {@link Capability#HYPERV_ENFORCE_CPUID}.
     *
     * @param on
     *            whether
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void hypervEnforceCpuid(boolean on) {
        calls.vm.enable(calls.fd, Capability.HYPERV_ENFORCE_CPUID, on ? 1 : 0);
    }

    /**
     * Lets the Hyper-V that KVM itself runs on handle the guest's TLB flushes. {@link Capability#HYPERV_DIRECT_TLBFLUSH}.
     *
     * @throws KvmException
     *             when the kernel refuses: ENODEV or ENOTTY (KVM does not run on Hyper-V)
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void hypervDirectTlbflush() {
        calls.vm.enable(calls.fd, Capability.HYPERV_DIRECT_TLBFLUSH);
    }

    /**
     * Lets the guest use Hyper-V's enlightened VMCS for guests of its own, on Intel's processors.
     * {@link Capability#HYPERV_ENLIGHTENED_VMCS}.
     *
     * @return the versions
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public HypervVmcsVersions hypervEnlightenedVmcs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment versions = arena.allocate(JAVA_SHORT);
            calls.vm.enable(calls.fd, Capability.HYPERV_ENLIGHTENED_VMCS, versions);
            int both = Short.toUnsignedInt(versions.get(JAVA_SHORT, 0));
            return new HypervVmcsVersions(both & BYTE, both >> Byte.SIZE);
        }
    }
}
