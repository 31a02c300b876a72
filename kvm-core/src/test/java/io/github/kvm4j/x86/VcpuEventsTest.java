package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_vcpu_events;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.CStruct;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.x86.VcpuEvents.Valid;

/** Pending events: each field at C's place, and what they do to a guest. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VcpuEventsTest {

    /** The Java field of each of C's. */
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("exceptionInjected", "exception.injected"),
            Map.entry("exceptionVector", "exception.nr"),
            Map.entry("exceptionHasErrorCode", "exception.has_error_code"),
            Map.entry("exceptionPending", "exception.pending"), Map.entry("exceptionErrorCode", "exception.error_code"),
            Map.entry("exceptionHasPayload", "exception_has_payload"),
            Map.entry("exceptionPayload", "exception_payload"), Map.entry("interruptInjected", "interrupt.injected"),
            Map.entry("interruptVector", "interrupt.nr"), Map.entry("interruptSoft", "interrupt.soft"),
            Map.entry("interruptShadow", "interrupt.shadow"), Map.entry("nmiInjected", "nmi.injected"),
            Map.entry("nmiPending", "nmi.pending"), Map.entry("nmiMasked", "nmi.masked"),
            Map.entry("sipiVector", "sipi_vector"), Map.entry("flags", "flags"), Map.entry("smm", "smi.smm"),
            Map.entry("smiPending", "smi.pending"), Map.entry("smmInsideNmi", "smi.smm_inside_nmi"),
            Map.entry("latchedInit", "smi.latched_init"), Map.entry("tripleFaultPending", "triple_fault.pending"));

    private static CStruct c(MemorySegment memory) {
        return new CStruct("x86_64", "kvm_vcpu_events", memory);
    }

    static Stream<Field> fields() {
        return Arrays.stream(VcpuEvents.class.getFields());
    }

    private static void set(VcpuEvents events, Field field, long value) throws IllegalAccessException {
        if (field.getType() == boolean.class) {
            field.setBoolean(events, value != 0);
        } else if (field.getType() == int.class) {
            field.setInt(events, (int) value);
        } else {
            field.setLong(events, value);
        }
    }

    @ParameterizedTest
    @MethodSource("fields")
    void aFieldHasItsPlace(Field field) throws Exception {
        MemorySegment expected = kvm_vcpu_events.allocate(Arena.ofAuto());
        CStruct c = c(expected);
        String name = NAMES.get(field.getName());
        c.put(name, field.getType() == boolean.class ? 1 : 0x8877_6655_4433_22feL);
        long value = c.get(name);
        VcpuEvents events = new VcpuEvents();
        set(events, field, value);
        MemorySegment written = kvm_vcpu_events.allocate(Arena.ofAuto());
        written.fill((byte) 0x5a);
        events.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        VcpuEvents read = new VcpuEvents();
        read.readFrom(expected);
        assertEquals(events, read);
        assertEquals(events.hashCode(), read.hashCode());
        assertNotEquals(new VcpuEvents(), read);
        assertEquals(events, events.copy());
    }

    @Test
    void noFieldOfTheStructureIsLeftOut() {
        Set<String> groups = NAMES.values().stream().filter(name -> name.contains("."))
                .map(name -> name.substring(0, name.indexOf('.'))).collect(Collectors.toSet());
        Set<String> c = new HashSet<>(c(MemorySegment.NULL).layout().keySet());
        c.removeAll(groups);
        c.removeAll(Set.of("nmi.pad", "reserved"));
        assertEquals(c, Set.copyOf(NAMES.values()));
        assertEquals(NAMES.keySet(), fields().map(Field::getName).collect(Collectors.toSet()));
    }

    @Test
    void aFieldOutOfItsRangeIsRefusedByName() {
        MemorySegment memory = kvm_vcpu_events.allocate(Arena.ofAuto());
        for (String name : new String[]{"exceptionVector", "interruptVector", "interruptShadow", "nmiPending"}) {
            for (int value : new int[]{-1, 256}) {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> {
                    VcpuEvents events = new VcpuEvents();
                    VcpuEvents.class.getField(name).setInt(events, value);
                    events.writeTo(memory);
                });
                assertTrue(e.getMessage().contains(name), e.getMessage());
            }
        }
    }

    @Test
    void aFieldIsMarked() {
        VcpuEvents events = new VcpuEvents();
        events.mark(Valid.SMM, Valid.SHADOW);
        assertEquals(Valid.SMM.bit() | Valid.SHADOW.bit(), events.flags);
        assertTrue(events.has(Valid.SMM) && events.has(Valid.SHADOW));
        assertFalse(events.has(Valid.PAYLOAD));
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.VCPU_EVENTS)
    void eventsComeBackAndReachTheGuest() {
        // nop; hlt; the handler of NMIs: hlt
        try (RealModeGuest guest = new RealModeGuest("90 f4")) {
            RealModeGuest.handle(guest.vm, 2, 0x500, "f4");
            VcpuEvents events = guest.vcpu.x86().getVcpuEvents();
            assertTrue(events.has(Valid.NMI_PENDING) && events.has(Valid.SHADOW), events::toString);
            assertEquals(0, events.nmiPending);
            events.nmiPending = 1;
            guest.vcpu.x86().setVcpuEvents(events);
            assertEquals(events, guest.vcpu.x86().getVcpuEvents());
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            assertEquals(0x501, guest.vcpu.x86().getRegs().rip);
            VcpuEvents after = guest.vcpu.x86().getVcpuEvents();
            assertEquals(0, after.nmiPending);
            assertTrue(after.nmiMasked, "in the handler");
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.VCPU_EVENTS)
    void flagsThatTheKernelDoesNotKnowAreRefused() {
        try (RealModeGuest guest = new RealModeGuest("90 f4")) {
            VcpuEvents events = guest.vcpu.x86().getVcpuEvents();
            events.flags |= 1 << 30;
            KvmException e = assertThrows(KvmException.class, () -> guest.vcpu.x86().setVcpuEvents(events));
            assertEquals("KVM_SET_VCPU_EVENTS", e.call());
            assertEquals("EINVAL", e.errnoName());
        }
    }
}
