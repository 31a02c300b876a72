package io.github.kvm4j;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.arm64.Arm64Vm;
import io.github.kvm4j.bindings.kvm_create_device;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_irq_level;
import io.github.kvm4j.bindings.kvm_memory_attributes;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.CoalescedIo;
import io.github.kvm4j.memory.DirtyLog;
import io.github.kvm4j.memory.DirtyRings;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryAttribute;
import io.github.kvm4j.unsafe.RawIoctls;
import io.github.kvm4j.x86.X86Vm;

/**
 * A virtual machine. It owns its vCPUs, devices and memory, and closing it closes them all.
 * <p>
 * Any thread may use it. The kernel lets only the process that created a VM use it: to pass its descriptor to another
 * process, or to fork, is not supported by KVM.
 * <p>
 * KVM documentation, section 4, "API description", the ioctls of type "vm ioctl".
 */
public final class Vm implements AutoCloseable {

    private final Kvm kvm;
    private final VmState state;
    private final KvmFd fd;
    private final GuestMemory memory;
    private final DirtyLog dirtyLog;
    private final DirtyRings dirtyRings;
    private final CoalescedIo coalescedIo;
    private final Attributes attributes;

    /** The host's architecture's; the other is null, so that its classes are not loaded. */
    private final @Nullable X86Vm x86;
    private final @Nullable Arm64Vm arm64;

    Vm(Kvm kvm, VmState state) {
        this.kvm = kvm;
        this.state = state;
        this.fd = state.fd();
        this.memory = new GuestMemory(state);
        this.dirtyLog = new DirtyLog(state, memory);
        this.dirtyRings = new DirtyRings(state, memory);
        this.coalescedIo = new CoalescedIo(state);
        this.attributes = new Attributes(fd);
        this.x86 = Architecture.ON_X86 ? new X86Vm(state, memory) : null;
        this.arm64 = Architecture.ON_ARM64 ? new Arm64Vm(state) : null;
        state.watch(this);
    }

    /**
     * Returns the system that this VM was created from.
     *
     * @return the system
     */
    public Kvm kvm() {
        return kvm;
    }

    /**
     * Returns the VM's memory.
     *
     * @return the memory, the same object each time
     */
    public GuestMemory memory() {
        return memory;
    }

    /**
     * Returns the bitmaps of the pages that the guest has written to.
     *
     * @return the log, the same object each time
     */
    public DirtyLog dirtyLog() {
        return dirtyLog;
    }

    /**
     * Returns the rings of the pages that the vCPUs have written to, the other way to follow them.
     *
     * @return the rings, the same object each time
     */
    public DirtyRings dirtyRings() {
        return dirtyRings;
    }

    /**
     * Returns the writes to devices that KVM keeps in a ring.
     *
     * @return the ring and its zones, the same object each time
     */
    public CoalescedIo coalescedIo() {
        return coalescedIo;
    }

    /**
     * Returns what only x86 has.
     *
     * @return the x86 part, the same object each time
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public X86Vm x86() {
        return Architecture.X86.require(x86, "Vm.x86()");
    }

    /**
     * Returns what only arm64 has.
     *
     * @return the arm64 part, the same object each time
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public Arm64Vm arm64() {
        return Architecture.ARM64.require(arm64, "Vm.arm64()");
    }

    /**
     * Asks for a capability on the VM's descriptor, whose answer may depend on the VM. KVM_CHECK_EXTENSION, section 4.4;
     * on a VM {@link Capability#CHECK_EXTENSION_VM}, without which the system is asked.
     *
     * @param capability
     *            what to ask for
     * @return 0 when the kernel does not have it; otherwise what {@link Capability#valueKind()} says
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CHECK_EXTENSION)
    public int checkExtension(Capability capability) {
        return checkExtension(capability.number());
    }

    /**
     * Asks for a capability that this version of the library may not know. KVM_CHECK_EXTENSION, section 4.4.
     *
     * @param number
     *            a KVM_CAP_ number
     * @return 0 when the kernel does not have it, or does not know the number
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CHECK_EXTENSION)
    public int checkExtension(int number) {
        return state.checkExtension(number);
    }

    /**
     * Tells whether the VM has a capability.
     *
     * @param capability
     *            what to ask for
     * @return whether {@link #checkExtension(Capability)} is not 0
     * @throws ClosedException
     *             when closed
     */
    public boolean has(Capability capability) {
        return checkExtension(capability) != 0;
    }

