package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.TdxCall;
import io.github.kvm4j.internal.exit.TdxInfo;
import io.github.kvm4j.internal.exit.TdxNotify;
import io.github.kvm4j.internal.exit.TdxQuote;

/**
 * KVM_EXIT_TDX (Linux 6.16): a TDX guest made a call (TDVMCALL) that KVM leaves to the caller. Each wants an answer;
 * without one the guest gets what KVM has put there, which is TDVMCALL_STATUS_SUBFUNC_UNSUPPORTED.
 * <p>
 * KVM documentation, section 5; Intel's Guest-Host-Communication Interface, which has the status codes: 0 for success.
 */
public sealed interface TdxExit extends X86Exit {

    /**
     * Returns which call it is.
     *
     * @return the number of the sub-function, the guest's R11
     */
    long number();

    /**
     * Returns flags; none is defined, and what came with one should be taken for unknown.
     *
     * @return the raw flags
     */
    long flags();

    /**
     * Answers the call.
     *
     * @param status
     *            what the guest finds in R10: a TDVMCALL_STATUS_ code, 0 for success
     * @throws IllegalStateException
     *             when this is not the current exit, or the vCPU is closed
     */
    void answer(long status);

    /** TDVMCALL_GET_QUOTE: the guest wants its report signed. Success means that the request is queued. */
    sealed interface GetQuote extends TdxExit permits TdxQuote {

        /**
         * Returns where the request is, and the quote goes.
         *
         * @return the guest-physical address in shared memory, without the bit that says so
         */
        long address();

        /**
         * Returns the size of the memory there.
         *
         * @return bytes
         */
        long size();
    }

    /** TDVMCALL_GET_TD_VM_CALL_INFO: the guest asks what calls there are. */
    sealed interface GetTdvmcallInfo extends TdxExit permits TdxInfo {

        /**
         * Returns what is asked.
         *
         * @return the leaf
         */
        long leaf();

        /**
         * Answers with success and these registers.
         *
         * @param r11
         *            the guest's R11
         * @param r12
         *            the guest's R12
         * @param r13
         *            the guest's R13
         * @param r14
         *            the guest's R14
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long r11, long r12, long r13, long r14);
    }

    /** TDVMCALL_SETUP_EVENT_NOTIFY_INTERRUPT: the guest names the interrupt by which it wants to be notified. */
    sealed interface SetupEventNotify extends TdxExit permits TdxNotify {

        /**
         * Returns the interrupt.
         *
         * @return its vector
         */
        long vector();
    }

    /** A call that this version of the library has no type for. */
    sealed interface Other extends TdxExit permits TdxCall {

        /** The number of words. */
        int WORDS = 5;

        /**
         * Returns a word of what came with the call.
         *
         * @param index
         *            0 to 4
         * @return the word
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long data(int index);
    }
}
