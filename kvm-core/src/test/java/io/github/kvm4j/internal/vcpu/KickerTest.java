package io.github.kvm4j.internal.vcpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.internal.exit.RunPage;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;

/** Kicks: none is lost, and what the signal's failures mean. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KickerTest {

    private final FakeLibc libc = new FakeLibc();
    private final MemorySegment page = Arena.ofAuto().allocate(FakeLibc.VCPU_MMAP_SIZE, 4096);
    private volatile int state;
    private final Kicker kicker = new Kicker(new Host(libc), new RunPage(page), Arena.ofAuto().allocate(Libc.ERRNO),
            () -> state);

    private boolean immediateExit() {
        return page.get(ValueLayout.JAVA_BYTE, kvm_run.immediate_exit$offset()) == 1;
    }

    /** Meets the other thread, as closely as can be. */
    private static void meet(AtomicInteger arrivals, int round) {
        arrivals.incrementAndGet();
        for (int i = 0; arrivals.get() < 2 * round; i++) {
            if (i < 2000) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    private static void spin(int times) {
        for (int i = 0; i < times; i++) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aKickDuringTheAnswerToAnotherIsTakenOrLeftForTheNextRun() {
        int rounds = 200_000;
        AtomicInteger arrivals = new AtomicInteger();
        CompletableFuture<Void> kicks = Concurrent.start(() -> {
            for (int round = 0; round < rounds; round++) {
                meet(arrivals, 2 * round + 1);
                spin(round % 8);
                kicker.kick();
                meet(arrivals, 2 * round + 2);
            }
        });
        int lost = 0;
        for (int round = 0; round < rounds; round++) {
            meet(arrivals, 2 * round + 1);
            spin(round / 8 % 8);
            boolean taken = kicker.takeKick();
            meet(arrivals, 2 * round + 2);
            if (!taken && !immediateExit()) {
                lost++;
            }
            kicker.takeKick();
        }
        Concurrent.finish(kicks);
        assertEquals(0, lost, "lost kicks of " + rounds);
    }

    @Test
    void aKickWhileImmediateExitIsWithdrawnStaysPending() {
        int rounds = 200_000;
        AtomicInteger arrivals = new AtomicInteger();
        RunPage runPage = new RunPage(page);
        CompletableFuture<Void> kicks = Concurrent.start(() -> {
            for (int round = 0; round < rounds; round++) {
                meet(arrivals, 2 * round + 1);
                spin(round % 8);
                kicker.kick();
                meet(arrivals, 2 * round + 2);
            }
        });
        int lost = 0;
        for (int round = 0; round < rounds; round++) {
            runPage.requestImmediateExit();
            meet(arrivals, 2 * round + 1);
            spin(round / 8 % 8);
            kicker.withdrawImmediateExit();
            meet(arrivals, 2 * round + 2);
            if (!immediateExit() || !kicker.takeKick()) {
                lost++;
            }
        }
        Concurrent.finish(kicks);
        assertEquals(0, lost, "lost kicks of " + rounds);
    }

    @Test
    void aKickIsTakenOnce() {
        kicker.kick();
        assertTrue(immediateExit());
        assertTrue(kicker.takeKick());
        assertEquals(false, kicker.takeKick() || immediateExit());
        assertEquals(0, libc.count("tgkill"), "nobody runs");
    }

    @Test
    void theSignalIsSentAgainWhenTooManyArePending() {
        state = 42;
        AtomicInteger tries = new AtomicInteger();
        libc.answeringTgkill(() -> tries.incrementAndGet() == 1 ? -Errno.EAGAIN.number() : 0);
        kicker.kick();
        assertEquals(2, libc.count("tgkill"));
    }

    @Test
    void theLimitOfPendingSignalsIsNamedWhenItStaysReached() {
        state = 42;
        libc.answeringTgkill(() -> -Errno.EAGAIN.number());
        KvmException e = assertThrows(KvmException.class, kicker::kick);
        assertEquals("EAGAIN", e.errnoName());
        assertTrue(e.getMessage().contains("ulimit -i"), e.getMessage());
    }

    @Test
    void aSignalThatCannotBeSentIsReported() {
        state = 42;
        libc.answeringTgkill(() -> -Errno.ESRCH.number());
        KvmException e = assertThrows(KvmException.class, kicker::kick);
        assertTrue(e.call().startsWith("tgkill(42"), e.call());
        assertEquals("ESRCH", e.errnoName());
        assertEquals(1, libc.count("tgkill"));
    }
}
