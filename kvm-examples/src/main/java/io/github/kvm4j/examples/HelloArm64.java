package io.github.kvm4j.examples;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.arm64.CoreRegister;
import io.github.kvm4j.arm64.VcpuFeature;

/** {@link Hello}'s guest for arm64: it writes to an address without memory, and switches the machine off by PSCI. */
final class HelloArm64 {

    // @formatter:off
    private static final int[] CODE = {
        0x10000121, //       adr  x1, text
        0xd2a12002, //       mov  x2, #0x9000000
        0x38401420, // next: ldrb w0, [x1], #1
        0x34000060, //       cbz  w0, done
        0x39000040, //       strb w0, [x2]
        0x17fffffd, //       b    next
        0x52b08000, // done: mov  w0, #0x84000000
        0x11002000, //       add  w0, w0, #8         PSCI SYSTEM_OFF
        0xd4000002, //       hvc  #0
    };              // text:
    // @formatter:on

    private HelloArm64() {
    }

    static Vcpu start(Vm vm) {
        vm.memory().write(Hello.ENTRY, program(CODE));

        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(vm.arm64().getPreferredTarget().with(VcpuFeature.PSCI_0_2));
        vcpu.arm64().setOneReg(CoreRegister.PC, Hello.ENTRY);
        return vcpu;
    }

    /** The instructions, and the text behind them. */
    static byte[] program(int... code) {
        byte[] text = Hello.TEXT.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer bytes = ByteBuffer.allocate(code.length * Integer.BYTES + text.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int instruction : code) {
            bytes.putInt(instruction);
        }
        return bytes.put(text).array();
    }
}
