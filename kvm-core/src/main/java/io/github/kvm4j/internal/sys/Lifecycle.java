package io.github.kvm4j.internal.sys;

import java.util.function.Consumer;
import java.util.function.Supplier;

import io.github.kvm4j.ClosedException;

/**
 * Open, then closed, once: keeps a parent from getting children while it is being closed. Whoever calls
 * {@link #close(Runnable)} a second time, or at the same time, returns when the first call is through. A close that threw
 * may be tried again; its steps must bear that.
 */
public final class Lifecycle {

    private final String what;

    /** Held while closing. A child never takes its parent's, so that closing from both ends cannot deadlock. */
    private final Object closing = new Object();

    /** Held for a short time, by whoever changes or reads what the parent owns. */
    private final Object lock = new Object();
    private volatile boolean closed;
    private boolean done;

    public Lifecycle(String what) {
        this.what = what;
    }

    /** Does something that must not happen after, or during, the close. */
    public <T> T whileOpen(Supplier<T> action) {
        synchronized (lock) {
            requireOpen();
            return action.get();
        }
    }

    /** The same for an action that is there already, with an argument: it allocates nothing. */
    public <T> void whileOpen(Consumer<? super T> action, T argument) {
        synchronized (lock) {
            requireOpen();
            action.accept(argument);
        }
    }

    /** Does something to what the parent owns, open or not. */
    public <T> T locked(Supplier<T> action) {
        synchronized (lock) {
            return action.get();
        }
    }

    /** Closes, with these steps; without the lock, since a step may wait for another thread. */
    public void close(Runnable steps) {
        synchronized (closing) {
            if (!done) {
                synchronized (lock) {
                    closed = true;
                }
                steps.run();
                done = true;
            }
        }
    }

    public boolean isClosed() {
        return closed;
    }

    public void requireOpen() {
        if (closed) {
            throw new ClosedException(what);
        }
    }
}
