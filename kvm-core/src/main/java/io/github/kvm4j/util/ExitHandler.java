package io.github.kvm4j.util;

import io.github.kvm4j.exit.Exit;

/** What a {@link VcpuThread} does at each exit of its guest. */
@FunctionalInterface
public interface ExitHandler {

    /** What comes after an exit. */
    enum Next {
        /** The guest goes on. */
        RUN,
        /** The thread ends. */
        END
    }

    /**
     * Handles an exit, on the vCPU's thread. The vCPU may be used as after any {@link io.github.kvm4j.Vcpu#run()}, and be
     * closed.
     * <p>
     * {@link Exit.Interrupted} comes after {@link io.github.kvm4j.Vcpu#kick()}, and after each pause when it is over: what
     * other threads want of the vCPU can be done then. {@link Exit.NotReady} does not come: the loop runs the vCPU again.
     *
     * @param exit
     *            the exit, valid until this returns
     * @return whether to go on
     * @throws Exception
     *             whatever: it ends the thread, and is what {@link VcpuThread#end()} completes with
     */
    Next handle(Exit exit) throws Exception;
}
