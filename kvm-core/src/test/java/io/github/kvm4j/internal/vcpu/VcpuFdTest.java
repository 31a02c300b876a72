package io.github.kvm4j.internal.vcpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;

/** Running, kicking and closing, in orders that a test on KVM meets by chance alone. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VcpuFdTest {

    private final FakeLibc libc = new FakeLibc();
    private final Host host = new Host(libc);
    private VcpuFd vcpu = open();

    private VcpuFd open() {
        Fd fd = Fd.own(libc, libc.newFd("vCPU 0"), "vCPU 0");
        return VcpuFd.own(host, fd, FakeLibc.VCPU_MMAP_SIZE, 0);
    }

    @Test
    void aSignalOfSomebodyElseDoesNotEndARun() {
        AtomicInteger runs = new AtomicInteger();
        libc.answering(Ioctl.KVM_RUN,
                () -> runs.incrementAndGet() == 1 ? -Errno.EINTR.number() : FakeLibc.AS_USUAL);
        assertInstanceOf(Exit.Hlt.class, vcpu.run());
        assertEquals(2, runs.get());
        vcpu.close();
    }

    /** The thread may end after run(), and another one get its id. The vCPU itself is free by then. */
    @Test
    void aRunDoesNotReturnWhileASignalIsOnItsWayToItsThread() {
        CountDownLatch inTheGuest = new CountDownLatch(1);
        CountDownLatch signalling = new CountDownLatch(1);
        CountDownLatch signalled = new CountDownLatch(1);
        libc.onIoctl(Ioctl.KVM_RUN, () -> {
            inTheGuest.countDown();
            Concurrent.await(signalling);
        });
        libc.onTgkill(() -> {
            signalling.countDown();
            Concurrent.await(signalled);
        });
        CompletableFuture<Void> runner = Concurrent.start(vcpu::run);
        Concurrent.await(inTheGuest);
        CompletableFuture<Void> kicker = Concurrent.start(vcpu::kick);
        Concurrent.await(signalling);
        Concurrent.await(this::isFree);
        Concurrent.assertWaits(runner);
        signalled.countDown();
        Concurrent.finish(runner);
        Concurrent.finish(kicker);
        vcpu.close();
    }

    private boolean isFree() {
        try {
            vcpu.enter();
        } catch (IllegalStateException e) {
            return false;
        }
        vcpu.leave();
        return true;
    }

    @Test
    void aRunIsRefusedOnceACloseHasBegun() {
        for (int i = 0; i < 50; i++) {
            vcpu.enter();
            CompletableFuture<Void> closer = Concurrent.start(vcpu::close);
            Concurrent.await(vcpu::isClosed);
            Concurrent.pause(2); // until the closer sleeps between its looks
            vcpu.leave();
            assertThrows(ClosedException.class, vcpu::run);
            Concurrent.finish(closer);
            vcpu = open();
        }
        vcpu.close();
        assertEquals(0, libc.count("KVM_RUN"));
    }

    private long unblockedIn(Runnable runs) {
        Concurrent.finish(Concurrent.start(runs));
        return libc.count("pthread_sigmask");
    }

    @Test
    void aPlatformThreadUnblocksTheSignalOnce() {
        assertEquals(1, unblockedIn(() -> {
            vcpu.run();
            vcpu.run();
        }));
        assertEquals(2, unblockedIn(vcpu::run), "another thread");
        vcpu.close();
    }

    @Test
    void aVirtualThreadUnblocksTheSignalAtEveryRunSinceItsCarrierMayHaveChanged() {
        Concurrent.finish(Concurrent.startVirtual(() -> {
            vcpu.run();
            vcpu.run();
        }));
        assertEquals(2, libc.count("pthread_sigmask"));
        vcpu.close();
    }

    @Test
    void whoIsRefusedIsToldWhoRunsAlsoWhenAnotherWasInSinceItsLastRun() {
        vcpu.run();
        Concurrent.finish(Concurrent.start(() -> {
            vcpu.enter();
            vcpu.leave();
        }));
        String runner = Thread.currentThread().toString();
        AtomicReference<String> told = new AtomicReference<>();
        libc.onIoctl(Ioctl.KVM_RUN, () -> Concurrent.finish(Concurrent.start(
                () -> told.set(assertThrows(IllegalStateException.class, vcpu::enter).getMessage()))));
        vcpu.run();
        assertTrue(told.get().contains(runner), told::get);
        vcpu.close();
    }

    private boolean immediateExit() {
        return vcpu.runPage().immediateExit();
    }

    @Test
    void completingEntersTheKernelWithImmediateExitAndTakesItBack() {
        AtomicInteger runs = new AtomicInteger();
        libc.answering(Ioctl.KVM_RUN, () -> {
            assertTrue(immediateExit());
            return runs.incrementAndGet() == 1 ? FakeLibc.AS_USUAL : -Errno.EINTR.number();
        });
        assertInstanceOf(Exit.Hlt.class, vcpu.completePending());
        assertFalse(immediateExit());
        assertNull(vcpu.completePending());
        assertFalse(immediateExit());
        vcpu.close();
    }

    @Test
    void completingLeavesAKickPending() {
        libc.answering(Ioctl.KVM_RUN, () -> -Errno.EINTR.number());
        vcpu.kick();
        assertNull(vcpu.completePending());
        assertTrue(immediateExit());
        assertInstanceOf(Exit.Interrupted.class, vcpu.run());
        assertFalse(immediateExit());
        // Also one that comes meanwhile.
        libc.onIoctl(Ioctl.KVM_RUN, vcpu::kick);
        assertNull(vcpu.completePending());
        assertTrue(immediateExit());
        libc.onIoctl(Ioctl.KVM_RUN, () -> {
        });
        assertInstanceOf(Exit.Interrupted.class, vcpu.run());
        assertFalse(immediateExit());
        assertEquals(0, libc.count("tgkill"), "nobody ran");
        vcpu.close();
    }

    @Test
    void aFailureWhileCompletingTakesImmediateExitBackToo() {
        libc.answering(Ioctl.KVM_RUN, () -> -Errno.EIO.number());
        assertEquals("EIO", assertThrows(KvmException.class, vcpu::completePending).errnoName());
        assertFalse(immediateExit());
        vcpu.close();
        assertThrows(ClosedException.class, vcpu::completePending);
    }
}
