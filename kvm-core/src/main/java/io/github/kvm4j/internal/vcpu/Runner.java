package io.github.kvm4j.internal.vcpu;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.sys.Libc;

/**
 * A thread that runs a vCPU, and its kernel id. A thread looks at the runner before the vCPU is its own, while another may
 * be about to replace it: it may find an old one, but never one thread with the id of another.
 *
 * @param thread
 *            the platform thread; null for none, and for a virtual one, which may have another carrier next time
 * @param id
 *            the id of it, or of the carrier
 */
record Runner(@Nullable Thread thread, int id) {

    /** What a vCPU begins with. */
    static final Runner NONE = new Runner(null, 0);

    /** The calling thread, which the kick signal can reach from now on. */
    static Runner adopt(Libc libc, int signal) {
        long result = libc.unblockSignal(signal);
        if (result < 0) {
            throw new KvmException("pthread_sigmask", (int) -result, "");
        }
        Thread thread = Thread.currentThread();
        return new Runner(thread.isVirtual() ? null : thread, libc.gettid());
    }
}
