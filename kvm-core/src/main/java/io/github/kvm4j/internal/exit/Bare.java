package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** The kinds of exit that say no more than what they are. */
public abstract class Bare extends Flyweight {

    Bare() {
    }

    @Override
    final void load(RunPage run) {
    }

    /** The class's name, which is the kind's. */
    @Override
    public final String toString() {
        return getClass().getSimpleName();
    }

    /** KVM_EXIT_HLT. */
    public static final class Hlt extends Bare implements Exit.Hlt {
    }

    /** KVM_EXIT_SHUTDOWN. */
    public static final class Shutdown extends Bare implements Exit.Shutdown {
    }

    /** EINTR, on account of a kick. */
    public static final class Interrupted extends Bare implements Exit.Interrupted {
    }

    /** EAGAIN. */
    public static final class NotReady extends Bare implements Exit.NotReady {
    }
}
