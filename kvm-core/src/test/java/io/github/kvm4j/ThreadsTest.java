package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;

/** A vCPU that one thread runs, and what the others may do. */
@RequiresKvm
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThreadsTest {

    private static final Executor PLATFORM = task -> Thread.ofPlatform().name("runner").start(task);
    private static final Executor VIRTUAL = task -> Thread.ofVirtual().name("runner").start(task);

    /** What {@link #untilInterrupted} has seen of a guest that exits. */
    private final AtomicInteger exits = new AtomicInteger();

    /** Runs until interrupted. */
    private CompletableFuture<Void> untilInterrupted(Vcpu vcpu, Executor executor) {
        return CompletableFuture.runAsync(() -> {
            while (!(vcpu.run() instanceof Exit.Interrupted)) {
                exits.incrementAndGet();
            }
        }, executor);
    }

    /** Until the guest's counter has moved, or an exit has come of it. */
    private void awaitRunning(TestGuest guest) throws InterruptedException {
        for (int i = 0; i < 10_000; i++) {
            if (guest.memory.segment().get(ValueLayout.JAVA_SHORT, TestGuest.TURNS) != 0 || exits.get() != 0) {
                return;
            }
            Thread.sleep(1);
        }
        throw new AssertionError("never seen running");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aKickEndsARunningGuest(boolean virtual) throws Exception {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            CompletableFuture<Void> runner = untilInterrupted(guest.vcpu, virtual ? VIRTUAL : PLATFORM);
            awaitRunning(guest);
            guest.vcpu.kick();
            runner.get(30, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Program.class, names = {"SPIN", "COUNT"})
    void everyKickIsAnsweredByOneInterrupted(Program program) throws Exception {
        int rounds = Rounds.of(20_000);
        try (TestGuest guest = new TestGuest(program)) {
            int[] interrupted = {0};
            CompletableFuture<Void> runner = CompletableFuture.runAsync(() -> {
                while (interrupted[0] < rounds) {
                    if (guest.vcpu.run() instanceof Exit.Interrupted) {
                        synchronized (interrupted) {
                            interrupted[0]++;
                            interrupted.notifyAll();
                        }
                    }
                }
            }, PLATFORM);
            for (int kicks = 1; kicks <= rounds; kicks++) {
                guest.vcpu.kick();
                synchronized (interrupted) {
                    while (interrupted[0] < kicks) {
                        interrupted.wait(10_000);
                        assertTrue(interrupted[0] >= kicks, "a kick was lost");
                    }
                    assertEquals(kicks, interrupted[0], "one Interrupted too many");
                }
            }
            runner.get(30, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Program.class, names = {"SPIN", "COUNT"})
    void kicksOfSeveralThreadsAreAnsweredByAtMostAsManyInterrupted(Program program) throws Exception {
        int kickers = 4;
        int rounds = Rounds.of(2_000);
        try (TestGuest guest = new TestGuest(program)) {
            AtomicInteger interrupted = new AtomicInteger();
            AtomicBoolean over = new AtomicBoolean();
            CompletableFuture<Void> runner = CompletableFuture.runAsync(() -> {
                while (!over.get()) {
                    if (guest.vcpu.run() instanceof Exit.Interrupted) {
                        interrupted.incrementAndGet();
                    }
                }
            }, PLATFORM);
            CompletableFuture<?>[] all = new CompletableFuture<?>[kickers];
            for (int i = 0; i < kickers; i++) {
                all[i] = CompletableFuture.runAsync(() -> {
                    for (int round = 0; round < rounds; round++) {
                        int before = interrupted.get();
                        guest.vcpu.kick();
                        awaitMore(interrupted, before);
                    }
                }, PLATFORM);
            }
            CompletableFuture.allOf(all).get(60, TimeUnit.SECONDS);
            int total = interrupted.get();
            assertTrue(total >= rounds && total <= kickers * rounds,
                    () -> total + " for " + kickers + " times " + rounds);
            over.set(true);
            guest.vcpu.kick();
            runner.get(30, TimeUnit.SECONDS);
            assertTrue(interrupted.get() <= kickers * rounds + 1, interrupted::toString);
        }
    }

    private static void awaitMore(AtomicInteger count, int before) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Rounds.seconds(10));
        while (count.get() == before) {
            assertTrue(System.nanoTime() < end, "a kick was lost");
            Thread.yield();
        }
    }

    @Test
    void aKickReachesEveryNewRunnerThread() throws Exception {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            for (int i = 0; i < Rounds.of(500); i++) {
                CompletableFuture<Void> runner = untilInterrupted(guest.vcpu, i % 2 == 0 ? PLATFORM : VIRTUAL);
                guest.vcpu.kick();
                runner.get(30, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aCallFromASecondThreadIsRefused() throws Exception {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            CompletableFuture<Void> runner = untilInterrupted(guest.vcpu, PLATFORM);
            awaitRunning(guest);
            IllegalStateException e = assertThrows(IllegalStateException.class, guest.vcpu::run);
            assertTrue(e.getMessage().contains("in use by Thread[") && e.getMessage().contains("runner"),
                    e.getMessage());
            guest.vcpu.kick();
            runner.get(30, TimeUnit.SECONDS);
            guest.vcpu.kick();
            assertInstanceOf(Exit.Interrupted.class, guest.vcpu.run());
        }
    }

    @ParameterizedTest
    @EnumSource(value = Program.class, names = {"SPIN", "COUNT"})
    void closingARunningVcpuEndsItsRun(Program program) throws Exception {
        for (int i = 0; i < Rounds.of(200); i++) {
            TestGuest guest = new TestGuest(program);
            CompletableFuture<Void> runner = untilInterrupted(guest.vcpu, PLATFORM);
            if (i % 2 == 0) {
                awaitRunning(guest);
            }
            if (i % 3 == 0) {
                guest.vcpu.close();
            }
            guest.close();
            CompletionException e = assertThrows(CompletionException.class, runner::join);
            assertInstanceOf(ClosedException.class, e.getCause());
            exits.set(0);
        }
        assertEquals(List.of(), ProcessState.kvmFds());
        assertEquals(List.of(), ProcessState.kvmMappings());
    }

    @Test
    void closingFromManyThreadsAtOnceClosesOnce() throws Exception {
        for (int i = 0; i < Rounds.of(100); i++) {
            TestGuest guest = new TestGuest(Program.SPIN);
            CompletableFuture<Void> runner = CompletableFuture.runAsync(() -> {
                while (!guest.vcpu.isClosed()) {
                    guest.vcpu.run();
                }
                throw new ClosedException("the test's vCPU");
            }, PLATFORM);
            CompletableFuture.allOf(CompletableFuture.runAsync(guest.kvm::close, PLATFORM),
                    CompletableFuture.runAsync(guest.vm::close, PLATFORM),
                    CompletableFuture.runAsync(guest.vcpu::close, PLATFORM),
                    CompletableFuture.runAsync(guest.vcpu::kick, PLATFORM)).get(30, TimeUnit.SECONDS);
            assertEquals(List.of(), ProcessState.kvmFds());
            CompletionException e = assertThrows(CompletionException.class, runner::join);
            assertInstanceOf(ClosedException.class, e.getCause());
        }
    }

    @Test
    void aVmIsClosedWhileItsVcpusAreClosedOneByOne() throws Exception {
        for (int i = 0; i < Rounds.of(500); i++) {
            try (Kvm kvm = Kvm.open()) {
                Vm vm = kvm.createVm();
                List<Vcpu> vcpus = new ArrayList<>();
                for (int id = 0; id < 12; id++) {
                    vcpus.add(vm.createVcpu(id));
                }
                CompletableFuture<Void> children = CompletableFuture.runAsync(() -> vcpus.forEach(Vcpu::close),
                        PLATFORM);
                vm.close();
                children.get(30, TimeUnit.SECONDS);
            }
            assertEquals(List.of(), ProcessState.kvmFds(), "round " + i);
        }
    }

    @Test
    void aKickOfAClosedVcpuDoesNothing() {
        Vcpu vcpu;
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            vcpu = guest.vcpu;
        }
        vcpu.kick();
        assertThrows(ClosedException.class, vcpu::run);
    }

    @Test
    void anInterruptedThreadRunsItsGuestAllTheSame() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            Thread.currentThread().interrupt();
            assertInstanceOf(Exit.Mmio.class, guest.vcpu.run());
            assertTrue(Thread.interrupted());
        }
    }
}
