package io.github.kvm4j.util;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** vCPUs that are kept out of the guest until {@link #close()}. */
public final class Pause implements AutoCloseable {

    private final List<VcpuThread> threads;
    private final AtomicBoolean over = new AtomicBoolean();

    Pause(List<VcpuThread> threads) {
        this.threads = threads;
    }

    /** Lets the vCPUs go on, but for those that another pause keeps. Any thread may call it; a second call does nothing. */
    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            threads.forEach(VcpuThread::resume);
        }
    }
}
