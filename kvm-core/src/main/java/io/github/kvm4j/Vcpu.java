package io.github.kvm4j;

import java.lang.ref.Reference;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;
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
    private final X86Vcpu x86;

    Vcpu(Vm vm, int id, VmState state, VcpuFd fd) {
        this.vm = vm;
        this.id = id;
        this.state = state;
        this.fd = fd;
        this.x86 = new X86Vcpu(fd);
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
        Architecture.X86.require("Vcpu.x86()");
        return x86;
    }

    /**
     * Hands the answer to the last exit over and runs the guest on the calling thread until its next exit. KVM_RUN,
     * section 4.10. On a platform thread it allocates nothing.
     * <p>
     * {@link Thread#interrupt()} does not disturb a run; {@link #kick()} ends one. Signals of others are not reported: the
     * run goes on. A virtual thread may run a vCPU, and keeps its carrier thread for as long: with as many guests on
     * virtual threads as there are carriers, no other virtual thread gets on, one that would kick included.
     *
     * @return the exit, valid until the next call
     * @throws KvmException
     *             when the kernel refuses: EFAULT (guest memory whose mapping is gone), ENOEXEC (arm64: not initialised),
     *             EIO (another process than the VM's creator)
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
     * Makes exactly one run return {@link Exit.Interrupted}: the one in progress, or else the next. Kicks that come before
     * that one count as one. Any thread may call it at any time; on a closed vCPU it does nothing. It allocates nothing.
     *
     * @throws KvmException
     *             when the signal cannot be sent (EAGAIN: the user's limit of pending signals, ulimit -i, is exhausted);
     *             the kick then takes effect at the guest's next exit
     */
    public void kick() {
        fd.kick();
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
