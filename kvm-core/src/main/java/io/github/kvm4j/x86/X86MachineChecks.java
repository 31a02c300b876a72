package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_x86_mce;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * The machine checks of an x86 vCPU.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} when this is for
 * lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when
 * it is closed.
 */
public final class X86MachineChecks {

    private static final int MAX_COUNT = 0xff;

    private final VcpuCalls calls;

    X86MachineChecks(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Gives the vCPU machine-check banks. KVM_X86_SETUP_MCE, section 4.105, {@link Capability#MCE}.
     *
     * @param banks
     *            how many; {@link Capability#MCE} says the most
     * @param capabilities
     *            bits as in IA32_MCG_CAP, without the number of banks, out of {@link X86Kvm#getMceCapSupported()}
     * @throws IllegalArgumentException
     *             when the number of banks is not a byte's, or the bits have one
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no banks or too many, or bits that it does not have)
     */
    @Issues(Ioctl.KVM_X86_SETUP_MCE)
    public void setup(int banks, long capabilities) {
        calls.fd.enter();
        try {
            Fields.check("the number of banks", banks, MAX_COUNT);
            if ((capabilities & MAX_COUNT) != 0) {
                throw new IllegalArgumentException(
                        String.format("capabilities 0x%x: the low byte is the number of banks", capabilities));
            }
            calls.buffer.set(JAVA_LONG, 0, capabilities | banks);
            calls.issue(Ioctl.KVM_X86_SETUP_MCE);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Gives the guest a machine check, after {@link #setup}: an exception when it was not corrected, or what the guest finds
     * in the bank. A second uncorrected one, while the guest is handling one, shuts it down. KVM_X86_SET_MCE, section 4.106,
     * {@link Capability#MCE}.
     *
     * @param machineCheck
     *            the machine check
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a bank that there is not, or a status without {@link MachineCheck#VALID})
     */
    @Issues(Ioctl.KVM_X86_SET_MCE)
    public void setMce(MachineCheck machineCheck) {
        calls.fd.enter();
        try {
            calls.clear(kvm_x86_mce.sizeof());
            kvm_x86_mce.bank(calls.buffer, (byte) machineCheck.bank());
            kvm_x86_mce.status(calls.buffer, machineCheck.status());
            kvm_x86_mce.addr(calls.buffer, machineCheck.address());
            kvm_x86_mce.misc(calls.buffer, machineCheck.misc());
            kvm_x86_mce.mcg_status(calls.buffer, machineCheck.mcgStatus());
            calls.issue(Ioctl.KVM_X86_SET_MCE);
        } finally {
            calls.fd.leave();
        }
    }
}
