package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.Function;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.bindings.x86.kvm_xen_vcpu_attr;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Errno;

/**
 * A vCPU of a guest of Xen: KVM_XEN_VCPU_SET_ATTR, section 4.128, and KVM_XEN_VCPU_GET_ATTR, section 4.129,
 * {@link Capability#XEN_HVM}, after {@link X86Xen#setHvmConfig}.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} when this is for
 * lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when
 * it is closed.
 */
public final class X86VcpuXen {

    private final VcpuCalls calls;

    X86VcpuXen(VcpuCalls calls) {
        this.calls = calls;
    }

    private void set(int type, Consumer<MemorySegment> value) {
        calls.fd.enter();
        try {
            prepare(type);
            value.accept(kvm_xen_vcpu_attr.u(calls.buffer));
            calls.issue(Ioctl.KVM_XEN_VCPU_SET_ATTR);
        } finally {
            calls.fd.leave();
        }
    }

    private <T> T get(int type, Function<MemorySegment, T> value) {
        calls.fd.enter();
        try {
            prepare(type);
            calls.issue(Ioctl.KVM_XEN_VCPU_GET_ATTR);
            return value.apply(kvm_xen_vcpu_attr.u(calls.buffer));
        } finally {
            calls.fd.leave();
        }
    }

    private void prepare(int type) {
        calls.clear(kvm_xen_vcpu_attr.sizeof());
        kvm_xen_vcpu_attr.type(calls.buffer, (short) type);
    }

