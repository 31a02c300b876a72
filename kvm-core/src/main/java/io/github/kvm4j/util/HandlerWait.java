package io.github.kvm4j.util;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which {@link VcpuThread}'s handler waits for which other threads, so that no two of them wait for each other: each would
 * wait for the other's handler to return.
 */
final class HandlerWait {

    /** The thread whose loop this is. */
    private static final ScopedValue<VcpuThread> CURRENT = ScopedValue.newInstance();

    /**
     * By the waiting handler's thread; used under its own lock. It has no cycle, since a wait that would close one is refused.
     */
    private static final Map<VcpuThread, Collection<VcpuThread>> WAITS = new HashMap<>();

    private HandlerWait() {
    }

    /** Runs a thread's loop. */
    static void on(VcpuThread thread, Runnable loop) {
        ScopedValue.where(CURRENT, thread).run(loop);
    }

    /**
     * Before a wait. Returns whether it would end: not when the caller is a handler that one of the threads waits for,
     * through others maybe.
     */
    static boolean begin(Collection<VcpuThread> threads) {
        if (!CURRENT.isBound()) {
            return true;
        }
        VcpuThread self = CURRENT.get();
        synchronized (WAITS) {
            if (threads.stream().anyMatch(thread -> waitsFor(thread, self))) {
                return false;
            }
            WAITS.put(self, List.copyOf(threads));
            return true;
        }
    }

    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    private static boolean waitsFor(VcpuThread thread, VcpuThread self) {
        return WAITS.getOrDefault(thread, List.of()).stream().anyMatch(next -> next == self || waitsFor(next, self));
    }

    /** After a wait that has begun. */
    static void end() {
        if (CURRENT.isBound()) {
            synchronized (WAITS) {
                WAITS.remove(CURRENT.get());
            }
        }
    }
}
