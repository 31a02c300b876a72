package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.ArmStop;
import io.github.kvm4j.internal.exit.ExternalAbort;
import io.github.kvm4j.internal.exit.UndecodedAccess;

/**
 * The exits that only arm64 has.
 * <p>
 * KVM documentation, section 5, "The kvm_run structure".
 */
public sealed interface Arm64Exit extends Exit {

    /**
     * KVM_EXIT_DEBUG on arm64: what {@link io.github.kvm4j.arm64.Arm64Vcpu#setGuestDebug} asked to be told. It wants no
     * answer. Where the guest is, its program counter tells.
     */
    sealed interface Debug extends Arm64Exit, Exit.Debug permits ArmStop {

        /**
         * Returns the exception's syndrome.
         *
         * @return ESR_EL2, with its upper half where the kernel gives it (KVM_DEBUG_ARCH_HSR_HIGH_VALID, Linux 6.2). Bits
         *         26 to 31 tell what came: 0x30 a breakpoint, 0x32 a single step, 0x34 a watchpoint, 0x3c a BRK, whose
         *         number is in bits 0 to 15
         */
        long hsr();

        /**
         * Returns the address that a watchpoint met.
         *
         * @return the guest-virtual address, of a watchpoint alone
         */
        long far();
    }

    /** An access outside of all memory slots that KVM can not decode. */
    sealed interface Undecoded extends Arm64Exit permits Nisv, Ldst64b {

        /**
         * Returns the exception's syndrome.
         *
         * @return the bits of ESR_EL2 that hold, its instruction-specific syndrome
         */
        long syndrome();

        /**
         * Returns what was accessed.
         *
         * @return the guest-physical address, unsigned
         */
        long address();
    }

    /**
     * KVM_EXIT_ARM_NISV: the guest accessed an address outside of all memory slots by an instruction of which the
     * processor does not say what it does. It wants no answer: emulate the instruction, its effect on the program counter
     * included, or have KVM inject an external abort (KVM_SET_VCPU_EVENTS, ext_dabt_pending). Otherwise it comes again.
     * Capability KVM_CAP_ARM_NISV_TO_USER (Linux 5.5), enabled on the VM.
     */
    sealed interface Nisv extends Undecoded permits UndecodedAccess.Nisv {
    }

    /**
     * KVM_EXIT_ARM_LDST64B (Linux 7.0): the guest accessed an address outside of all memory slots by a 64-byte load or
     * store. What is to be done is as with {@link Nisv}.
     */
    sealed interface Ldst64b extends Undecoded permits UndecodedAccess.Ldst64b {
    }

    /**
     * KVM_EXIT_ARM_SEA: the guest took a synchronous external abort, mostly on broken memory, that the host could not
     * handle. It wants no answer: have KVM inject one into the guest, or stop it. Capability KVM_CAP_ARM_SEA_TO_USER
     * (Linux 6.19), enabled on the VM.
     */
    sealed interface Sea extends Arm64Exit permits ExternalAbort {

        /**
         * Returns the exception's syndrome.
         *
         * @return ESR_EL2 without what concerns the host alone
         */
        long syndrome();

        /**
         * Returns the guest-virtual address that was accessed.
         *
         * @return the address; it holds if bit 10 (FnV) of {@link #syndrome()} is 0
         */
        long virtualAddress();

        /**
         * Returns the guest-physical address that was accessed.
         *
         * @return the address; it holds if {@link #isAddressValid()}
         */
        long address();

        /**
         * Tells whether the guest-physical address is known, KVM_EXIT_ARM_SEA_FLAG_GPA_VALID.
         *
         * @return true if it is
         */
        boolean isAddressValid();

        /**
         * Returns the KVM_EXIT_ARM_SEA_FLAG_ bits.
         *
         * @return the raw flags
         */
        long flags();
    }
}
