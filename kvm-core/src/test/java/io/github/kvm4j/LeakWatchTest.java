package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.LeakWatch;
import io.github.kvm4j.testing.FakeLibc;

/** What is forgotten is reported, and not closed behind the user's back. */
class LeakWatchTest {

    private final PrintStream stderr = System.err;
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final FakeLibc libc = new FakeLibc();

    @BeforeEach
    void capture() {
        System.setErr(new PrintStream(log, true));
    }

    @AfterEach
    void release() {
        System.setErr(stderr);
        System.clearProperty(LeakWatch.STACKS);
    }

    private Kvm open() {
        return Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    }

    private boolean collectUntil(Supplier<Boolean> condition) throws InterruptedException {
        for (int i = 0; i < 100 && !condition.get(); i++) {
            System.gc();
            Thread.sleep(20);
        }
        return condition.get();
    }

    private static void forgetAVmWithAllItCanHave(Kvm kvm) {
        Vm vm = kvm.createVm();
        vm.memory().add(0, 0x1000);
        vm.createVcpu(0).run();
        vm.createDevice(DeviceType.VFIO);
    }

    @Test
    void aForgottenVmIsWarnedAboutThoughItsKvmIsOpen() throws InterruptedException {
        try (Kvm kvm = open()) {
            forgetAVmWithAllItCanHave(kvm);
            assertTrue(collectUntil(() -> log.toString().contains("a Vm")), log::toString);
            assertTrue(log.toString().contains("WARN") && log.toString().contains("without close()"), log::toString);
            assertTrue(log.toString().contains("-D" + LeakWatch.STACKS + "=true"), log::toString);
            assertTrue(libc.openFds().contains("VM"), "and it is not closed");
        }
        assertFalse(log.toString().contains("a Kvm"), log::toString);
    }

    @Test
    void theStackOfItsCreationIsThereWhenAskedFor() throws InterruptedException {
        System.setProperty(LeakWatch.STACKS, "true");
        try (Kvm kvm = open()) {
            forgetAVmWithAllItCanHave(kvm);
            assertTrue(collectUntil(() -> log.toString().contains("forgetAVmWithAllItCanHave")), log::toString);
        }
    }

    @Test
    void aForgottenKvmIsWarnedAbout() throws InterruptedException {
        open();
        assertTrue(collectUntil(() -> log.toString().contains("a Kvm")), log::toString);
    }

    @Test
    void whatIsClosedIsNotWarnedAbout() throws InterruptedException {
        forgetNothing();
        assertEquals(List.of(), libc.openFds());
        open();
        // What is forgotten later is seen, so what was not forgotten before would have been seen too.
        assertTrue(collectUntil(() -> log.toString().contains("a Kvm")), log::toString);
        assertEquals(1, log.toString().lines().count(), log::toString);
    }

    private void forgetNothing() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            vm.createVcpu(0);
            kvm.createVm();
        }
    }
}
