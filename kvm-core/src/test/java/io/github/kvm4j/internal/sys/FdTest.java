package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;

/** A descriptor and the calls on it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@DependsOnHost
class FdTest {

    private final FakeLibc libc = new FakeLibc();
    private final Fd fd = Fd.own(libc, libc.newFd("file"), "file");

    @Test
    void closeWaitsForTheCallsInProgress() {
        fd.acquire();
        fd.acquire();
        CompletableFuture<Void> closer = Concurrent.start(fd::close);
        Concurrent.await(fd::isClosed);
        assertThrows(ClosedException.class, fd::acquire);
        fd.release();
        Concurrent.assertWaits(closer);
        assertEquals(List.of("file"), libc.openFds());
        fd.release();
        Concurrent.finish(closer);
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aCallIsAloneWhenNoOtherIsIn() {
        assertTrue(fd.enter());
        assertFalse(fd.enter());
        fd.release();
        assertFalse(fd.enter(), "one is left");
        fd.release();
        fd.release();
        assertTrue(fd.enter());
        fd.release();
        fd.close();
    }
}
