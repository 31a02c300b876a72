package io.github.kvm4j;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.vcpu.VcpuFd;
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
    private final VcpuFd fd;
    private final X86Vcpu x86;

    Vcpu(Vm vm, int id, VcpuFd fd) {
        this.vm = vm;
        this.id = id;
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
     * section 4.10. It allocates nothing.
     * <p>
     * {@link Thread#interrupt()} does not disturb a run; {@link #kick()} ends one. Signals of others are not reported: the
     * run goes on. A virtual thread may run a vCPU, and keeps its carrier thread for as long.
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
    public Exit run() {
        return fd.run();
    }

    /**
     * Makes exactly one run return {@link Exit.Interrupted}: the one in progress, or else the next. Kicks that come before
     * that one count as one. Any thread may call it at any time; on a closed vCPU it does nothing.
     */
    public void kick() {
        fd.kick();
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
     *             when a step failed; the others have been done all the same
     */
    @Override
    public void close() {
        try {
            fd.close();
        } finally {
            vm.forget(this);
        }
    }

    @Override
    public String toString() {
        return "Vcpu[" + fd + "]";
    }
}
