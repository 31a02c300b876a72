package io.github.kvm4j.examples;

import java.nio.charset.StandardCharsets;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.util.x86.RealMode;

/** {@link Hello}'s guest for x86: 16-bit code that writes to the first serial port and halts. */
final class HelloX86 {

    static final int PORT = 0x3f8;

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

    private HelloX86() {
    }

    static Vcpu start(Vm vm) {
        vm.memory().write(Hello.ENTRY, CODE);
        vm.memory().write(Hello.ENTRY + CODE.length, Hello.TEXT.getBytes(StandardCharsets.US_ASCII));

        Vcpu vcpu = vm.createVcpu(0);
        RealMode.enter(vcpu, Hello.ENTRY);
        return vcpu;
    }
}
