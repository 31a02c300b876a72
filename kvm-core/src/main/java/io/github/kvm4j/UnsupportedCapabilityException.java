package io.github.kvm4j;

import java.io.Serial;

/** Thrown by a method that needs a capability which this host's KVM lacks. */
public class UnsupportedCapabilityException extends KvmException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** What is lacking. */
    private final Capability capability;

    /**
     * Makes one.
     *
     * @param call
     *            the ioctl that needs it
     * @param capability
     *            what it needs
     */
    public UnsupportedCapabilityException(String call, Capability capability) {
        super(call, call + " needs " + capability.kernelName() + " (" + capability.description()
                + "), which this host's KVM does not have");
        this.capability = capability;
    }

    /**
     * Returns what is lacking.
     *
     * @return the capability
     */
    public Capability capability() {
        return capability;
    }
}
