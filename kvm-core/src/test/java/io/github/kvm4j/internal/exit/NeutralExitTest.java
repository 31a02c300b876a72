package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
    void aSystemEventWithMoreWordsThanFitIsUnknown(int words) {
        Exit.SystemEvent before = systemEvent(1, 2);
        c.reason(kvm_h.KVM_EXIT_SYSTEM_EVENT()).put("system_event.ndata", words);
        assertEquals(kvm_h.KVM_EXIT_SYSTEM_EVENT(), decode(Exit.Unknown.class).reason());
        assertEquals(2, before.dataCount(), "it is as it was");
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

    private Exit.Hypercall hypercall() {
        c.reason(kvm_h.KVM_EXIT_HYPERCALL()).put("hypercall.nr", 12).put("hypercall.flags", 1);
        putAll("hypercall.args", 6, 0x20);
        return decode(Exit.Hypercall.class);
    }

    @Test
    void aHypercallHasItsArguments() {
        Exit.Hypercall call = hypercall();
        assertEquals(12, call.number());
        assertEquals(1, call.flags());
        assertWords(call::argument, Exit.Hypercall.ARGUMENTS, 0x20);
        assertKept(call, "Hypercall[0xc, flags 0x1, arguments 20 21 22 23 24 25]", () -> c.put("hypercall.args", 5, 0),
                "Hypercall[0xc, flags 0x1, arguments 20 21 22 23 24 0]");
        assertRefuses(call, exit -> exit.answer(0));
    }

    @Test
    void aHypercallIsAnsweredAndOneThatIsNotIsUnknownToTheGuest() {
        hypercall().answer(-22);
        assertHandsOver(Map.of("hypercall.ret", -22L));
        decode(Exit.Hypercall.class);
        assertHandsOver(Map.of("hypercall.ret", -1000L));
    }

    @Test
    void anUnknownHardwareExitHasItsReason() {
        c.reason(kvm_h.KVM_EXIT_UNKNOWN()).put("hw.hardware_exit_reason", 0x8000_0000_0000_0042L);
        Exit.UnknownHardware exit = decode(Exit.UnknownHardware.class);
        assertEquals(0x8000_0000_0000_0042L, exit.hardwareReason());
        assertWantsNoAnswer();
        assertEquals("UnknownHardware[hardware reason 0x8000000000000042]", exit.toString());
    }

    @Test
    void aFullDirtyRingSaysNoMore() {
        c.reason(kvm_h.KVM_EXIT_DIRTY_RING_FULL());
        assertEquals("DirtyRingFull", decode(Exit.DirtyRingFull.class).toString());
        assertWantsNoAnswer();
    }

    private Exit.InternalError emulationFailure(int words, long flags, int size) {
        c.reason(kvm_h.KVM_EXIT_INTERNAL_ERROR()).put("emulation_failure.suberror", 1)
                .put("emulation_failure.ndata", words).put("emulation_failure.flags", flags)
                .put("emulation_failure.insn_size", size);
        putAll("emulation_failure.insn_bytes", 15, 0x90);
        return decode(Exit.InternalError.class);
    }

    @Test
    void anEmulationFailureHasTheInstruction() {
        Exit.InternalError error = emulationFailure(3, 1, 3);
        assertTrue(error.hasInstruction());
        assertArrayEquals(new byte[]{(byte) 0x90, (byte) 0x91, (byte) 0x92}, error.instruction());
        Exit.InternalError copy = (Exit.InternalError) error.copy();
        assertEquals(15, emulationFailure(4, 1, 15).instruction().length);
        putAll("emulation_failure.insn_bytes", 15, 0x10);
        assertEquals(0x12, decode(Exit.InternalError.class).instruction()[2]);
        assertArrayEquals(new byte[]{(byte) 0x90, (byte) 0x91, (byte) 0x92}, copy.instruction());
        assertTrue(copy.toString().startsWith("InternalError[suberror 1, instruction 90 91 92, data 1 "),
                copy::toString);
    }

    @ParameterizedTest
    @CsvSource({"3, 0, 3", "2, 1, 3", "0, 1, 3", "3, 1, 0", "3, 2, 3"})
    void anEmulationFailureWithoutTheInstructionSaysSo(int words, long flags, int size) {
        emulationFailure(3, 1, 3);
        Exit.InternalError error = emulationFailure(words, flags, size);
        assertFalse(error.hasInstruction());
        assertEquals(0, error.instruction().length);
    }

    @Test
    void anotherErrorHasNoInstruction() {
        emulationFailure(3, 1, 3);
        c.put("emulation_failure.suberror", 3);
        assertFalse(decode(Exit.InternalError.class).hasInstruction());
    }

    @Test
    void anInstructionThatIsTooLongIsUnknown() {
        emulationFailure(3, 1, 3);
        for (int size : new int[]{16, 255}) {
            c.put("emulation_failure.insn_size", size);
            assertEquals(kvm_h.KVM_EXIT_INTERNAL_ERROR(), decode(Exit.Unknown.class).reason());
        }
    }

    @Test
    void aMemoryFaultSaysWhetherItWasPrivate() {
        c.reason(kvm_h.KVM_EXIT_MEMORY_FAULT()).put("memory_fault.flags", 8);
        assertTrue(decode(Exit.MemoryFault.class).isPrivate());
        c.put("memory_fault.flags", 7);
        assertFalse(decode(Exit.MemoryFault.class).isPrivate());
    }
}
