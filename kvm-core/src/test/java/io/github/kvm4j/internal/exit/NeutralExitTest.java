package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.Exit.SystemEvent.Kind;

/** The exits that are of no architecture, out of run pages that are laid out by a C table. */
class NeutralExitTest extends ExitPages {

    NeutralExitTest() {
        super("x86_64");
    }

    private Exit.SystemEvent systemEvent(int type, int words) {
        c.reason(kvm_h.KVM_EXIT_SYSTEM_EVENT()).put("system_event.type", type).put("system_event.ndata", words);
        for (int i = 0; i < words; i++) {
            c.put("system_event.data", i, 0x100 + i);
        }
        return decode(Exit.SystemEvent.class);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "UNKNOWN")
    void aSystemEventIsOfItsKind(Kind kind) throws ReflectiveOperationException {
        int type = (int) kvm_h.class.getMethod("KVM_SYSTEM_EVENT_" + kind).invoke(null);
        Exit.SystemEvent event = systemEvent(type, 0);
        assertEquals(kind, event.kind());
        assertEquals(type, event.type());
    }

    @Test
    void everySystemEventOfTheHeaderHasAKind() {
        List<String> types = Arrays.stream(kvm_h.class.getMethods()).map(Method::getName)
                .filter(name -> name.startsWith("KVM_SYSTEM_EVENT_") && !name.contains("_FLAG_")).sorted().toList();
        assertEquals(Arrays.stream(Kind.values()).filter(kind -> kind != Kind.UNKNOWN)
                .map(kind -> "KVM_SYSTEM_EVENT_" + kind).sorted().toList(), types);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, -1})
    void aNewSystemEventIsUnknownWithItsNumber(int type) {
        Exit.SystemEvent event = systemEvent(type, 1);
        assertEquals(Kind.UNKNOWN, event.kind());
        assertEquals(type, event.type());
        assertEquals("SystemEvent[UNKNOWN " + type + ", data 100]", event.toString());
    }

    @Test
    void aSystemEventHasItsWords() {
        Exit.SystemEvent event = systemEvent(1, 16);
        assertEquals(16, event.dataCount());
        assertEquals(0x10f, event.data(15));
        assertThrows(IndexOutOfBoundsException.class, () -> event.data(16));
        assertEquals(2, systemEvent(1, 2).dataCount());
        assertThrows(IndexOutOfBoundsException.class, () -> event.data(2), "of this event, not of the one before");
        assertKept(event, "SystemEvent[SHUTDOWN, data 100 101]", () -> c.put("system_event.data", 1, 0),
                "SystemEvent[SHUTDOWN, data 100 0]");
    }

    @ParameterizedTest
    @ValueSource(ints = {17, -1, Integer.MAX_VALUE})
    void aSystemEventWithMoreWordsThanFitIsRefused(int words) {
        c.reason(kvm_h.KVM_EXIT_SYSTEM_EVENT()).put("system_event.ndata", words);
        assertThrows(IllegalStateException.class, decoder::decode);
    }

    @Test
    void theFlagsOfTheRunComeWithEveryExit() {
        c.reason(kvm_h.KVM_EXIT_HLT()).put("flags", 0x8005);
        Exit halt = decode(Exit.Hlt.class);
        assertEquals(0x8005, halt.runFlags());
        Exit copy = halt.copy();
        c.put("flags", 2);
        assertEquals(2, decoder.interrupted().runFlags());
        assertEquals(2, decode(Exit.Hlt.class).runFlags());
        assertEquals(0x8005, copy.runFlags());
    }
}
