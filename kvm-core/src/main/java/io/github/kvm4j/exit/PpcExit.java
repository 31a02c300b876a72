package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.Raw;

/**
 * The exits that only PowerPC has. The library has no types for that architecture and does not run there: they have
 * names, and their payload is raw. They cannot be answered.
 */
public sealed interface PpcExit extends Exit {

    /**
     * Returns the exit's part of the run page.
     *
     * @return a copy of the union's 256 bytes
     */
    byte[] payload();

    /** KVM_EXIT_DCR: a device control register of the 440, for which there is no KVM any more. */
    sealed interface Dcr extends PpcExit permits Raw.Dcr {
    }

    /** KVM_EXIT_OSI: a call of Mac-on-Linux's OSI. */
    sealed interface Osi extends PpcExit permits Raw.Osi {
    }

    /** KVM_EXIT_PAPR_HCALL: a hypercall of a pSeries guest. */
    sealed interface PaprHcall extends PpcExit permits Raw.PaprHcall {
    }

    /** KVM_EXIT_EPR: the guest took an interrupt and the controller is to acknowledge it. */
    sealed interface Epr extends PpcExit permits Raw.Epr {
    }

    /** KVM_EXIT_WATCHDOG: the guest's watchdog ran out. */
    sealed interface Watchdog extends PpcExit permits Raw.Watchdog {
    }
}
