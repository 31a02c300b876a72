package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.RiscvExit;
import io.github.kvm4j.exit.X86Exit;

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

    /** KVM_EXIT_DIRTY_RING_FULL. */
    public static final class DirtyRingFull extends Bare implements Exit.DirtyRingFull {
    }

    /** KVM_EXIT_IRQ_WINDOW_OPEN. */
    public static final class IrqWindowOpen extends Bare implements X86Exit.IrqWindowOpen {
    }

    /** KVM_EXIT_X86_BUS_LOCK. */
    public static final class BusLock extends Bare implements X86Exit.BusLock {
    }

    /** KVM_EXIT_AP_RESET_HOLD. */
    public static final class ApResetHold extends Bare implements X86Exit.ApResetHold {
    }

    /** KVM_EXIT_NMI. */
    public static final class Nmi extends Bare implements X86Exit.Nmi {
    }

    /** KVM_EXIT_DEBUG on RISC-V. */
    public static final class Debug extends Bare implements RiscvExit.Debug {
    }
}
