package io.github.kvm4j;

import java.io.Serial;

/**
 * Thrown by every call on a closed {@link Kvm}, {@link Vm}, {@link Vcpu}, {@link Device} or guest memory, and by a
 * {@link Vcpu#run()} whose vCPU another thread closes. Nothing has been done; open or create a new one.
 */
public class ClosedException extends IllegalStateException {

    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param what
     *            what is closed, for the message
     */
    public ClosedException(String what) {
        super(what + " is closed");
    }
}
