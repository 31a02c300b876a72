package io.github.kvm4j.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;
import io.github.kvm4j.util.ExitHandler.Next;

/** The run loop's thread: how it ends, and what a pause is good for. */
@RequiresKvm
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VcpuThreadTest {

    /** Counts the guest's accesses, and lets it go on. */
    private static ExitHandler counting(AtomicInteger accesses) {
        return exit -> {
            switch (exit) {
                case Exit.Mmio _ -> accesses.incrementAndGet();
                case Exit.Interrupted _ -> Thread.onSpinWait();
                default -> throw new IllegalStateException("unexpected exit: " + exit);
            }
            return Next.RUN;
        };
    }

    private static VcpuThread start(Vcpu vcpu, ExitHandler handler) {
        return VcpuThread.start("vcpu-" + vcpu.id(), vcpu, handler);
    }

    @Test
    void theHandlerGetsEachExitOnTheThreadAndEndsIt() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            List<String> threads = new ArrayList<>();
            VcpuThread thread = start(guest.vcpu, exit -> {
                threads.add(Thread.currentThread().getName());
                return exit instanceof Exit.Mmio ? Next.RUN : Next.END;
            });
            assertEquals(VcpuThread.End.HANDLER, Concurrent.finish(thread.end()));
            assertEquals(List.of("vcpu-0", "vcpu-0", "vcpu-0"), threads);
            assertSame(guest.vcpu, thread.vcpu());
        }
    }

    @ParameterizedTest
    @EnumSource(value = Program.class, names = {"SPIN", "COUNT", "WAIT"})
    void stoppingEndsTheThreadAndLeavesTheVcpuOpen(Program program) {
        try (TestGuest guest = new TestGuest(program, true)) {
            VcpuThread thread = start(guest.vcpu, counting(new AtomicInteger()));
            Concurrent.pause(10);
            assertFalse(thread.end().isDone());
            thread.close();
            assertEquals(VcpuThread.End.STOPPED, thread.end().join());
            assertFalse(guest.vcpu.isClosed());
            // No kick is left over.
            thread.stop();
            thread.pause().close();
            if (program == Program.COUNT) {
                assertInstanceOf(Exit.Mmio.class, guest.vcpu.run());
            }
        }
    }

    @Test
    void aPauseKeepsTheGuestWhereItIs() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            AtomicInteger accesses = new AtomicInteger();
            VcpuThread thread = start(guest.vcpu, counting(accesses));
            for (int i = 0; i < 5; i++) {
                int before = accesses.get();
                Concurrent.await(() -> accesses.get() > before);
                try (Pause _ = thread.pause()) {
                    int paused = accesses.get();
                    guest.vcpu.completePending(exit -> {
                        throw new AssertionError(exit);
                    });
                    Concurrent.pause(5);
                    assertEquals(paused, accesses.get());
                }
            }
            thread.close();
        }
    }

    /** An access that crosses a page has two halves: a pause never falls between them. */
    @Test
    @RequiresKvm(arch = Architecture.X86)
    void aPauseFindsTheLastInstructionComplete() {
        // again: mov [0xffe], eax; inc eax; jmp again
        try (RealModeGuest guest = new RealModeGuest("b8 00 20 8e d8 66 31 c0 66 a3 fe 0f 66 40 eb f8")) {
            AtomicInteger accesses = new AtomicInteger();
            VcpuThread thread = start(guest.vcpu, counting(accesses));
            for (int i = 0; i < 300; i++) {
                int before = accesses.get();
                Concurrent.await(() -> accesses.get() > before);
                try (Pause _ = thread.pause()) {
                    assertEquals(0, accesses.get() % 2);
                    long turns = accesses.get() / 2;
                    long counted = guest.vcpu.x86().getRegs().rax;
                    assertTrue(counted == turns || counted == turns - 1, () -> counted + " of " + turns);
                }
            }
            thread.close();
        }
    }

    @Test
    void aPauseWaitsForTheHandler() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            CountDownLatch inHandler = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            VcpuThread thread = start(guest.vcpu, exit -> {
                if (exit instanceof Exit.Mmio mmio && mmio.isRead()) {
                    inHandler.countDown();
                    Concurrent.await(goOn);
                    mmio.answer(7);
                }
                return exit instanceof Exit.Mmio || exit instanceof Exit.Interrupted ? Next.RUN : Next.END;
            });
            Concurrent.await(inHandler);
            CompletableFuture<Pause> pause = Concurrent.call(thread::pause);
            Concurrent.pause(50);
            assertFalse(pause.isDone());
            goOn.countDown();
            Concurrent.finish(pause).close();
            assertEquals(VcpuThread.End.HANDLER, Concurrent.finish(thread.end()));
        }
    }

    @Test
    void pausesMayOverlap() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            AtomicInteger accesses = new AtomicInteger();
            VcpuThread thread = start(guest.vcpu, counting(accesses));
            Pause one = thread.pause();
            Pause two = thread.pause();
            int paused = accesses.get();
            one.close();
            one.close();
            Concurrent.pause(20);
            assertEquals(paused, accesses.get());
            two.close();
            Concurrent.await(() -> accesses.get() > paused);
            thread.close();
        }
    }

    @Test
    void aPauseOfAPausedThreadLeavesNoKickBehind() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            for (int i = 0; i < 20; i++) {
                VcpuThread thread = start(guest.vcpu, counting(new AtomicInteger()));
                Pause one = thread.pause();
                thread.pause();
                one.close();
                thread.pause();
                thread.close();
                assertInstanceOf(Exit.Mmio.class, guest.vcpu.run());
            }
        }
    }

    @Test
    void aPauseThatIsClosedAndMadeAgainBeforeItIsSeenIsOneInterrupted() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            CountDownLatch inHandler = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            AtomicInteger interrupted = new AtomicInteger();
            VcpuThread thread = start(guest.vcpu, exit -> {
                if (exit instanceof Exit.Interrupted) {
                    interrupted.incrementAndGet();
                }
                inHandler.countDown();
                Concurrent.await(goOn);
                return Next.RUN;
            });
            Concurrent.await(inHandler);
            CompletableFuture<Pause> one = Concurrent.call(thread::pause);
            CompletableFuture<Pause> two = Concurrent.call(thread::pause);
            Concurrent.pause(20);
            goOn.countDown();
            Concurrent.finish(one).close();
            Concurrent.finish(two).close();
            Concurrent.await(() -> interrupted.get() > 0);
            Concurrent.pause(20);
            assertEquals(1, interrupted.get());
            thread.close();
        }
    }

    /** Two vCPUs, each of which does something to the other's thread at its first exit, both at the same time. */
    private static List<VcpuThread> facing(TestGuest guest, AtomicInteger accesses, Consumer<VcpuThread> action) {
        Vcpu second = guest.vm.createVcpu(1);
        TestGuest.load(guest.vm, second, Program.COUNT);
        List<VcpuThread> threads = new CopyOnWriteArrayList<>();
        CountDownLatch both = new CountDownLatch(3);
        for (Vcpu vcpu : List.of(guest.vcpu, second)) {
            AtomicBoolean done = new AtomicBoolean();
            ExitHandler counting = counting(accesses);
            threads.add(start(vcpu, exit -> {
                if (done.compareAndSet(false, true)) {
                    both.countDown();
                    Concurrent.await(both);
                    action.accept(threads.get(1 - vcpu.id()));
                }
                return counting.handle(exit);
            }));
        }
        both.countDown();
        return threads;
    }

    @Test
    @RequiresKvm(arch = {Architecture.X86, Architecture.ARM64}) // on riscv the first vCPU starts the second
    void ofTwoHandlersThatPauseEachOtherOneIsRefused() {
        for (int i = 0; i < 10; i++) {
            try (TestGuest guest = new TestGuest(Program.COUNT)) {
                AtomicInteger accesses = new AtomicInteger();
                AtomicInteger paused = new AtomicInteger();
                List<String> refused = new CopyOnWriteArrayList<>();
                List<VcpuThread> threads = facing(guest, accesses, other -> {
                    try (Pause _ = other.pause()) {
                        paused.incrementAndGet();
                    } catch (IllegalStateException e) {
                        refused.add(e.getMessage());
                    }
                });
                // Who is refused may go on for long before the other, who has begun, asks it to leave.
                Concurrent.await(() -> accesses.get() > 10 && paused.get() + refused.size() == 2);
                assertEquals(1, paused.get(), refused::toString);
                assertTrue(refused.getFirst().contains("return from the handler"), refused.getFirst());
                // It is for that wait alone.
                threads.getFirst().pause().close();
                threads.forEach(VcpuThread::close);
                threads.forEach(thread -> assertEquals(VcpuThread.End.STOPPED, Concurrent.finish(thread.end())));
            }
        }
    }

    @Test
    @RequiresKvm(arch = {Architecture.X86, Architecture.ARM64}) // on riscv the first vCPU starts the second
    void twoHandlersMayCloseEachOther() {
        for (int i = 0; i < 10; i++) {
            try (TestGuest guest = new TestGuest(Program.COUNT)) {
                List<VcpuThread> threads = facing(guest, new AtomicInteger(), VcpuThread::close);
                threads.forEach(thread -> assertEquals(VcpuThread.End.STOPPED, Concurrent.finish(thread.end())));
            }
        }
    }

    /** At 0x2000: writes to the device at 0x20000, and halts. */
    private static final String SECOND = "b8 00 20 8e d8 66 a3 00 00 f4";

    /** Sends INIT and then SIPI, with the start at 0x2000, to all others, and turns in a loop. */
    // mov dword [0xfee00300], 0xc4500; mov dword [0xfee00300], 0xc4602; jmp $
    private static final String FIRST = "67 66 c7 05 00 03 e0 fe 00 45 0c 00 67 66 c7 05 00 03 e0 fe 02 46 0c 00 eb fe";

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.IRQCHIP)
    void aSecondProcessorWaitsUntilTheFirstStartsIt() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
            vm.x86().createIrqchip();
            Vcpu first = vm.createVcpu(0);
            Vcpu second = vm.createVcpu(1);
            RealModeGuest.load(vm, first, FIRST);
            RealModeGuest.flat(first);
            vm.memory().write(0x2000, HexFormat.of().parseHex(SECOND.replace(" ", "")));
            AtomicInteger accesses = new AtomicInteger();
            VcpuThread waiting = start(second, counting(accesses));
            waiting.pause().close();
            second.kick();
            Concurrent.pause(20);
            assertEquals(0, accesses.get());
            VcpuThread running = start(first, counting(accesses));
            Concurrent.await(() -> accesses.get() == 1 || waiting.end().isDone());
            assertFalse(waiting.end().isDone());
            waiting.close();
            assertEquals(VcpuThread.End.STOPPED, waiting.end().join());
            running.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @RequiresKvm(arch = Architecture.X86, capability = Capability.IRQCHIP)
    void aProcessorThatWaitsToBeStartedCanBeStoppedAndClosed(boolean close) {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().createIrqchip();
            vm.createVcpu(0);
            VcpuThread waiting = start(vm.createVcpu(1), counting(new AtomicInteger()));
            Concurrent.pause(20);
            if (close) {
                vm.close();
            } else {
                waiting.close();
            }
            assertEquals(close ? VcpuThread.End.CLOSED : VcpuThread.End.STOPPED, Concurrent.finish(waiting.end()));
        }
    }

    @Test
    void allVcpusOfAVmArePausedTogether() {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            List<VcpuThread> threads = new ArrayList<>(List.of(start(guest.vcpu, counting(new AtomicInteger()))));
            for (int id = 1; id < 4; id++) {
                Vcpu vcpu = guest.vm.createVcpu(id);
                TestGuest.load(guest.vm, vcpu, Program.SPIN);
                threads.add(start(vcpu, counting(new AtomicInteger())));
            }
            for (int i = 0; i < 20; i++) {
                try (Pause _ = VcpuThread.pauseAll(threads)) {
                    for (VcpuThread thread : threads) {
                        thread.vcpu().completePending(exit -> {
                            throw new AssertionError(exit);
                        });
                    }
                }
            }
            guest.vm.close();
            for (VcpuThread thread : threads) {
                assertEquals(VcpuThread.End.CLOSED, Concurrent.finish(thread.end()));
            }
        }
    }

    @Test
    void aPausedThreadEndsWhenStoppedOrClosed() {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            VcpuThread thread = start(guest.vcpu, counting(new AtomicInteger()));
            try (Pause _ = thread.pause()) {
                thread.close();
                assertEquals(VcpuThread.End.STOPPED, thread.end().join());
            }
            VcpuThread next = start(guest.vcpu, counting(new AtomicInteger()));
            try (Pause _ = next.pause()) {
                guest.vm.close();
            }
            assertEquals(VcpuThread.End.CLOSED, Concurrent.finish(next.end()));
            next.pause().close();
        }
    }

    @Test
    void aHandlerThatClosesItsOwnVmEndsItsThread() {
        TestGuest guest = new TestGuest(Program.COUNT);
        VcpuThread thread = start(guest.vcpu, _ -> {
            guest.vm.close();
            return Next.RUN;
        });
        assertEquals(VcpuThread.End.CLOSED, Concurrent.finish(thread.end()));
        assertEquals(1, ProcessState.kvmFds().size(), "the system alone");
        guest.close();
        assertEquals(List.of(), ProcessState.kvmFds());
    }

    @Test
    void whatTheHandlerThrowsIsTheEndAndGoesToThePolicy() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            AtomicReference<Throwable> failure = new AtomicReference<>();
            CountDownLatch told = new CountDownLatch(1);
            VcpuThread thread = VcpuThread.start("vcpu", guest.vcpu, _ -> {
                throw new Exception("the handler's");
            }, t -> {
                failure.set(t);
                told.countDown();
            });
            CompletionException e = assertThrows(CompletionException.class, () -> Concurrent.finish(thread.end()));
            assertEquals("the handler's", e.getCause().getMessage());
            Concurrent.await(told);
            assertSame(e.getCause(), failure.get());
            thread.close();
        }
    }

    @Test
    void aHandlerCannotPauseItselfButStopItself() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            AtomicReference<VcpuThread> self = new AtomicReference<>();
            CountDownLatch known = new CountDownLatch(1);
            AtomicReference<String> refusal = new AtomicReference<>();
            self.set(start(guest.vcpu, exit -> {
                Concurrent.await(known);
                refusal.compareAndSet(null,
                        assertThrows(IllegalStateException.class, self.get()::pause).getMessage());
                self.get().close();
                return Next.RUN;
            }));
            known.countDown();
            assertEquals(VcpuThread.End.STOPPED, Concurrent.finish(self.get().end()));
            assertTrue(refusal.get().contains("its own handler"), refusal.get());
        }
    }

    @Test
    void whoCompletesTheFutureHasNoHoldOnTheThread() {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            VcpuThread thread = start(guest.vcpu, counting(new AtomicInteger()));
            thread.end().complete(VcpuThread.End.HANDLER);
            assertFalse(thread.end().isDone());
            thread.close();
        }
    }
}