    /**
     * Enables a capability that is not on by itself. KVM_ENABLE_CAP, section 4.37, {@link Capability#ENABLE_CAP_VM}; what
     * each takes is {@link Capability#enabling()}, and section 7 of KVM's documentation. The facets have some with typed
     * arguments.
     *
     * @param capability
     *            one that is enabled on a VM
     * @param arguments
     *            its arguments, as many as {@link Capability.Enabling#arguments()} names: one left out would be 0, which for
     *            most means off
     * @throws IllegalArgumentException
     *             when it is not enabled, or on a vCPU, takes an address, or another number of arguments
     * @throws IllegalStateException
     *             when it must come before the first vCPU, and the VM has one
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (arguments that it does not take, or too late)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enable(Capability capability, long... arguments) {
        state.enable(capability, arguments);
    }

    /**
     * Creates a vCPU and maps its run page. KVM_CREATE_VCPU, section 4.7. Closing a vCPU does not make its id free again:
     * the kernel keeps the vCPU until the VM is gone.
     *
     * @param id
     *            the vCPU's number, on x86 its APIC id; from 0 to below {@link Capability#MAX_VCPU_ID}
     * @return the vCPU, owned by this VM
     * @throws IllegalArgumentException
     *             when the id is out of range or taken
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the VM has {@link Capability#MAX_VCPUS} vCPUs, or its limit of ids is
     *             lower), EMFILE, ENOMEM
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_VCPU)
    public Vcpu createVcpu(int id) {
        state.checkVcpuId(id);
        return new Vcpu(this, id, state, state.createVcpu(id, kvm.vcpuMmapSize()));
    }

    /**
     * Says what guest-physical memory is from now on, whatever it was. The kernel does not tell what has been set: keep it.
     * KVM_SET_MEMORY_ATTRIBUTES, section 4.141, {@link Capability#MEMORY_ATTRIBUTES}, whose value has the attributes of this
     * VM's type. Memory may be given attributes before there is any.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @param attributes
     *            all that it is to have; none makes it shared
     * @throws IllegalArgumentException
     *             when either is no multiple of the page size, the size is not above 0, or the range ends beyond the 64-bit
     *             address space
     * @throws UnsupportedCapabilityException
     *             when this VM lacks an attribute, or has none
     * @throws KvmException
     *             when the kernel refuses: ENOMEM
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_SET_MEMORY_ATTRIBUTES)
    public void setMemoryAttributes(long guestAddress, long size, Set<MemoryAttribute> attributes) {
        state.lifecycle().requireOpen();
        state.checkPages("memory to be given attributes", guestAddress, size);
        long bits = attributes.stream().mapToLong(MemoryAttribute::bit).reduce(0, (a, b) -> a | b);
        int known = checkExtension(Capability.MEMORY_ATTRIBUTES);
        if (known == 0 || (bits & ~known) != 0) {
            throw new UnsupportedCapabilityException(Ioctl.KVM_SET_MEMORY_ATTRIBUTES + " to " + attributes,
                    Capability.MEMORY_ATTRIBUTES);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_memory_attributes.allocate(arena);
            kvm_memory_attributes.address(request, guestAddress);
            kvm_memory_attributes.size(request, size);
            kvm_memory_attributes.attributes(request, bits);
            fd.call(Ioctl.KVM_SET_MEMORY_ATTRIBUTES, request);
        }
    }

    /**
     * Creates an in-kernel device. KVM_CREATE_DEVICE, section 4.79, {@link Capability#DEVICE_CTRL}.
     *
     * @param type
     *            what to create
     * @return the device, owned by this VM
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENODEV (it has no such device), EBUSY or EEXIST (it takes no second one)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_DEVICE)
    public Device createDevice(DeviceType type) {
        return createDevice(type.number());
    }

    /**
     * Creates an in-kernel device of a type that this version of the library may not know. KVM_CREATE_DEVICE, section
     * 4.79, {@link Capability#DEVICE_CTRL}.
     *
     * @param type
     *            a KVM_DEV_TYPE_ number
     * @return the device, owned by this VM
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENODEV (it has no such device), EBUSY or EEXIST (it takes no second one)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_DEVICE)
    public Device createDevice(int type) {
        return new Device(this, type, state, state.createDevice(() -> newDevice(type)));
    }

    private KvmFd newDevice(int type) {
        String what = "device of type " + type;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = deviceRequest(arena, type, 0);
            // Not asked before: kernels before 6.5 announce the capability on some architectures alone.
            long result = fd.attempt(Ioctl.KVM_CREATE_DEVICE, request);
            if (Errno.ENOTTY.is(result)) {
                throw new UnsupportedCapabilityException(Ioctl.KVM_CREATE_DEVICE.name(), Capability.DEVICE_CTRL);
            }
            KvmFd.check(Ioctl.KVM_CREATE_DEVICE, result);
            return new KvmFd(fd.host(), FdKind.DEVICE, fd.own(kvm_create_device.fd(request), what));
        }
    }

    /**
     * Tells whether this VM could have a device of a type, without creating one. KVM_CREATE_DEVICE with
     * KVM_CREATE_DEVICE_TEST, section 4.79.
     *
     * @param type
     *            the type
     * @return whether the kernel knows it
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_DEVICE)
    public boolean canCreateDevice(DeviceType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = deviceRequest(arena, type.number(), kvm_h.KVM_CREATE_DEVICE_TEST());
            return fd.attempt(Ioctl.KVM_CREATE_DEVICE, request) >= 0;
        }
    }

    private static MemorySegment deviceRequest(Arena arena, int type, int flags) {
        MemorySegment request = kvm_create_device.allocate(arena);
        kvm_create_device.type(request, type);
        kvm_create_device.fd(request, -1);
        kvm_create_device.flags(request, flags);
        return request;
    }

    /**
     * Tells whether the VM has an attribute. KVM_HAS_DEVICE_ATTR, section 4.81, {@link Capability#VM_ATTRIBUTES} (arm64
     * has some without announcing them); Documentation/virt/kvm/devices/vm.rst has the attributes.
     *
     * @param group
     *            the group, a KVM_ARM_VM_ or KVM_S390_VM_ number of the architecture
     * @param attribute
     *            the attribute, a number of the group's own
     * @return whether it has
     * @throws KvmException
     *             when the kernel fails otherwise than by saying no
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_HAS_DEVICE_ATTR)
    public boolean hasAttribute(int group, long attribute) {
        return attributes.has(group, attribute);
    }

    /**
     * Sets an attribute of the VM. KVM_SET_DEVICE_ATTR, section 4.80, {@link Capability#VM_ATTRIBUTES}. There is none to
     * read but s390's, which have no typed methods.
     *
     * @param group
     *            the group, a KVM_ARM_VM_ or KVM_S390_VM_ number of the architecture
     * @param attribute
     *            the attribute, a number of the group's own
     * @param value
     *            the value in the host's byte order, of the size that the attribute has; empty for one that has none
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), ENOTTY (no attributes at all), EINVAL, EBUSY (too
     *             late) and others of the attribute's
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setAttribute(int group, long attribute, byte[] value) {
        attributes.set(group, attribute, value);
    }

    /**
     * Sets the level of an input of the in-kernel interrupt controller; an edge is the one after the other. KVM_IRQ_LINE,
     * section 4.25.
     *
     * @param irq
     *            on x86 a GSI: a pin of the IOAPIC, and of the PICs below 16, by default; on riscv a source of the AIA; on
     *            arm64 the kind in bits 24 to 27, the vCPU in bits 16 to 23 and 28 to 31, the interrupt in bits 0 to 15
     * @param level
     *            whether it is active
     * @throws UnsupportedCapabilityException
     *             without an in-kernel interrupt controller in this KVM
     * @throws KvmException
     *             when the kernel refuses: ENXIO (the VM has no such controller), EINVAL (arm64: no such interrupt)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_IRQ_LINE)
    public void setIrqLine(int irq, boolean level) {
        irqLine(Ioctl.KVM_IRQ_LINE, irq, level);
    }

    /**
     * Sets the level of an input of the in-kernel interrupt controller, and tells what became of it, by which a timer can make
     * up for ticks that were lost. KVM_IRQ_LINE_STATUS, {@link Capability#IRQ_INJECT_STATUS}.
     *
     * @param irq
     *            as of {@link #setIrqLine}
     * @param level
     *            whether it is active
     * @return how many vCPUs got it; 0 when an interrupt before it has not been taken yet; negative when it is masked
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENXIO (the VM has no in-kernel interrupt controller)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_IRQ_LINE_STATUS)
    public int setIrqLineStatus(int irq, boolean level) {
        return irqLine(Ioctl.KVM_IRQ_LINE_STATUS, irq, level);
    }

    private int irqLine(Ioctl ioctl, int irq, boolean level) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_irq_level.allocate(arena);
            kvm_irq_level.irq(request, irq);
            kvm_irq_level.level(request, level ? 1 : 0);
            long result = state.fd().attempt(ioctl, request);
            int status = kvm_irq_level.status(request);
            // A kernel that only knows the number of the one that tells leaves irq where the status would be.
            if (result < 0 || (ioctl == Ioctl.KVM_IRQ_LINE_STATUS && status == irq)) {
                state.require(ioctl);
            }
            KvmFd.check(ioctl, result);
            return status;
        }
    }

    /**
     * Returns the way down: ioctls without a typed method, with arguments that nobody checks.
     *
     * @return the raw ioctls of this descriptor
     */
    public RawIoctls unsafe() {
        return new RawIoctls(fd, this::checkExtension);
    }

    /**
     * Tells whether {@link #close()} has been called.
     *
     * @return true once closed
     */
    public boolean isClosed() {
        return state.lifecycle().isClosed();
    }

    /**
     * Closes the vCPUs, after ending their runs, the devices, the VM's descriptor and, last, the memory: every descriptor
     * and every mapping got from a VM keeps the VM alive in the kernel. It waits for runs and calls in progress on other
     * threads to be left, not for what those threads do with an exit; also for system calls of others with a segment of
     * the guest's memory, so end those first. A second call does nothing.
     *
     * @throws KvmException
     *             when a step failed; the others have been done all the same. When a vCPU could not be stopped, the memory
     *             stays mapped, and the call may be made again
     */
    @Override
    public void close() {
        try {
            state.close();
            kvm.forget(state);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public String toString() {
        return "Vm[" + fd + "]";
    }
}
