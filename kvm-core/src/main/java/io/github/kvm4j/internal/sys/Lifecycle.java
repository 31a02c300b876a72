package io.github.kvm4j.internal.sys;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

import io.github.kvm4j.ClosedException;

/**
 * Open, then closed, once: keeps a parent from getting children while it is being closed. Whoever calls
 * {@link #close(Runnable)} a second time, or at the same time, returns when the first call is through.
 */
public final class Lifecycle {

    private final String what;

    /** Held while closing. A child never takes its parent's, so that closing from both ends cannot deadlock. */
    private final Object closing = new Object();

    /** Held for a short time, by whoever changes what the parent owns. */
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean closed;

    public Lifecycle(String what) {
        this.what = what;
    }

    /** Does something that must not happen after, or during, the close. */
    public <T> T whileOpen(Supplier<T> action) {
        lock.lock();
        try {
            if (closed) {
                throw new ClosedException(what);
            }
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Does something to what the parent owns, open or not. */
    public void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    /** Closes, with these steps; without the lock, since a step may wait for another thread. */
    public void close(Runnable steps) {
        synchronized (closing) {
            if (closed) {
                return;
            }
            locked(() -> closed = true);
            steps.run();
        }
    }

    public boolean isClosed() {
        return closed;
    }
}
