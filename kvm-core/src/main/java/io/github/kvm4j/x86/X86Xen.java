package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_irq_routing_xen_evtchn;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.bindings.x86.kvm_xen_hvm_attr;
import io.github.kvm4j.bindings.x86.kvm_xen_hvm_config;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/**
 * What KVM does for guests of Xen: {@link Capability#XEN_HVM}, whose value has KVM_XEN_HVM_CONFIG_ bits for what this KVM
 * can; sections 4.28 and 4.126 to 4.135. Any thread may use it. What takes an address of this process instead of the guest's
 * is {@link io.github.kvm4j.Vm#unsafe()}'s.
 * <p>
 * Every method throws {@link UnsupportedCapabilityException} without the capability, {@link KvmException} when the kernel
 * refuses, and {@link ClosedException} when the VM is closed.
 */
public final class X86Xen {

    private final VmState vm;

    X86Xen(VmState vm) {
        this.vm = vm;
    }

    /**
     * Says how Xen's hypercalls and event channels are handled, once, before anything else here. KVM_XEN_HVM_CONFIG, section
     * 4.28.
     *
     * @param flags
     *            what is left to whom
     * @param hypercallMsr
     *            the model-specific register by which the guest asks for its hypercall page, 0x40000000 as Xen has it
     * @throws KvmException
     *             when the kernel refuses: EINVAL (flags that it does not have, a register that cannot be that one)
     */
    @Issues(Ioctl.KVM_XEN_HVM_CONFIG)
    public void setHvmConfig(Set<XenConfigFlag> flags, int hypercallMsr) {
        vm.require(Ioctl.KVM_XEN_HVM_CONFIG);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment config = kvm_xen_hvm_config.allocate(arena);
            kvm_xen_hvm_config.flags(config, (int) Flags.bits(flags, XenConfigFlag::bit));
            kvm_xen_hvm_config.msr(config, hypercallMsr);
            vm.fd().call(Ioctl.KVM_XEN_HVM_CONFIG, config);
        }
    }

    private void set(int type, Consumer<MemorySegment> value) {
        vm.require(Ioctl.KVM_XEN_HVM_SET_ATTR);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attribute = kvm_xen_hvm_attr.allocate(arena);
            kvm_xen_hvm_attr.type(attribute, (short) type);
            value.accept(kvm_xen_hvm_attr.u(attribute));
            vm.fd().call(Ioctl.KVM_XEN_HVM_SET_ATTR, attribute);
        }
    }

    private <T> T get(int type, Function<MemorySegment, T> value) {
        vm.require(Ioctl.KVM_XEN_HVM_GET_ATTR);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attribute = kvm_xen_hvm_attr.allocate(arena);
            kvm_xen_hvm_attr.type(attribute, (short) type);
            vm.fd().call(Ioctl.KVM_XEN_HVM_GET_ATTR, attribute);
            return value.apply(kvm_xen_hvm_attr.u(attribute));
        }
    }

    /**
     * Says whether the guest's structures have 64 bits. KVM_XEN_ATTR_TYPE_LONG_MODE.
     *
     * @param longMode
     *            whether
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void setLongMode(boolean longMode) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_LONG_MODE(),
                value -> kvm_xen_hvm_attr.u.long_mode(value, (byte) (longMode ? 1 : 0)));
    }

    /**
     * Tells whether the guest's structures have 64 bits. KVM_XEN_ATTR_TYPE_LONG_MODE.
     *
     * @return whether
     */
    @Issues(Ioctl.KVM_XEN_HVM_GET_ATTR)
    public boolean getLongMode() {
        return get(kvm_x86_h.KVM_XEN_ATTR_TYPE_LONG_MODE(), value -> kvm_xen_hvm_attr.u.long_mode(value) != 0);
    }

    /**
     * Says where the guest has the page that it shares with Xen. KVM_XEN_ATTR_TYPE_SHARED_INFO.
     *
     * @param pageNumber
     *            the guest-physical page's number, its address divided by 4096; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void setSharedInfo(long pageNumber) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_SHARED_INFO(), value -> kvm_xen_hvm_attr.u.shared_info
                .gfn(kvm_xen_hvm_attr.u.shared_info(value), pageNumber));
    }

    /**
     * Tells where the guest has the page that it shares with Xen. KVM_XEN_ATTR_TYPE_SHARED_INFO.
     *
     * @return the guest-physical page's number; -1 for none
     */
    @Issues(Ioctl.KVM_XEN_HVM_GET_ATTR)
    public long getSharedInfo() {
        return get(kvm_x86_h.KVM_XEN_ATTR_TYPE_SHARED_INFO(),
                value -> kvm_xen_hvm_attr.u.shared_info.gfn(kvm_xen_hvm_attr.u.shared_info(value)));
    }

    /**
     * Says by which vector the guest is told of events. KVM_XEN_ATTR_TYPE_UPCALL_VECTOR.
     *
     * @param vector
     *            16 to 255; 0 for none
     * @throws IllegalArgumentException
     *             when it is not a byte's
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void setUpcallVector(int vector) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_UPCALL_VECTOR(),
                value -> kvm_xen_hvm_attr.u.vector(value, (byte) Fields.check("the vector", vector, 0xff)));
    }

    /**
     * Tells by which vector the guest is told of events. KVM_XEN_ATTR_TYPE_UPCALL_VECTOR.
     *
     * @return the vector; 0 for none
     */
    @Issues(Ioctl.KVM_XEN_HVM_GET_ATTR)
    public int getUpcallVector() {
        return get(kvm_x86_h.KVM_XEN_ATTR_TYPE_UPCALL_VECTOR(),
                value -> Byte.toUnsignedInt(kvm_xen_hvm_attr.u.vector(value)));
    }

    /**
     * Says which version of Xen the guest is told by hypercalls that the kernel answers. KVM_XEN_ATTR_TYPE_XEN_VERSION.
     *
     * @param version
     *            the major number in the upper 16 bits, the minor in the lower
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void setVersion(int version) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_XEN_VERSION(), value -> kvm_xen_hvm_attr.u.xen_version(value, version));
    }

    /**
     * Tells which version of Xen the guest is told. KVM_XEN_ATTR_TYPE_XEN_VERSION.
     *
     * @return the major number in the upper 16 bits, the minor in the lower
     */
    @Issues(Ioctl.KVM_XEN_HVM_GET_ATTR)
    public int getVersion() {
        return get(kvm_x86_h.KVM_XEN_ATTR_TYPE_XEN_VERSION(), kvm_xen_hvm_attr.u::xen_version);
    }

    /**
     * Says whether KVM marks the vCPUs' run states while it changes them. KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG.
     *
     * @param marks
     *            whether
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void setRunstateUpdateFlag(boolean marks) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG(),
                value -> kvm_xen_hvm_attr.u.runstate_update_flag(value, (byte) (marks ? 1 : 0)));
    }

    /**
     * Tells whether KVM marks the vCPUs' run states while it changes them. KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG.
     *
     * @return whether
     */
    @Issues(Ioctl.KVM_XEN_HVM_GET_ATTR)
    public boolean getRunstateUpdateFlag() {
        return get(kvm_x86_h.KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG(),
                value -> kvm_xen_hvm_attr.u.runstate_update_flag(value) != 0);
    }

    /** What a port of the guest's does when it sends: KVM_XEN_ATTR_TYPE_EVTCHN. */
    private void eventChannel(int sendPort, int type, int flags, Consumer<MemorySegment> deliver) {
        set(kvm_x86_h.KVM_XEN_ATTR_TYPE_EVTCHN(), value -> {
            MemorySegment channel = kvm_xen_hvm_attr.u.evtchn(value);
            kvm_xen_hvm_attr.u.evtchn.send_port(channel, sendPort);
            kvm_xen_hvm_attr.u.evtchn.type(channel, type);
            kvm_xen_hvm_attr.u.evtchn.flags(channel, flags);
            deliver.accept(kvm_xen_hvm_attr.u.evtchn.deliver(channel));
        });
    }

    /**
     * Delivers what the guest sends on a port to a port of a vCPU, in the kernel. KVM_XEN_ATTR_TYPE_EVTCHN. It takes
     * {@link XenConfigFlag#EVTCHN_SEND}.
     *
     * @param sendPort
     *            the guest's port
     * @param type
     *            Xen's kind of event channel, EVTCHNSTAT_: 2 between domains, 5 between vCPUs, where both ports are the same
     * @param port
     *            the port where it arrives
     * @param vcpuId
     *            the vCPU where it arrives
     * @throws KvmException
     *             when the kernel refuses: EEXIST (the port has been assigned), EINVAL
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void assignEventChannel(int sendPort, int type, int port, int vcpuId) {
        eventChannel(sendPort, type, 0, deliver -> {
            MemorySegment to = kvm_xen_hvm_attr.u.evtchn.deliver.port(deliver);
            kvm_xen_hvm_attr.u.evtchn.deliver.port.port(to, port);
            kvm_xen_hvm_attr.u.evtchn.deliver.port.vcpu(to, vcpuId);
            kvm_xen_hvm_attr.u.evtchn.deliver.port.priority(to, kvm_h.KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL());
        });
    }

    /**
     * Ends the assignment of a port. KVM_XEN_ATTR_TYPE_EVTCHN with KVM_XEN_EVTCHN_DEASSIGN.
     *
     * @param sendPort
     *            the guest's port
     * @throws KvmException
     *             when the kernel refuses: ENOENT (it is not assigned)
     */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void deassignEventChannel(int sendPort) {
        eventChannel(sendPort, 0, kvm_x86_h.KVM_XEN_EVTCHN_DEASSIGN(), _ -> {
        });
    }

    /** Ends the assignment of all ports. KVM_XEN_ATTR_TYPE_EVTCHN with KVM_XEN_EVTCHN_RESET. */
    @Issues(Ioctl.KVM_XEN_HVM_SET_ATTR)
    public void resetEventChannels() {
        eventChannel(0, 0, kvm_x86_h.KVM_XEN_EVTCHN_RESET(), _ -> {
        });
    }

    /**
     * Sends an event to a vCPU. KVM_XEN_HVM_EVTCHN_SEND, section 4.135.
     *
     * @param port
     *            the port where it arrives
     * @param vcpuId
     *            the vCPU where it arrives
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no such port or vCPU)
     */
    @Issues(Ioctl.KVM_XEN_HVM_EVTCHN_SEND)
    public void sendEvent(int port, int vcpuId) {
        vm.require(Ioctl.KVM_XEN_HVM_EVTCHN_SEND);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = kvm_irq_routing_xen_evtchn.allocate(arena);
            kvm_irq_routing_xen_evtchn.port(event, port);
            kvm_irq_routing_xen_evtchn.vcpu(event, vcpuId);
            kvm_irq_routing_xen_evtchn.priority(event, kvm_h.KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL());
            vm.fd().call(Ioctl.KVM_XEN_HVM_EVTCHN_SEND, event);
        }
    }
}
