package io.github.kvm4j;

import java.lang.ref.Reference;
import java.util.Objects;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.arm64.Arm64Vcpu;
import io.github.kvm4j.bindings.kvm_mp_state;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.OneReg;
import io.github.kvm4j.internal.vcpu.PreFault;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.riscv.RiscvVcpu;
import io.github.kvm4j.unsafe.RawIoctls;
import io.github.kvm4j.x86.X86Vcpu;

/**
 * A virtual CPU. It belongs to the thread that runs it: a call from a second thread while one is in progress is refused
 * with {@link IllegalStateException}, because the kernel would let it wait until the guest exits. {@link #kick()} and
 * {@link #close()} alone may be called by any thread at any time. Between calls a vCPU may go from one thread to another;
 * KVM documents that this costs time.
 * <p>
 * KVM documentation, section 4, "API description", the ioctls of type "vcpu ioctl".
 */
public final class Vcpu implements AutoCloseable {

    private final Vm vm;
    private final int id;
    private final VmState state;
    private final VcpuFd fd;
    private final OneReg registers;
    private final Attributes attributes;

    /** The host's architecture's; the others are null, so that their classes are not loaded. */
    private final @Nullable X86Vcpu x86;
    private final @Nullable Arm64Vcpu arm64;
    private final @Nullable RiscvVcpu riscv;

    Vcpu(Vm vm, int id, VmState state, VcpuFd fd) {
        this.vm = vm;
        this.id = id;
        this.state = state;
        this.fd = fd;
        this.registers = new OneReg(state, fd);
        this.attributes = new Attributes(fd);
        this.x86 = Architecture.ON_X86 ? new X86Vcpu(state, fd, registers, vm.memory()) : null;
        this.arm64 = Architecture.ON_ARM64 ? new Arm64Vcpu(state, fd, registers, attributes) : null;
        this.riscv = Architecture.ON_RISCV ? new RiscvVcpu(state, fd, registers) : null;
    }

    /**
     * Returns the VM that owns this vCPU.
     *
     * @return the VM
     */
    public Vm vm() {
        return vm;
    }

    /**
     * Returns the vCPU's number.
     *
     * @return what {@link Vm#createVcpu(int)} was given
     */
    public int id() {
        return id;
    }

