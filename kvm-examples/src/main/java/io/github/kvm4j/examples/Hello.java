package io.github.kvm4j.examples;

import java.nio.charset.StandardCharsets;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/**
 * The smallest guest that says something: 16-bit code writes a line to the serial port, a byte at a time, and halts.
 * <p>
 * What it teaches: system, VM, memory and vCPU in the order in which they are made, registers, and the run loop with its
 * switch over exits.
 */
public final class Hello {

    private static final int SERIAL_PORT = 0x3f8;
    private static final long ENTRY = 0x1000;

    // @formatter:off
    private static final byte[] CODE = {
        (byte) 0xbe, 0x11, 0x10,        //       mov  si, 0x1011      the text
        (byte) 0xba, (byte) 0xf8, 0x03, //       mov  dx, 0x3f8
        (byte) 0xac,                    // next: lodsb                al = [ds:si++]
        (byte) 0x84, (byte) 0xc0,       //       test al, al
        0x74, 0x03,                     //       jz   done
        (byte) 0xee,                    //       out  dx, al
        (byte) 0xeb, (byte) 0xf8,       //       jmp  next
        (byte) 0xf4,                    // done: hlt
        (byte) 0xeb, (byte) 0xfd,       //       jmp  done
    };
    // @formatter:on
    private static final byte[] TEXT = "Hello from a guest of kvm4j!\n\0".getBytes(StandardCharsets.US_ASCII);

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
            vm.memory().add(0, 0x10000);
            vm.memory().write(ENTRY, CODE);
            vm.memory().write(ENTRY + CODE.length, TEXT);

            Vcpu vcpu = vm.createVcpu(0);
            Sregs sregs = vcpu.x86().getSregs();
            sregs.cs.base = 0;
            sregs.cs.selector = 0;
            vcpu.x86().setSregs(sregs);
            Regs regs = new Regs();
            regs.rip = ENTRY;
            vcpu.x86().setRegs(regs);

            boolean running = true;
            while (running) {
                switch (vcpu.run()) {
                    case Exit.Io io when io.isOut() && io.port() == SERIAL_PORT -> System.out.write(io.value());
                    case Exit.Hlt _ -> running = false;
                    case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
                }
            }
            System.out.flush();
        }
    }
}
