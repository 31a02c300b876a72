package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;

/** The signal that kicks take for themselves. */
@DependsOnHost
class KickSignalTest {

    private final FakeLibc libc = new FakeLibc();

    @Test
    void aSignalThatHasAHandlerIsLeftAlone() {
        LinuxLibc real = new LinuxLibc();
        assertNotEquals(new KickSignal(real).number(), new KickSignal(real).number());
    }

    @Test
    void theFirstFreeSignalIsTaken() {
        libc.handling(libc.sigrtmin(), 77);
        assertEquals(libc.sigrtmin() + 1, new KickSignal(libc).number());
        assertEquals(new FakeLibc.SignalAction(77, 0), libc.signalAction(libc.sigrtmin()));
    }

    @Test
    void itsHandlerDoesNoWorkAndRestartsSystemCalls() {
        int signal = new KickSignal(libc).number();
        assertEquals(new FakeLibc.SignalAction(libc.harmlessFunction(), libc_h.SA_RESTART()),
                libc.signalAction(signal));
    }

    @Test
    void itIsTakenOnce() {
        KickSignal signal = new KickSignal(libc);
        assertEquals(signal.number(), signal.number());
    }

    @Test
    void withoutAFreeSignalThereIsNone() {
        for (int signal = libc.sigrtmin(); signal <= libc.sigrtmax(); signal++) {
            libc.handling(signal, 77);
        }
        assertThrows(IllegalStateException.class, new KickSignal(libc)::number);
    }

    @Test
    void aChosenSignalIsTaken() {
        KickSignal signal = new KickSignal(libc);
        signal.choose(50);
        assertEquals(50, signal.number());
        assertEquals(new FakeLibc.SignalAction(libc.harmlessFunction(), libc_h.SA_RESTART()), libc.signalAction(50));
        signal.choose(50);
        assertTrue(
                assertThrows(IllegalStateException.class, () -> signal.choose(51)).getMessage().contains("50 already"));
    }

    @Test
    void aSignalThatIsTakenOrNoRealTimeSignalCannotBeChosen() {
        KickSignal signal = new KickSignal(libc);
        libc.handling(40, 77);
        assertTrue(assertThrows(IllegalStateException.class, () -> signal.choose(40)).getMessage()
                .contains("has a handler already"));
        assertEquals(new FakeLibc.SignalAction(77, 0), libc.signalAction(40));
        assertThrows(IllegalArgumentException.class, () -> signal.choose(10));
        assertThrows(IllegalArgumentException.class, () -> signal.choose(65));
        assertEquals(libc.sigrtmin(), signal.number());
    }
}
