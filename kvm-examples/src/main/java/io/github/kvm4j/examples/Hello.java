package io.github.kvm4j.examples;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;

/**
 * The smallest guest that says something: it writes a line to a console, a byte at a time, and switches itself off. There is
 * one for each architecture, {@link HelloX86}, {@link HelloArm64} and {@link HelloRiscv}; which one runs is chosen at run
 * time, out of the same jar.
 * <p>
 * What it teaches: system, VM, memory and vCPU in the order in which they are made, registers, and the run loop with its
 * switch over exits.
 */
public final class Hello {

    static final long ENTRY = 0x1000;
    static final long MEMORY = 0x10000;
    static final String TEXT = "Hello from a guest of kvm4j!\n\0";

    private Hello() {
    }

    /**
     * Runs it.
     *
     * @param args
     *            none
     */
    public static void main(String[] args) {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, MEMORY);
            Vcpu vcpu = switch (System.getProperty("os.arch")) {
                case "amd64" -> HelloX86.start(vm);
                case "aarch64" -> HelloArm64.start(vm);
                case "riscv64" -> HelloRiscv.start(vm);
                case String other -> throw new IllegalStateException("no guest for " + other);
            };
            boolean running = true;
            while (running) {
                switch (vcpu.run()) {
                    // x86's console is a port, the others' an address.
                    case Exit.Io io when io.isOut() && io.port() == HelloX86.PORT -> System.out.write(io.value());
                    case Exit.Mmio mmio when mmio.isWrite() && mmio.address() >= MEMORY ->
                        System.out.write((int) mmio.value());
                    // x86's guest halts, the others' ask their firmware, which is KVM, to switch the machine off.
                    case Exit.Hlt _ -> running = false;
                    case Exit.SystemEvent _ -> running = false;
                    case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
                }
            }
            System.out.flush();
        }
    }
}
