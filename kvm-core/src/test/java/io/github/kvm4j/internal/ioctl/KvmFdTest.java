package io.github.kvm4j.internal.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;

/** Calls on one descriptor from several threads. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KvmFdTest {

    private final FakeLibc libc = new FakeLibc();

    /** Where the errno of the last call of each ioctl was to go. */
    private final Map<Long, Long> errnos = new ConcurrentHashMap<>();

    private final KvmFd fd = new KvmFd(new Host(watched()), FdKind.SYSTEM,
            Fd.own(libc, libc.newFd("system"), "system"));

    private Libc watched() {
        return (Libc) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[]{Libc.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("ioctl")) {
                        errnos.put((Long) arguments[2], ((MemorySegment) arguments[0]).address());
                    }
                    return method.invoke(libc, arguments);
                });
    }

    private long errnoOf(Ioctl ioctl) {
        return errnos.get(ioctl.number());
    }

    @Test
    void callsAtTheSameTimeKeepTheirErrnosApart() {
        CountDownLatch second = new CountDownLatch(1);
        libc.onIoctl(Ioctl.KVM_GET_API_VERSION, () -> Concurrent.await(second));
        CompletableFuture<Void> first = Concurrent.start(() -> fd.attempt(Ioctl.KVM_GET_API_VERSION, 0));
        Concurrent.await(() -> errnos.containsKey(Ioctl.KVM_GET_API_VERSION.number()));

        fd.attempt(Ioctl.KVM_CHECK_EXTENSION, 0);
        assertNotEquals(errnoOf(Ioctl.KVM_GET_API_VERSION), errnoOf(Ioctl.KVM_CHECK_EXTENSION));

        second.countDown();
        Concurrent.finish(first);
        fd.attempt(Ioctl.KVM_CHECK_EXTENSION, 0);
        assertEquals(errnoOf(Ioctl.KVM_GET_API_VERSION), errnoOf(Ioctl.KVM_CHECK_EXTENSION), "alone again");
        fd.close();
    }
}
