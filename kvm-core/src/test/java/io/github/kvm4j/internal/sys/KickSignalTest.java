package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.testing.FakeLibc;

/** The signal that kicks take for themselves. */
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
}
