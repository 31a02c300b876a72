package io.github.kvm4j.programs;

import java.util.Set;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.testing.TestGuest;

/** Opens, creates, runs to the end and closes, again and again, and prints what is left, for a test to read. */
public final class Soak {

    private static final int ROUNDS = Rounds.of(10_000);
    private static final int WARM_UP = Rounds.of(1_000);
    private static final int IRQCHIP_ROUNDS = Rounds.of(300);

    private Soak() {
    }

    public static void main(String[] args) throws InterruptedException {
        rounds(WARM_UP, false);
        long before = settledResidentKib();
        int mappings = ProcessState.mappings();
        rounds(ROUNDS - WARM_UP, false);
        if (Architecture.ON_X86) {
            rounds(IRQCHIP_ROUNDS, true);
        }
        long after = settledResidentKib();
        System.out.println("fds " + ProcessState.kvmFds().size());
        System.out.println("kvm mappings " + ProcessState.kvmMappings().size());
        System.out.println("more mappings " + (ProcessState.mappings() - mappings));
        System.out.println("grown KiB " + (after - before));
    }

    /** After a garbage collection, and time for the JIT compiler to give back what it worked with. */
    private static long settledResidentKib() throws InterruptedException {
        System.gc();
        Thread.sleep(2_000);
        return ProcessState.residentKib();
    }

    private static void rounds(int count, boolean irqchip) {
        for (int i = 0; i < count; i++) {
            try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
                if (irqchip) {
                    vm.x86().createIrqchip();
                    vm.x86().createPit2(Set.of());
                }
                vm.memory().add(0, TestGuest.MEMORY_SIZE);
                Vcpu vcpu = vm.createVcpu(0);
                TestGuest.load(vm, vcpu, TestGuest.Program.ECHO);
                // With an irqchip a HLT waits in the kernel, so what comes before it is the end there.
                if (!(vcpu.run() instanceof Exit.Mmio) || !(vcpu.run() instanceof Exit.Mmio)
                        || !irqchip && vcpu.run() instanceof Exit.Mmio) {
                    throw new AssertionError("round " + i);
                }
            }
        }
    }
}
