package io.github.kvm4j.programs;

import io.github.kvm4j.testing.RealModeGuest;

/** Calls System.exit while another thread runs a guest that never exits. */
public final class ExitWhileRunning {

    static final int STATUS = 42;

    private ExitWhileRunning() {
    }

    public static void main(String[] args) throws InterruptedException {
        RealModeGuest guest = new RealModeGuest("eb fe");
        Thread.ofPlatform().start(guest.vcpu::run);
        Thread.sleep(300);
        System.out.println("leaving");
        System.exit(STATUS);
    }
}
