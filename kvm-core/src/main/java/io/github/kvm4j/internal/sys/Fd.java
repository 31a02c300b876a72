package io.github.kvm4j.internal.sys;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.libc.libc_h;

/**
 * A file descriptor that is closed exactly once, and whose number nobody uses afterwards, when the kernel may have given
 * it to another file: calls go between {@link #acquire()} and {@link #release()}, from any number of threads, and
 * {@link #close()} waits for those that are in.
 */
public final class Fd implements AutoCloseable {

    private static final int CLOSED = Integer.MIN_VALUE;
    private static final VarHandle USERS;

    static {
        try {
            USERS = MethodHandles.lookup().findVarHandle(Fd.class, "users", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Libc libc;
    private final int number;
    private final String what;
    private final Object closing = new Object();

    /** How many calls are in progress; with the sign bit set once closed. */
    @SuppressWarnings("unused")
    private volatile int users;

    private Fd(Libc libc, int number, String what) {
        this.libc = libc;
        this.number = number;
        this.what = what;
    }

    /**
     * Takes over a descriptor that the kernel has just returned, and sees to it that no program that this process starts
     * inherits it. On failure the descriptor is closed.
     */
    public static Fd own(Libc libc, int number, String what) {
        Fd fd = new Fd(libc, number, what);
        try {
            fd.setCloseOnExec();
            return fd;
        } catch (Throwable t) {
            Cleanup.after(t, fd::close);
            throw t;
        }
    }

    /** Almost every call of KVM returns a descriptor that has the flag already (KVM_CREATE_GUEST_MEMFD's has not). */
    private void setCloseOnExec() {
        long flags = libc.fcntl(number, libc_h.F_GETFD(), 0);
        if (flags >= 0 && (flags & libc_h.FD_CLOEXEC()) == 0) {
            flags = libc.fcntl(number, libc_h.F_SETFD(), (int) flags | libc_h.FD_CLOEXEC());
        }
        if (flags < 0) {
            throw new KvmException("fcntl(" + what + ")", (int) -flags, "");
        }
    }

    /**
     * Enters, for the time of one call.
     *
     * @return the number, good until {@link #release()}
     * @throws ClosedException
     *             when closed
     */
    public int acquire() {
        enter();
        return number;
    }

    /**
     * Enters as {@link #acquire()} does.
     *
     * @return whether no other call was in. One that enters alone is the only such one until it leaves, though others may
     *         come in
     */
    public boolean enter() {
        int now;
        do {
            now = users;
            if (now < 0) {
                throw new ClosedException(what);
            }
        } while (!USERS.weakCompareAndSet(this, now, now + 1));
        return now == 0;
    }

    /** The number, for who is in. */
    public int number() {
        return number;
    }

    /** Leaves. */
    public void release() {
        int now;
        do {
            now = users;
        } while (!USERS.weakCompareAndSet(this, now, now - 1)); // no more stack than acquire() needed
    }

    /** Whether {@link #close()} has been called. */
    public boolean isClosed() {
        return users < 0;
    }

    /** What it is, for messages. */
    public String what() {
        return what;
    }

    /** Closes it when the last call in progress is over. A second call returns when the first is through. */
    @Override
    public void close() {
        synchronized (closing) {
            int before = (int) USERS.getAndBitwiseOr(this, CLOSED);
            if (before < 0) {
                return;
            }
            Backoff backoff = new Backoff();
            while (users != CLOSED) {
                backoff.pause();
            }
            // Linux frees the number whatever close(2) returns, so it is not called again.
            long result = libc.close(number);
            if (result < 0) {
                throw new KvmException("close(" + what + ")", (int) -result, "");
            }
        }
    }

    @Override
    public String toString() {
        return what + (isClosed() ? ", closed" : ", fd " + number);
    }
}
