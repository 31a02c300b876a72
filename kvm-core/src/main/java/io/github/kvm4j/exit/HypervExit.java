package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.HypervCall;
import io.github.kvm4j.internal.exit.SyndbgRequest;
import io.github.kvm4j.internal.exit.SynicChange;

/**
 * KVM_EXIT_HYPERV: something of the Hyper-V interface that KVM leaves to the caller. A kind that this version of the
 * library does not know is {@link Exit.Unknown}.
 * <p>
 * KVM documentation, section 5; the meaning of registers and codes is in Microsoft's Hypervisor Top Level Functional
 * Specification.
 */
public sealed interface HypervExit extends X86Exit {

    /**
     * KVM_EXIT_HYPERV_SYNIC: the guest changed its synthetic interrupt controller. It wants no answer. Capability
     * KVM_CAP_HYPERV_SYNIC or KVM_CAP_HYPERV_SYNIC2, enabled on the vCPU.
     */
    sealed interface Synic extends HypervExit permits SynicChange {

        /**
         * Returns the register that was written.
         *
         * @return the MSR's index
         */
        int msr();

        /**
         * Returns whether the controller is enabled.
         *
         * @return the register SCONTROL, of which bit 0 enables
         */
        long control();

        /**
         * Returns where the event flags are.
         *
         * @return the register SIEFP: a guest-physical page, and bit 0 enables it
         */
        long eventPage();

        /**
         * Returns where the messages are.
         *
         * @return the register SIMP: a guest-physical page, and bit 0 enables it
         */
        long messagePage();
    }

    /**
     * KVM_EXIT_HYPERV_HCALL: the guest made a hypercall that KVM does not do itself, such as HvCallPostMessage. It wants
     * an answer; without one the guest gets HV_STATUS_INVALID_HYPERCALL_CODE (2).
     */
    sealed interface Hypercall extends HypervExit permits HypervCall {

        /**
         * Returns the call as the guest made it.
         *
         * @return the input value: the call's code in bits 0 to 15, bit 16 for a fast call, and the rest
         */
        long input();

        /**
         * Returns the code of the call.
         *
         * @return bits 0 to 15 of {@link #input()}
         */
        default int code() {
            return (int) input() & 0xffff;
        }

        /**
         * Returns a parameter.
         *
         * @param index
         *            0 for the guest-physical address of the input, or the first word of a fast call; 1 for that of the
         *            output, or the second word
         * @return the parameter
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long parameter(int index);

        /**
         * Answers the call.
         *
         * @param result
         *            the result value: the HV_STATUS_ code in bits 0 to 15, 0 for success, and in bits 32 to 43 the number
         *            of elements done
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long result);
    }

    /**
     * KVM_EXIT_HYPERV_SYNDBG: the guest uses its synthetic debugger. A write of the control register sends or receives a
     * buffer and wants an answer; without one the guest sees a status of 0, nothing done. Capability KVM_CAP_HYPERV_CPUID
     * with the debugging feature of the guest's CPUID.
     */
    sealed interface Syndbg extends HypervExit permits SyndbgRequest {

        /**
         * Returns the register that was written.
         *
         * @return the MSR's index
         */
        int msr();

        /**
         * Returns what is wanted.
         *
         * @return the control register: bit 0 sends, bit 1 receives, the size is in bits 16 to 31
         */
        long control();

        /**
         * Returns where the buffer to send is.
         *
         * @return the guest-physical address
         */
        long sendPage();

        /**
         * Returns where to receive to.
         *
         * @return the guest-physical address
         */
        long receivePage();

        /**
         * Returns where the guest looks for whether something is pending.
         *
         * @return the guest-physical address
         */
        long pendingPage();

        /**
         * Answers the write.
         *
         * @param status
         *            what the guest finds in the status register
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long status);
    }
}
