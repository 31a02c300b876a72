package io.github.kvm4j.programs;

import java.lang.foreign.ValueLayout;

import io.github.kvm4j.testing.RealModeGuest;

/** Calls System.exit while another thread runs a guest that never exits. */
public final class ExitWhileRunning {

    static final int STATUS = 42;

    private ExitWhileRunning() {
    }

    public static void main(String[] args) throws InterruptedException {
        RealModeGuest guest = new RealModeGuest("ff 06 00 20 eb fa"); // inc word [0x2000]; jmp
        Thread.ofPlatform().start(guest.vcpu::run);
        while (guest.memory.segment().get(ValueLayout.JAVA_SHORT, 0x2000) == 0) {
            Thread.sleep(1);
        }
        System.out.println("leaving");
        System.exit(STATUS);
    }
}
