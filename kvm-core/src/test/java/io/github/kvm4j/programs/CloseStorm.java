package io.github.kvm4j.programs;

import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;
import io.github.kvm4j.util.ExitHandler.Next;
import io.github.kvm4j.util.VcpuThread;

/**
 * Closes a vCPU, its VM or the system while the vCPU runs: from another thread at a random moment, or from the vCPU's own
 * exit handler; and prints what is left. {@code -Dstorm}: how many times.
 */
public final class CloseStorm {

    private static final Program[] PROGRAMS = {Program.SPIN, Program.COUNT, Program.WAIT};
    private static final SplittableRandom RANDOM = new SplittableRandom(42);

    private CloseStorm() {
    }

    public static void main(String[] args) {
        int closes = Integer.getInteger("storm");
        try (Kvm kvm = Kvm.open()) {
            for (int i = 0; i < closes; i++) {
                // One in 50 with the in-kernel interrupt controller, which is slow to set up: its HLT waits in the kernel.
                boolean irqchip = i % 50 == 0;
                Program program = irqchip ? Program.WAIT : PROGRAMS[i % 2];
                if (i % 4 == 1) {
                    closeByHandler(kvm, i);
                } else if (i % 20 == 2) {
                    closeByAnotherThread(new TestGuest(program, irqchip), true);
                } else {
                    closeByAnotherThread(new TestGuest(kvm, program, irqchip), false);
                }
            }
            System.out.println("closed " + closes);
            System.out.println("fds " + (ProcessState.kvmFds().size() - 1));
        }
        System.out.println("kvm mappings " + ProcessState.kvmMappings().size());
    }

    private static void closeByAnotherThread(TestGuest guest, boolean system) {
        CompletableFuture<Void> runner = CompletableFuture.runAsync(() -> {
            try {
                while (!(guest.vcpu.run() instanceof Exit.Interrupted)) {
                    Thread.onSpinWait();
                }
                throw new AssertionError("nobody has kicked");
            } catch (ClosedException e) {
                // what is to come
            }
        }, Thread.ofPlatform().name("runner")::start);
        int wait = RANDOM.nextInt(4_000);
        for (int i = 0; i < wait; i++) {
            Thread.onSpinWait();
        }
        if (system) {
            guest.kvm.close();
        } else if (wait % 2 == 0) {
            guest.vcpu.close();
        }
        guest.vm.close();
        runner.join();
    }

    private static void closeByHandler(Kvm kvm, int round) {
        TestGuest guest = new TestGuest(kvm, Program.COUNT, false);
        Vcpu vcpu = guest.vcpu;
        Vm vm = guest.vm;
        VcpuThread thread = VcpuThread.start("runner", vcpu, _ -> {
            if (round % 8 == 1) {
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
