package io.github.kvm4j.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;

import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.sys.LinuxLibc;

/** A C library whose KVM is a fake's and whose files and memory are the machine's own. */
public final class RealMemory {

    private static final Set<String> REAL = Set.of("open", "mmap", "munmap", "madvise", "memfdCreate", "ftruncate",
            "pageSize");
    private static final Set<String> BY_DESCRIPTOR = Set.of("close", "fcntl");

    private RealMemory() {
    }

    public static Libc over(FakeLibc fake) {
        Libc linux = new LinuxLibc();
        return (Libc) Proxy.newProxyInstance(Libc.class.getClassLoader(), new Class<?>[]{Libc.class},
                (proxy, method, arguments) -> {
                    String name = method.getName();
                    boolean real = REAL.contains(name)
                            || BY_DESCRIPTOR.contains(name) && !fake.has((Integer) arguments[0]);
                    try {
                        return method.invoke(real ? linux : fake, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** A VM on it. */
    public static FakeVm vm() {
        FakeLibc fake = new FakeLibc();
        return new FakeVm(over(fake), fake);
    }
}
