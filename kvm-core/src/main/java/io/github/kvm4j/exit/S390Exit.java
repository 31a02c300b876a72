package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.Raw;

/**
 * The exits that only s390 has. The library has no types for that architecture and does not run there: they have names,
 * and their payload is raw. They cannot be answered.
 */
public sealed interface S390Exit extends Exit {

    /**
     * Returns the exit's part of the run page.
     *
     * @return a copy of the union's 256 bytes
     */
    byte[] payload();

    /** KVM_EXIT_S390_SIEIC: an interception of the instruction SIE that KVM leaves to the caller. */
    sealed interface Sieic extends S390Exit permits Raw.Sieic {
    }

    /** KVM_EXIT_S390_RESET: the guest wants a reset, of the kind that KVM_S390_RESET_ bits tell. */
    sealed interface Reset extends S390Exit permits Raw.Reset {
    }

    /** KVM_EXIT_S390_UCONTROL: a page fault of a VM that the caller controls. */
    sealed interface Ucontrol extends S390Exit permits Raw.Ucontrol {
    }

    /** KVM_EXIT_S390_TSCH: the guest executed TEST SUBCHANNEL. */
    sealed interface Tsch extends S390Exit permits Raw.Tsch {
    }

    /** KVM_EXIT_S390_STSI: the guest executed STORE SYSTEM INFORMATION, to which the caller may add. */
    sealed interface Stsi extends S390Exit permits Raw.Stsi {
    }
}
