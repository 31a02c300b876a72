package io.github.kvm4j.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.libc.sigaction;

/**
 * The signal that makes a thread leave KVM_RUN, one for the process: the first real-time signal that nobody handles yet,
 * with a handler that does nothing.
 * <p>
 * A handler there must be: without one the signal ends the process. It is a C function, since a signal handler in Java
 * would run code at points where the JVM is not prepared for it. With SA_RESTART the signal does not disturb the
 * calls that the kernel can begin again (signal(7) has them), should it arrive late; KVM_RUN returns EINTR all the same.
 */
public final class KickSignal {

    private final Libc libc;
    private final int processId;
    private int number;

    KickSignal(Libc libc) {
        this.libc = libc;
        this.processId = libc.getpid();
    }

    /** The process to send it in. */
    public int processId() {
        return processId;
    }

    /** The signal's number; installs the handler at the first call. */
    public synchronized int number() {
        if (number == 0) {
            number = install();
        }
        return number;
    }

    /** Chooses the signal, before the first vCPU of the process. */
    public synchronized void choose(int signal) {
        if (number == signal) {
            return;
        }
        if (number != 0) {
            throw new IllegalStateException("the kick signal is " + number
                    + " already; choose another one before the first vCPU of the process is created");
        }
        if (signal < libc.sigrtmin() || signal > libc.sigrtmax()) {
            throw new IllegalArgumentException(
                    "signal " + signal + " is no real-time signal; those that the C library leaves "
                            + "to programs are " + libc.sigrtmin() + " to " + libc.sigrtmax());
        }
        if (!isFree(signal) || !take(signal)) {
            throw new IllegalStateException(
                    "signal " + signal + " has a handler already, or is ignored; choose another one");
        }
        number = signal;
    }

    private int install() {
        for (int signal = libc.sigrtmin(); signal <= libc.sigrtmax(); signal++) {
            if (isFree(signal) && take(signal)) {
                return signal;
            }
        }
        throw new IllegalStateException("no real-time signal is left to kick vCPUs with: every one has a handler");
    }

    private boolean isFree(int signal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment old = sigaction.allocate(arena);
            check(libc.sigaction(signal, MemorySegment.NULL, old), signal);
            return handler(old) == 0; // SIG_DFL
        }
    }

    /** Sets the handler; gives the signal back when somebody else has taken it in the meantime. */
    private boolean take(int signal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = sigaction.allocate(arena);
            sigaction.__sigaction_handler.sa_handler(sigaction.__sigaction_handler(action),
                    MemorySegment.ofAddress(libc.harmlessFunction()));
            sigaction.sa_flags(action, libc_h.SA_RESTART());
            MemorySegment old = sigaction.allocate(arena);
            check(libc.sigaction(signal, action, old), signal);
            if (handler(old) == 0) {
                return true;
            }
            check(libc.sigaction(signal, old, MemorySegment.NULL), signal);
            return false;
        }
    }

    private static long handler(MemorySegment action) {
        return sigaction.__sigaction_handler.sa_handler(sigaction.__sigaction_handler(action)).address();
    }

    private static void check(long result, int signal) {
        if (result < 0) {
            throw new KvmException("sigaction(" + signal + ")", (int) -result, "");
        }
    }
}
