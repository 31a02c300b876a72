package io.github.kvm4j.examples;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.riscv.CoreRegister;

/** {@link Hello}'s guest for riscv: it writes to an address without memory, and switches the machine off by the SBI. */
final class HelloRiscv {

    // @formatter:off
    private static final int[] CODE = {
        0x00000597, //       auipc a1, 0
        0x03858593, //       addi  a1, a1, 56          the text
        0x10000637, //       lui   a2, 0x10000
        0x0005c503, // next: lbu   a0, 0(a1)
        0x00050863, //       beqz  a0, done
        0x00a60023, //       sb    a0, 0(a2)
        0x00158593, //       addi  a1, a1, 1
        0xff1ff06f, //       j     next
        0x535258b7, // done: lui   a7, 0x53525
        0x3548889b, //       addiw a7, a7, 0x354       SBI's SRST extension
        0x00000813, //       li    a6, 0               system reset,
        0x00000513, //       li    a0, 0               of the type shutdown,
        0x00000593, //       li    a1, 0               for no reason
        0x00000073, //       ecall
    };              // text:
    // @formatter:on

    private HelloRiscv() {
    }

    static Vcpu start(Vm vm) {
        vm.memory().write(Hello.ENTRY, HelloArm64.program(CODE));

        Vcpu vcpu = vm.createVcpu(0);
        vcpu.riscv().setOneReg(CoreRegister.PC, Hello.ENTRY);
        return vcpu;
    }
}
