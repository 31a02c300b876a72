package io.github.kvm4j;

import java.io.Serial;

import io.github.kvm4j.internal.sys.Errno;

/**
 * Thrown when the kernel refuses a call. It names the call, the errno and, where they are known, the likely cause and
 * what to do about it.
 */
public class KvmException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** The call, as the kernel's documentation names it. */
    private final String call;

    /** The errno, positive. */
    private final int errno;

    /**
     * Makes one.
     *
     * @param call
     *            the failed call: an ioctl's kernel name, or a system call with its argument
     * @param errno
     *            its errno, positive
     * @param explanation
     *            the likely cause and the remedy, or an empty string
     */
    public KvmException(String call, int errno, String explanation) {
        super(call + " failed: " + Errno.name(errno) + " (errno " + errno + ")"
                + (explanation.isEmpty() ? "" : ": " + explanation));
        this.call = call;
        this.errno = errno;
    }

    /**
     * Makes one for a call that the library did not pass on to the kernel.
     *
     * @param call
     *            the call
     * @param message
     *            the whole message
     */
    protected KvmException(String call, String message) {
        super(message);
        this.call = call;
        this.errno = 0;
    }

    /**
     * Tells which call failed.
     *
     * @return an ioctl's kernel name such as {@code KVM_CREATE_VM}, or a system call such as {@code open(/dev/kvm)}
     */
    public String call() {
        return call;
    }

    /**
     * Returns the errno.
     *
     * @return the kernel's number, positive; 0 when the kernel was not called
     */
    public int errno() {
        return errno;
    }

    /**
     * Returns the errno's name.
     *
     * @return a name such as {@code EINVAL}; empty when the kernel was not called
     */
    public String errnoName() {
        return errno == 0 ? "" : Errno.name(errno);
    }
}
