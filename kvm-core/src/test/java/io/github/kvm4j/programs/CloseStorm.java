package io.github.kvm4j.programs;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;
import io.github.kvm4j.util.ExitHandler.Next;
import io.github.kvm4j.util.VcpuThread;

/**
 * Closes a vCPU, its VM or the system while the vCPU runs: from another thread at a random moment, or from the vCPU's own
 * exit handler; and prints how many met it in a run, and what is left. {@code -Dstorm}: how many times.
 */
public final class CloseStorm {

    private static final Program[] PROGRAMS = {Program.SPIN, Program.COUNT, Program.WAIT};
    private static final SplittableRandom RANDOM = new SplittableRandom(42);

    private static final VarHandle TURNS = ValueLayout.JAVA_SHORT.varHandle();
    private static final long SOME_NANOS = 500_000;
    private static final long LIMIT_NANOS = 60_000_000_000L;

    /** How many closes met a vCPU in a run. */
    private static int inARun;

    private final TestGuest guest;
    private final Program program;
    private final boolean waitsInTheKernel;

    /** Changed by the runner alone. */
    private volatile int runs;
    private volatile int exits;

    private CloseStorm(TestGuest guest, Program program, boolean irqchip) {
        this.guest = guest;
        this.program = program;
        this.waitsInTheKernel = program == Program.WAIT && (irqchip || !Architecture.ON_X86);
    }

    public static void main(String[] args) {
        int closes = Integer.getInteger("storm");
        try (Kvm kvm = Kvm.open()) {
            for (int i = 0; i < closes; i++) {
                // One in 50 with the in-kernel interrupt controller, which is slow to set up: its HLT waits in the kernel.
                boolean irqchip = i % 50 == 0;
                Program program = irqchip ? Program.WAIT : PROGRAMS[i % PROGRAMS.length];
                boolean system = i % 20 == 2;
                if (i % 10 == 1) {
                    closeByHandler(kvm, i);
                } else {
                    TestGuest guest = system ? new TestGuest(program, irqchip) : new TestGuest(kvm, program, irqchip);
                    new CloseStorm(guest, program, irqchip).closeByAnotherThread(system, i % 8 != 3);
                }
            }
            System.out.println("closed " + closes + ", in a run " + inARun);
            System.out.println("fds " + (ProcessState.kvmFds().size() - 1));
        }
        System.out.println("kvm mappings " + ProcessState.kvmMappings().size());
    }

    private void closeByAnotherThread(boolean system, boolean running) {
        CompletableFuture<Void> runner = CompletableFuture.runAsync(this::run,
                Thread.ofPlatform().name("runner")::start);
        if (running) {
            awaitRunning();
        }
        int wait = RANDOM.nextInt(4_000);
        for (int i = 0; i < wait; i++) {
            Thread.onSpinWait();
        }
        if (runs != exits) {
            inARun++;
        }
        if (system) {
            guest.kvm.close();
        } else if (wait % 2 == 0) {
            guest.vcpu.close();
        }
        guest.vm.close();
        runner.join();
    }

    private void run() {
        try {
            while (true) {
                runs++;
                if (guest.vcpu.run() instanceof Exit.Interrupted) {
                    throw new AssertionError("nobody has kicked");
                }
                exits++;
            }
        } catch (ClosedException e) {
            // what is to come
        }
    }

    /** Until the guest has done something, or, where it waits in the kernel, has had the time to come there. */
    private void awaitRunning() {
        long end = System.nanoTime() + LIMIT_NANOS;
        while (!isRunning()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("never seen running: " + program);
            }
            Thread.yield();
        }
    }

    private boolean isRunning() {
        if (program == Program.SPIN) {
            return (short) TURNS.getVolatile(guest.memory.segment(), TestGuest.TURNS) != 0;
        } else if (waitsInTheKernel) {
            LockSupport.parkNanos(SOME_NANOS);
            return runs > 0;
        }
        return exits > 1;
    }

    private static void closeByHandler(Kvm kvm, int round) {
        TestGuest guest = new TestGuest(kvm, Program.COUNT, false);
        Vcpu vcpu = guest.vcpu;
        Vm vm = guest.vm;
        VcpuThread thread = VcpuThread.start("runner", vcpu, _ -> {
            if (round % 20 == 1) {
                vcpu.close();
            } else {
                vm.close();
            }
            return Next.RUN;
        });
        if (thread.end().join() != VcpuThread.End.CLOSED) {
            throw new AssertionError(thread.end());
        }
        vm.close();
    }
}
