package io.github.kvm4j.programs;

import io.github.kvm4j.testing.TestGuest;

/** Calls System.exit while another thread runs a guest that never exits. */
public final class ExitWhileRunning {

    static final int STATUS = 42;

    private ExitWhileRunning() {
    }

    public static void main(String[] args) throws InterruptedException {
        TestGuest guest = new TestGuest(TestGuest.Program.SPIN);
        Thread.ofPlatform().start(guest.vcpu::run);
        Thread.sleep(500); // time to get into the guest, which nobody sees from outside
        System.out.println("leaving");
        System.exit(STATUS);
    }
}