    /**
     * Says where the guest has the vCPU's part of what it shares with Xen. KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO.
     *
     * @param guestAddress
     *            guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setVcpuInfo(long guestAddress) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO(), value -> kvm_xen_vcpu_attr.u.gpa(value, guestAddress));
    }

    /**
     * Tells where the guest has the vCPU's part of what it shares with Xen. KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO.
     *
     * @return guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public long getVcpuInfo() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO(), kvm_xen_vcpu_attr.u::gpa);
    }

    /**
     * Says where the guest has a second copy of the vCPU's paravirtual clock. KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO.
     *
     * @param guestAddress
     *            guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setVcpuTimeInfo(long guestAddress) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO(), value -> kvm_xen_vcpu_attr.u.gpa(value, guestAddress));
    }

    /**
     * Tells where the guest has a second copy of the vCPU's paravirtual clock. KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO.
     *
     * @return guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public long getVcpuTimeInfo() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO(), kvm_xen_vcpu_attr.u::gpa);
    }

    /**
     * Says where the guest has how long the vCPU has been in which state. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR.
     *
     * @param guestAddress
     *            guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setRunstateAddress(long guestAddress) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR(), value -> kvm_xen_vcpu_attr.u.gpa(value, guestAddress));
    }

    /**
     * Tells where the guest has how long the vCPU has been in which state. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR.
     *
     * @return guest-physical; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public long getRunstateAddress() {
        calls.fd.enter();
        try {
            prepare(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR());
            long result = calls.fd.entered(Ioctl.KVM_XEN_VCPU_GET_ATTR, calls.buffer);
            if (Errno.ENOENT.is(result)) {
                // What the kernel says of this one where it says "none" of the others.
                return kvm_x86_h.KVM_XEN_INVALID_GPA();
            }
            calls.check(Ioctl.KVM_XEN_VCPU_GET_ATTR, result);
            return kvm_xen_vcpu_attr.u.gpa(kvm_xen_vcpu_attr.u(calls.buffer));
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Says what state the vCPU is in; the time so far goes to the state before. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_CURRENT. It
     * takes {@link #setRunstateAddress}.
     *
     * @param state
     *            0 running, 1 runnable, 2 blocked, 3 offline
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setRunstateCurrent(long state) {
        runstate(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_CURRENT(), new XenRunstate(state, 0, 0, 0, 0, 0));
    }

    /**
     * Tells how long the vCPU has been in which state. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA.
     *
     * @return the state and the times
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public XenRunstate getRunstate() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA(), value -> {
            MemorySegment from = kvm_xen_vcpu_attr.u.runstate(value);
            return new XenRunstate(kvm_xen_vcpu_attr.u.runstate.state(from),
                    kvm_xen_vcpu_attr.u.runstate.state_entry_time(from),
                    kvm_xen_vcpu_attr.u.runstate.time_running(from),
                    kvm_xen_vcpu_attr.u.runstate.time_runnable(from),
                    kvm_xen_vcpu_attr.u.runstate.time_blocked(from),
                    kvm_xen_vcpu_attr.u.runstate.time_offline(from));
        });
    }

    /**
     * Sets how long the vCPU has been in which state. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA. It takes
     * {@link #setRunstateAddress}.
     *
     * @param runstate
     *            the state and the times
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the times do not add up to the time of entry)
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setRunstate(XenRunstate runstate) {
        runstate(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA(), runstate);
    }

    /**
     * Adds to how long the vCPU has been in which state. KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADJUST. It takes
     * {@link #setRunstateAddress}.
     *
     * @param runstate
     *            the new state, or -1 for none, and what is to be added, negative numbers included
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the times do not add up)
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void adjustRunstate(XenRunstate runstate) {
        runstate(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADJUST(), runstate);
    }

    private void runstate(int type, XenRunstate runstate) {
        set(type, value -> {
            MemorySegment to = kvm_xen_vcpu_attr.u.runstate(value);
            kvm_xen_vcpu_attr.u.runstate.state(to, runstate.state());
            kvm_xen_vcpu_attr.u.runstate.state_entry_time(to, runstate.stateEntryTime());
            kvm_xen_vcpu_attr.u.runstate.time_running(to, runstate.running());
            kvm_xen_vcpu_attr.u.runstate.time_runnable(to, runstate.runnable());
            kvm_xen_vcpu_attr.u.runstate.time_blocked(to, runstate.blocked());
            kvm_xen_vcpu_attr.u.runstate.time_offline(to, runstate.offline());
        });
    }

    /**
     * Says by which number the guest knows the vCPU. KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID.
     *
     * @param number
     *            Xen's number
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setVcpuId(int number) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID(), value -> kvm_xen_vcpu_attr.u.vcpu_id(value, number));
    }

    /**
     * Tells by which number the guest knows the vCPU. KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID.
     *
     * @return Xen's number
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public int getVcpuId() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID(), kvm_xen_vcpu_attr.u::vcpu_id);
    }

    /**
     * Gives the vCPU a timer in the kernel. KVM_XEN_VCPU_ATTR_TYPE_TIMER. It takes {@link XenConfigFlag#EVTCHN_SEND}.
     *
     * @param timer
     *            which event it sends, and when
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setTimer(XenTimer timer) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_TIMER(), value -> {
            MemorySegment to = kvm_xen_vcpu_attr.u.timer(value);
            kvm_xen_vcpu_attr.u.timer.port(to, timer.port());
            kvm_xen_vcpu_attr.u.timer.priority(to, timer.priority());
            kvm_xen_vcpu_attr.u.timer.expires_ns(to, timer.expiresNs());
        });
    }

    /**
     * Tells what timer the vCPU has. KVM_XEN_VCPU_ATTR_TYPE_TIMER.
     *
     * @return which event it sends, and when
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public XenTimer getTimer() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_TIMER(), value -> {
            MemorySegment from = kvm_xen_vcpu_attr.u.timer(value);
            return new XenTimer(kvm_xen_vcpu_attr.u.timer.port(from), kvm_xen_vcpu_attr.u.timer.priority(from),
                    kvm_xen_vcpu_attr.u.timer.expires_ns(from));
        });
    }

    /**
     * Says by which vector of its local APIC the vCPU is told of events. KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR.
     *
     * @param vector
     *            16 to 255; 0 for none
     * @throws IllegalArgumentException
     *             when it is not a byte's
     */
    @Issues(Ioctl.KVM_XEN_VCPU_SET_ATTR)
    public void setUpcallVector(int vector) {
        set(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR(),
                value -> kvm_xen_vcpu_attr.u.vector(value, (byte) Fields.check("the vector", vector, 0xff)));
    }

    /**
     * Tells by which vector of its local APIC the vCPU is told of events. KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR.
     *
     * @return the vector; 0 for none
     */
    @Issues(Ioctl.KVM_XEN_VCPU_GET_ATTR)
    public int getUpcallVector() {
        return get(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR(),
                value -> Byte.toUnsignedInt(kvm_xen_vcpu_attr.u.vector(value)));
    }
}
