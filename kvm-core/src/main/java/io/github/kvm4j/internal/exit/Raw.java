package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.PpcExit;
import io.github.kvm4j.exit.S390Exit;

/** The kinds of architectures that the library has no types for: a name, and the payload as it is. */
public abstract class Raw extends Flyweight {

    private byte[] payload = new byte[(int) RunPage.PAYLOAD_SIZE];

    Raw() {
    }

    @Override
    final void load(RunPage run) {
        run.copyPayload(payload);
    }

    /** Implements {@link S390Exit#payload()} and {@link PpcExit#payload()}. */
    public final byte[] payload() {
        return payload.clone();
    }

    @Override
    public final Exit copy() {
        Raw copy = (Raw) super.copy();
        copy.payload = payload.clone();
        return (Exit) copy;
    }

    /** The class's name, which is the kind's. */
    @Override
    public final String toString() {
        return getClass().getSimpleName();
    }

    /** KVM_EXIT_S390_SIEIC. */
    public static final class Sieic extends Raw implements S390Exit.Sieic {
    }

    /** KVM_EXIT_S390_RESET. */
    public static final class Reset extends Raw implements S390Exit.Reset {
    }

    /** KVM_EXIT_S390_UCONTROL. */
    public static final class Ucontrol extends Raw implements S390Exit.Ucontrol {
    }

    /** KVM_EXIT_S390_TSCH. */
    public static final class Tsch extends Raw implements S390Exit.Tsch {
    }

    /** KVM_EXIT_S390_STSI. */
    public static final class Stsi extends Raw implements S390Exit.Stsi {
    }

    /** KVM_EXIT_DCR. */
    public static final class Dcr extends Raw implements PpcExit.Dcr {
    }

    /** KVM_EXIT_OSI. */
    public static final class Osi extends Raw implements PpcExit.Osi {
    }

    /** KVM_EXIT_PAPR_HCALL. */
    public static final class PaprHcall extends Raw implements PpcExit.PaprHcall {
    }

    /** KVM_EXIT_EPR. */
    public static final class Epr extends Raw implements PpcExit.Epr {
    }

    /** KVM_EXIT_WATCHDOG. */
    public static final class Watchdog extends Raw implements PpcExit.Watchdog {
    }
}
