package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.kvm_h;

/**
 * A Xen vCPU's timer: {@link X86VcpuXen#getTimer()}.
 *
 * @param port
 *            the event channel that it sends; 0 for no timer in the kernel
 * @param priority
 *            KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL, the only one that there is
 * @param expiresNs
 *            when, on the guest's clock in nanoseconds; 0 for not armed
 */
public record XenTimer(int port, int priority, long expiresNs) {

    /**
     * Creates one with the only priority that there is.
     *
     * @param port
     *            the event channel that it sends
     * @param expiresNs
     *            when, on the guest's clock in nanoseconds
     */
    public XenTimer(int port, long expiresNs) {
        this(port, kvm_h.KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL(), expiresNs);
    }
}
