package io.github.kvm4j.x86;

import java.io.Serial;

import io.github.kvm4j.KvmException;

/**
 * Thrown when the kernel takes or gives some model-specific registers and stops at one: those before it have been written,
 * or read, and those behind it have not. The kernel gives no errno with this.
 */
public class PartialMsrException extends KvmException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** The register's number. */
    private final int failed;

    /** Which one it was. */
    private final int done;

    /** What had been read. */
    private final transient Msrs read;

    PartialMsrException(String call, int failed, int done, int count, String why, Msrs read) {
        super(call, call + " stopped at " + Msr.name(failed) + ", the register after " + done + " of " + count + ": "
                + why);
        this.failed = failed;
        this.done = done;
        this.read = read;
    }

    /**
     * Returns the register that was refused.
     *
     * @return its number
     */
    public int failed() {
        return failed;
    }

    /**
     * Returns how many registers before it have been written or read.
     *
     * @return the number
     */
    public int done() {
        return done;
    }

    /**
     * Returns those that have been read.
     *
     * @return the registers, as many as {@link #done()}; none when they were to be written
     */
    public Msrs read() {
        return read == null ? new Msrs() : read;
    }
}