    /**
     * Returns what only x86 has.
     *
     * @return the x86 part, the same object each time
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public X86Vcpu x86() {
        return Architecture.X86.require(x86, "Vcpu.x86()");
    }

    /**
     * Returns what only arm64 has.
     *
     * @return the arm64 part, the same object each time
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public Arm64Vcpu arm64() {
        return Architecture.ARM64.require(arm64, "Vcpu.arm64()");
    }

    /**
     * Returns what only riscv has.
     *
     * @return the riscv part, the same object each time
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public RiscvVcpu riscv() {
        return Architecture.RISCV.require(riscv, "Vcpu.riscv()");
    }

    /**
     * Hands the answer to the last exit over and runs the guest on the calling thread until its next exit. KVM_RUN,
     * section 4.10. On a platform thread it allocates nothing, but for what a kind of exit, and a
     * port string, need when they come to this vCPU for the first time.
     * <p>
     * {@link Thread#interrupt()} does not disturb a run; {@link #kick()} ends one. Signals of others are not reported: the
     * run goes on. A virtual thread may run a vCPU, and keeps its carrier thread for as long: with as many guests on
     * virtual threads as there are carriers, no other virtual thread gets on, one that would kick included.
     *
     * @return the exit, valid until the next call
     * @throws KvmException
     *             when the kernel refuses: EFAULT (guest memory whose mapping is gone), EIO (another process than the VM's
     *             creator, or KVM has declared the VM dead), EINVAL (x86: what the run page has); on arm64 also ENOEXEC (not
     *             initialised), EPERM (a feature is not finalized) and, at the first run, what the parts of the VM that are
     *             mapped then lack: ENXIO (an address of the interrupt controller), EBUSY (its initialisation), EINVAL (its
     *             frames overlap, two timers have one interrupt, or the PMU is not ready)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when closed, also when it is closed meanwhile
     */
    @Issues(Ioctl.KVM_RUN)
    public Exit run() {
        try {
            return fd.run();
        } finally {
            // A VM is not forgotten as long as it runs.
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Completes the instruction that the last exit interrupted, without letting the guest go on: KVM_RUN with
     * {@code immediate_exit}, section 5, again and again until it returns EINTR. Port and memory-mapped I/O and the like are
     * complete only when the kernel is entered again; so do this before the vCPU's state is read to be saved. It may bring
     * more exits, such as the second half of an access that crosses a page, which go to the handler. A kick that is pending
     * stays pending.
     *
     * @param handler
     *            gets the exits that come, and answers them as after {@link #run()}
     * @throws KvmException
     *             when the kernel refuses, as {@link #run()}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_RUN)
    public void completePending(Consumer<? super Exit> handler) {
        Objects.requireNonNull(handler, "handler");
        try {
            for (Exit exit = fd.completePending(); exit != null; exit = fd.completePending()) {
                handler.accept(exit);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Makes exactly one run return {@link Exit.Interrupted}: the one in progress, or else the next. Kicks that come before
     * that one count as one. Any thread may call it at any time; on a closed vCPU it does nothing. It allocates nothing.
     * <p>
     * An instruction is completed first: when the guest's access to a device crosses a page, its second half comes as an
     * exit before the {@code Interrupted}.
     *
     * @throws KvmException
     *             when the signal cannot be sent (EAGAIN: the user's limit of pending signals, ulimit -i, is exhausted);
     *             the run in progress goes on until the guest's next exit, and the run after it is the one interrupted
     */
    public void kick() {
        fd.kick();
    }

    /**
     * Maps guest memory before it is used, as if the vCPU had read it, so that the guest need not wait for it.
     * KVM_PRE_FAULT_MEMORY, section 4.143, {@link Capability#PRE_FAULT_MEMORY}, repeated until all is mapped; a signal does
     * not end it, {@link #close()} does. Host memory that nobody has touched is not written to: it stays the page of zeros.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @throws IllegalArgumentException
     *             when either is no multiple of the page size, the size is not above 0, or the range ends beyond the 64-bit
     *             address space
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses, at an address that the message has: ENOENT (no memory slot has it), EFAULT (the
     *             memory behind it is gone), EOPNOTSUPP (this vCPU's pages are not mapped so: shadow page tables, as of a
     *             guest that runs guests)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed, also when it is closed meanwhile
     */
    @Issues(Ioctl.KVM_PRE_FAULT_MEMORY)
    public void preFaultMemory(long guestAddress, long size) {
        state.checkPages("memory to be mapped", guestAddress, size);
        PreFault.map(state, fd, guestAddress, size);
    }

    /**
     * Enables a capability of a vCPU that is not on by itself. KVM_ENABLE_CAP, section 4.37,
     * {@link Capability#ENABLE_CAP}; what each takes is {@link Capability#enabling()}, and section 6 of KVM's
     * documentation.
     *
     * @param capability
     *            one that is enabled on a vCPU
     * @param arguments
     *            its arguments, as many as {@link Capability.Enabling#arguments()} names
     * @throws IllegalArgumentException
     *             when it is not enabled, or on the VM, takes an address, or another number of arguments
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (arguments that it does not take, or something that it needs is missing)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enable(Capability capability, long... arguments) {
        state.enable(fd, capability, arguments);
    }

    /**
     * Tells what the vCPU is doing: whether it runs, is halted or waits to be started. KVM_GET_MP_STATE, section 4.38,
     * {@link Capability#MP_STATE}. On x86 it means something with an in-kernel local APIC alone.
     *
     * @return the state
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_MP_STATE)
    public MpState getMpState() {
        fd.enter();
        try {
            checkMpState(Ioctl.KVM_GET_MP_STATE, fd.entered(Ioctl.KVM_GET_MP_STATE, fd.buffer()));
            return MpState.of(kvm_mp_state.mp_state(fd.buffer()));
        } finally {
            fd.leave();
        }
    }

    /**
     * Puts the vCPU into a state, when it is restored or by the caller's own means of starting processors. KVM_SET_MP_STATE,
     * section 4.39, {@link Capability#MP_STATE}. On x86 it takes more than {@link MpState#RUNNABLE} with an in-kernel local
     * APIC alone.
     *
     * @param mpState
     *            the state
     * @throws IllegalArgumentException
     *             for {@link MpState#UNKNOWN}
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a state that this architecture does not have, or without an in-kernel
     *             local APIC, or that does not go with a pending INIT)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_MP_STATE)
    public void setMpState(MpState mpState) {
        fd.enter();
        try {
            if (mpState == MpState.UNKNOWN) {
                throw new IllegalArgumentException("UNKNOWN is what the kernel says, not a state to set");
            }
            kvm_mp_state.mp_state(fd.buffer(), mpState.number());
            checkMpState(Ioctl.KVM_SET_MP_STATE, fd.entered(Ioctl.KVM_SET_MP_STATE, fd.buffer()));
        } finally {
            fd.leave();
        }
    }

    private void checkMpState(Ioctl ioctl, long result) {
        if (Errno.EINVAL.is(result) || Errno.ENOTTY.is(result)) {
            state.require(ioctl, FdKind.VCPU);
        }
        KvmFd.check(ioctl, result);
    }

    /**
     * Reads a register of at most 64 bits by its id. KVM_GET_ONE_REG, section 4.69, {@link Capability#ONE_REG} (on x86
     * since Linux 6.18). It allocates nothing. The facets have it with typed ids: {@link X86Vcpu#getOneReg},
     * {@link Arm64Vcpu#getOneReg}, {@link RiscvVcpu#getOneReg}.
     *
     * @param id
     *            a KVM_REG_ number, which says the architecture, the size and the register
     * @return the value, zero-extended
     * @throws IllegalArgumentException
     *             when the id says more than 64 bits
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register), EINVAL (no id of this architecture, or of
     *             another size), EPERM or ENOEXEC (arm64: before KVM_ARM_VCPU_INIT or KVM_ARM_VCPU_FINALIZE)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public long getOneReg(long id) {
        return registers.get(id);
    }

    /**
     * Writes a register of at most 64 bits by its id. KVM_SET_ONE_REG, section 4.68, {@link Capability#ONE_REG}. It
     * allocates nothing.
     *
     * @param id
     *            a KVM_REG_ number
     * @param value
     *            the value; bits beyond the register's size are ignored
     * @throws IllegalArgumentException
     *             when the id says more than 64 bits
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register), EINVAL (no id of this architecture, or a
     *             value that the register cannot have), EBUSY (too late: the vCPU has run), EPERM or ENOEXEC (arm64: before
     *             KVM_ARM_VCPU_INIT, or a register that cannot be set any more)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneReg(long id, long value) {
        registers.set(id, value);
    }

    /**
     * Reads a register of any size by its id, a vector register for one. KVM_GET_ONE_REG, section 4.69,
     * {@link Capability#ONE_REG}.
     *
     * @param id
     *            a KVM_REG_ number
     * @return the bytes, the lowest first, as many as the id says
     * @throws IllegalArgumentException
     *             when the id says more than 256 bytes
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses, as {@link #getOneReg(long)}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public byte[] getOneRegBytes(long id) {
        return registers.getBytes(id);
    }

    /**
     * Writes a register of any size by its id. KVM_SET_ONE_REG, section 4.68, {@link Capability#ONE_REG}.
     *
     * @param id
     *            a KVM_REG_ number
     * @param bytes
     *            the bytes, the lowest first, as many as the id says
     * @throws IllegalArgumentException
     *             when there are more bytes, or fewer, or the id says more than 256
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses, as {@link #setOneReg(long, long)}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneRegBytes(long id, byte[] bytes) {
        registers.setBytes(id, bytes);
    }

    /**
     * Lists the registers that {@link #getOneReg(long)} and its like take of this vCPU. KVM_GET_REG_LIST, section 4.84,
     * {@link Capability#ONE_REG}. The list is sized by itself.
     *
     * @return the ids, KVM_REG_ numbers, in the kernel's order
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENOEXEC or EPERM (arm64: before KVM_ARM_VCPU_INIT or KVM_ARM_VCPU_FINALIZE)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REG_LIST)
    public long[] getRegList() {
        return registers.list();
    }

    /**
     * Tells whether the vCPU has an attribute. KVM_HAS_DEVICE_ATTR, section 4.81, {@link Capability#VCPU_ATTRIBUTES};
     * Documentation/virt/kvm/devices/vcpu.rst has the attributes.
     *
     * @param group
     *            the group, a KVM_ARM_VCPU_ or KVM_VCPU_ number of the architecture
     * @param attribute
     *            the attribute, a number of the group's own
     * @return whether it has
     * @throws KvmException
     *             when the kernel fails otherwise than by saying no
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_HAS_DEVICE_ATTR)
    public boolean hasAttribute(int group, long attribute) {
        return attributes.has(group, attribute);
    }

    /**
     * Sets an attribute of the vCPU. KVM_SET_DEVICE_ATTR, section 4.80, {@link Capability#VCPU_ATTRIBUTES}.
     *
     * @param group
     *            the group, a KVM_ARM_VCPU_ or KVM_VCPU_ number of the architecture
     * @param attribute
     *            the attribute, a number of the group's own
     * @param value
     *            the value in the host's byte order, of the size that the attribute has; empty for one that has none
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), EINVAL, EBUSY (too late) and others of the attribute's
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setAttribute(int group, long attribute, byte[] value) {
        attributes.set(group, attribute, value);
    }

    /**
     * Reads an attribute of the vCPU. KVM_GET_DEVICE_ATTR, section 4.80, {@link Capability#VCPU_ATTRIBUTES}.
     *
     * @param group
     *            the group, a KVM_ARM_VCPU_ or KVM_VCPU_ number of the architecture
     * @param attribute
     *            the attribute, a number of the group's own
     * @param size
     *            the size that the attribute has, in bytes
     * @return the value in the host's byte order
     * @throws IllegalArgumentException
     *             when the size is negative
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), EINVAL and others of the attribute's
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public byte[] getAttribute(int group, long attribute, int size) {
        return attributes.get(group, attribute, size);
    }

    /**
     * Returns the way down: ioctls without a typed method, with arguments that nobody checks.
     *
     * @return the raw ioctls of this descriptor
     */
    public RawIoctls unsafe() {
        return new RawIoctls(fd, vm::checkExtension);
    }

    /**
     * Tells whether {@link #close()} has been called.
     *
     * @return true once closed
     */
    public boolean isClosed() {
        return fd.isClosed();
    }

    /**
     * Ends a run in progress, whose {@link #run()} then throws {@link ClosedException}, unmaps the run page and closes the
     * descriptor. Any thread may call it. The kernel keeps the vCPU, and its number taken, until the VM is gone. A second
     * call does nothing.
     *
     * @throws KvmException
     *             when a step failed; the others have been done all the same. When the guest could not be kicked out, the
     *             vCPU is still there, and the call may be made again
     */
    @Override
    public void close() {
        try {
            fd.close();
        } finally {
            if (fd.isDone()) {
                state.forget(fd);
            }
        }
    }

    @Override
    public String toString() {
        return "Vcpu[" + fd + "]";
    }
}
