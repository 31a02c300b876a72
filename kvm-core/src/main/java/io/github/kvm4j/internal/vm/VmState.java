package io.github.kvm4j.internal.vm;

import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Lifecycle;

/** What a {@link io.github.kvm4j.Vm} shares with its facets and its memory. */
public final class VmState {

    private final KvmFd system;
    private final KvmFd fd;
    private final Lifecycle lifecycle = new Lifecycle("VM");
    private final List<Runnable> afterClose = new ArrayList<>();
    private volatile boolean vcpuCreated;

    public VmState(KvmFd system, KvmFd fd) {
        this.system = system;
        this.fd = fd;
    }

    /** The VM's descriptor. */
    public KvmFd fd() {
        return fd;
    }

    public Lifecycle lifecycle() {
        return lifecycle;
    }

    /** Adds a step that must wait until the descriptor is closed, and the guest gone. */
    public void afterClose(Runnable step) {
        afterClose.add(step);
    }

    /** Closes the descriptor and does what waited for it. */
    public void closeFd(Cleanup cleanup) {
        cleanup.step(fd::close);
        afterClose.forEach(cleanup::step);
    }

    /** From now on what must come before the first vCPU is refused. */
    public void setVcpuCreated() {
        vcpuCreated = true;
    }

    /** Refuses what must come before the first vCPU. */
    public void requireNoVcpu(Ioctl ioctl) {
        if (vcpuCreated) {
            throw new IllegalStateException(
                    ioctl + " must come before the first vCPU, and this VM has one; make the call before createVcpu()");
        }
    }

    /** KVM_CHECK_EXTENSION on the VM; kernels before 3.17 take it on the system alone. */
    public int checkExtension(int number) {
        long result = fd.attempt(Ioctl.KVM_CHECK_EXTENSION, number);
        if (Errno.ENOTTY.is(result)) {
            result = system.attempt(Ioctl.KVM_CHECK_EXTENSION, number);
        }
        return (int) KvmFd.check(Ioctl.KVM_CHECK_EXTENSION, result);
    }

    /** Refuses an ioctl whose capability the VM lacks. */
    public void require(Ioctl ioctl) {
        ioctl.capability().ifPresent(capability -> {
            if (checkExtension(capability.number()) == 0) {
                throw new UnsupportedCapabilityException(ioctl.name(), capability);
            }
        });
    }
}
