package io.github.kvm4j.bench;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

import io.github.kvm4j.Capability;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.sys.LinuxLibc;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;

/**
 * A guest's memory on a machine that need have no KVM: it is mapped as any, and what should tell KVM of it is not called.
 * Access to guest memory makes no system call, so that it is the same as a VM's.
 */
public abstract class GuestRam extends Opened {

    private static final int SLOTS = 512;

    private KvmFd system;
    private VmState vm;
    GuestMemory memory;

    /** Only for what is in this package. */
    GuestRam() {
    }

    @Override
    void open() {
        Libc libc = withoutKvm(new LinuxLibc());
        Host host = new Host(libc);
        system = new KvmFd(host, FdKind.SYSTEM, nothing(libc, "Kvm"));
        vm = new VmState(system, new KvmFd(host, FdKind.VM, nothing(libc, "VM")));
        memory = new GuestMemory(vm);
    }

    @Override
    public final void close() {
        vm.close();
        system.close();
    }

    private static Fd nothing(Libc libc, String what) {
        long fd = libc.open("/dev/null", 0);
        if (fd < 0) {
            throw new IllegalStateException("/dev/null cannot be opened: errno " + -fd);
        }
        return Fd.own(libc, Math.toIntExact(fd), what);
    }

    /** The machine's own C library, but for the ioctls: they all succeed, and there are slots. */
    private static Libc withoutKvm(Libc libc) {
        return (Libc) Proxy.newProxyInstance(Libc.class.getClassLoader(), new Class<?>[]{Libc.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("ioctl")) {
                        boolean slots = (long) arguments[2] == kvm_h.KVM_CHECK_EXTENSION()
                                && arguments[3].equals((long) Capability.NR_MEMSLOTS.number());
                        return slots ? (long) SLOTS : 0L;
                    }
                    try {
                        return method.invoke(libc, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
