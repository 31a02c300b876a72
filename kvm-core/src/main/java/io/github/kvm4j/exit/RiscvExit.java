package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.Bare;
import io.github.kvm4j.internal.exit.CsrAccess;
import io.github.kvm4j.internal.exit.SbiCall;

/**
 * The exits that only RISC-V has.
 * <p>
 * KVM documentation, section 5, "The kvm_run structure".
 */
public sealed interface RiscvExit extends Exit {

    /**
     * KVM_EXIT_RISCV_SBI: the guest called its firmware (the supervisor binary interface) for something that KVM does not
     * do itself: the legacy console, a vendor's or an experimental extension, or, once they are switched on, the debug
     * console (DBCN), system suspend (SUSP) or message proxy (MPXY). A call of an extension that is switched off, or that
     * KVM does not know, is no exit: the guest gets SBI_ERR_NOT_SUPPORTED (−2). This one wants an answer; without one the
     * guest gets the same.
     * <p>
     * KVM documentation, section 5; the RISC-V SBI specification.
     */
    sealed interface Sbi extends RiscvExit permits SbiCall {

        /** The number of arguments that a call has, used or not. */
        int ARGUMENTS = 6;

        /**
         * Returns the extension called, the guest's a7.
         *
         * @return the SBI extension's id
         */
        long extension();

        /**
         * Returns the function called, the guest's a6.
         *
         * @return the function's number within the extension; legacy extensions have none
         */
        long function();

        /**
         * Returns an argument, the guest's a0 to a5.
         *
         * @param index
         *            0 to 5
         * @return the register's value
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long argument(int index);

        /**
         * Answers the call.
         *
         * @param error
         *            what the guest finds in a0: 0 for success, or an SBI_ERR_ number, which is negative; for a legacy
         *            extension its result
         * @param value
         *            what the guest finds in a1
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long error, long value);
    }

    /**
     * KVM_EXIT_RISCV_CSR: the guest accessed a control and status register that KVM leaves to the caller, such as the
     * entropy source {@code seed}. One access may read and write. It wants an answer; without one the register reads
     * as 0, and a write is lost.
     */
    sealed interface Csr extends RiscvExit permits CsrAccess {

        /**
         * Returns the register.
         *
         * @return its number
         */
        int number();

        /**
         * Returns what the guest writes.
         *
         * @return the value, of which {@link #writeMask()} says which bits count
         */
        long newValue();

        /**
         * Returns which bits the guest writes.
         *
         * @return the mask; 0 for a mere read
         */
        long writeMask();

        /**
         * Answers the access, which {@link #newValue()} and {@link #writeMask()} may have changed the register by.
         *
         * @param oldValue
         *            what the guest reads: the register before the write
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long oldValue);
    }

    /**
     * KVM_EXIT_DEBUG on RISC-V: the guest came to an EBREAK, where its program counter is, after
     * {@link io.github.kvm4j.riscv.RiscvVcpu#setGuestDebug}. It says no more, and wants no answer.
     */
    sealed interface Debug extends RiscvExit, Exit.Debug permits Bare.Debug {
    }
}
