package io.github.kvm4j.testing;

import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;

/** A VM on a fake KVM, and its memory, without the rest: for tests in other packages than the VM's own. */
public final class FakeVm implements AutoCloseable {

    public final VmState state;
    public final GuestMemory memory;
    private final KvmFd system;

    public FakeVm(FakeLibc libc) {
        this(libc, libc);
    }

    /** With a C library of the caller's, which passes on to the fake what is KVM's. */
    public FakeVm(Libc libc, FakeLibc fake) {
        Host host = new Host(libc);
        system = new KvmFd(host, FdKind.SYSTEM, Fd.own(fake, fake.newFd("Kvm"), "Kvm"));
        state = new VmState(system, new KvmFd(host, FdKind.VM, Fd.own(fake, fake.newFd("VM"), "VM")));
        memory = new GuestMemory(state);
    }

    @Override
    public void close() {
        state.close();
        system.close();
    }
}
