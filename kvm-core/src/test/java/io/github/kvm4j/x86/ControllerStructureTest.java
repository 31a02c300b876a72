package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.kvm4j.testing.CStruct;

/** The registers of the PIC, the IOAPIC and the PIT are where a C compiler has them in the kernel's structures. */
class ControllerStructureTest {

    private static final long SIZE = 512;

    /** A type of state, its structure, and how it goes there, comes from there and is copied. */
    private record Kind<T>(String structure, Supplier<T> maker, BiConsumer<T, MemorySegment> write,
            BiConsumer<T, MemorySegment> read, Function<T, T> copy) {

        T make() {
            return maker.get();
        }
    }

    private static final List<Kind<?>> KINDS = List.of(
            new Kind<>("kvm_pic_state", Pic::new, Pic::writeTo, Pic::readFrom, Pic::copy),
            new Kind<>("kvm_ioapic_state", Ioapic::new, Ioapic::writeTo, Ioapic::readFrom, Ioapic::copy),
            new Kind<>("kvm_pit_channel_state", PitChannel::new, PitChannel::writeTo, PitChannel::readFrom,
                    PitChannel::copy));

    /** A number of a state: a field, or an element of an array. */
    private record Register(Kind<?> kind, Field field, int index) {

        String cName() {
            return field.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        }

        void set(Object state, long value) throws IllegalAccessException {
            if (field.getType() == int.class) {
                field.setInt(state, (int) value);
            } else if (field.getType() == long.class) {
                field.setLong(state, value);
            } else {
                ((long[]) field.get(state))[index] = value;
            }
        }

        @Override
        public String toString() {
            return kind.structure + "." + cName() + (field.getType().isArray() ? "[" + index + "]" : "");
        }
    }

    static Stream<Register> registers() throws IllegalAccessException {
        List<Register> registers = new ArrayList<>();
        for (Kind<?> kind : KINDS) {
            Object state = kind.make();
            for (Field field : state.getClass().getFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    int count = field.getType().isArray() ? ((long[]) field.get(state)).length : 1;
                    for (int i = 0; i < count; i++) {
                        registers.add(new Register(kind, field, i));
                    }
                }
            }
        }
        return registers.stream();
    }

    @ParameterizedTest
    @MethodSource("registers")
    void aRegisterHasItsPlace(Register register) throws IllegalAccessException {
        check(register.kind, register);
    }

    private static <T> void check(Kind<T> kind, Register register) throws IllegalAccessException {
        MemorySegment expected = Arena.ofAuto().allocate(SIZE, 8);
        CStruct c = new CStruct("x86_64", kind.structure, expected);
        c.put(register.cName(), register.index, 0xfedc_ba98_7654_fedcL);
        long value = c.get(register.cName(), register.index);
        T state = kind.make();
        register.set(state, value);
        MemorySegment written = Arena.ofAuto().allocate(SIZE, 8);
        kind.write.accept(state, written);
        assertEquals(-1, expected.mismatch(written));
        T read = kind.make();
        kind.read.accept(read, expected);
        assertEquals(state, read);
        assertEquals(state.hashCode(), read.hashCode());
        assertEquals(state, kind.copy.apply(state));
        assertNotEquals(kind.make(), read);
        assertNotEquals(kind.make().toString(), read.toString());
        if (c.size(register.cName()) < Integer.BYTES) {
            T tooLarge = kind.make();
            register.set(tooLarge, 1L << Byte.SIZE * c.size(register.cName()));
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> kind.write.accept(tooLarge, written));
            assertTrue(e.getMessage().contains(register.field.getName()), e.getMessage());
        }
    }

    /** The PIT has three channels behind one another, and the flags behind them. */
    @Test
    void theChannelsOfThePitHaveTheirPlaces() {
        MemorySegment expected = Arena.ofAuto().allocate(SIZE, 8);
        CStruct c = new CStruct("x86_64", "kvm_pit_state2", expected);
        long channel = c.size("channels") / 3;
        c.put("flags", 0xfedc_ba98L);
        Pit pit = new Pit();
        pit.flags = 0xfedc_ba98;
        for (int i = 0; i < 3; i++) {
            expected.set(ValueLayout.JAVA_INT, c.offset("channels") + i * channel, 0x1000 + i);
            pit.channels.get(i).count = 0x1000 + i;
            expected.set(ValueLayout.JAVA_BYTE, c.offset("channels.gate") + i * channel, (byte) (i + 1));
            pit.channels.get(i).gate = i + 1;
        }
        MemorySegment written = Arena.ofAuto().allocate(SIZE, 8);
        pit.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        Pit read = new Pit();
        read.readFrom(expected);
        assertEquals(pit, read);
        assertEquals(pit.hashCode(), read.hashCode());
        Pit copy = pit.copy();
        assertEquals(pit, copy);
        copy.channels.get(1).mode = 2;
        assertNotEquals(pit, copy);
        assertEquals(0, pit.channels.get(1).mode);
        Pit flagged = pit.copy();
        flagged.flags = 1;
        assertNotEquals(pit, flagged);
        assertEquals(4, Arrays.stream(pit.toString().split("\\R")).count());
    }
}
