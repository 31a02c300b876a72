package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.IocsrAccess;

/** The exits that only LoongArch has, whose hosts the library does not run on yet. */
public sealed interface LoongarchExit extends Exit {

    /**
     * KVM_EXIT_LOONGARCH_IOCSR: the guest accessed an I/O control and status register that KVM does not emulate. A read
     * wants an answer; without one it reads as all ones.
     */
    sealed interface Iocsr extends LoongarchExit permits IocsrAccess {

        /**
         * Tells whether the guest writes.
         *
         * @return true for a write, false for a read
         */
        boolean isWrite();

        /**
         * Tells whether the guest reads.
         *
         * @return true for a read, false for a write
         */
        default boolean isRead() {
            return !isWrite();
        }

        /**
         * Returns the register.
         *
         * @return its address in the space of these registers
         */
        long address();

        /**
         * Returns the size of the access.
         *
         * @return 1 to 8 bytes
         */
        int size();

        /**
         * Returns what the guest wrote.
         *
         * @return the bytes as a little-endian number, zero-extended; for a read the answer given so far, or all ones
         */
        long value();

        /**
         * Answers a read.
         *
         * @param value
         *            what the guest reads, as a little-endian number; bits above {@link #size()} are ignored
         * @throws IllegalStateException
         *             when this is not a read, not the current exit, or the vCPU is closed
         */
        void answer(long value);
    }
}
