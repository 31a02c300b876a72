package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.kvm4j.bindings.x86.kvm_debugregs;
import io.github.kvm4j.bindings.x86.kvm_dtable;
import io.github.kvm4j.bindings.x86.kvm_fpu;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_segment;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.bindings.x86.kvm_sregs2;

/** Every register has its own place in the kernel's structure: the one of its name, by the generated accessors. */
class StructureTest {

    /** A field of a structure, or of a structure inside it, or an element of an array: cs.base, interruptBitmap.3. */
    private record Place(Class<?> structure, String path) {

        /** Stores with the generated accessor. */
        void set(MemorySegment in, long value) throws ReflectiveOperationException {
            String[] names = path.split("\\.");
            Class<?> type = structure;
            MemorySegment segment = in;
            if (names.length == 2 && !isArray()) {
                segment = (MemorySegment) type.getMethod(cName(names[0]), MemorySegment.class).invoke(null, segment);
                type = segment.byteSize() == kvm_dtable.sizeof() ? kvm_dtable.class : kvm_segment.class;
            }
            String name = cName(names[isArray() ? 0 : names.length - 1]);
            int count = isArray() ? 3 : 2;
            Method setter = Arrays.stream(type.getMethods()).filter(method -> method.getName().equals(name)
                    && method.getParameterCount() == count && method.getReturnType() == void.class).findFirst()
                    .orElseThrow();
            Number narrowed = narrow(value, setter.getParameterTypes()[count - 1]);
            if (isArray()) {
                setter.invoke(null, segment, Long.valueOf(names[1]), narrowed);
            } else {
                setter.invoke(null, segment, narrowed);
            }
        }

        private boolean isArray() {
            return path.matches("[a-zA-Z]+\\.[0-9]+");
        }

        @Override
        public String toString() {
            return structure.getSimpleName() + "." + path;
        }
    }

    private static String cName(String javaName) {
        return javaName.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    private static Number narrow(long value, Class<?> type) {
        return type == byte.class
                ? (Number) (byte) value
                : type == short.class ? (Number) (short) value : type == int.class ? (Number) (int) value : value;
    }

    /** The largest value of the kernel's field, and one whose bytes differ where all fit. */
    private static long valueOf(String path) {
        return switch (path.substring(path.indexOf('.') + 1)) {
            case "selector" -> 0xfedc;
            case "limit" -> path.startsWith("gdt") || path.startsWith("idt") ? 0xfedc : 0xfedcba98;
            case "type" -> 15;
            case "dpl" -> 3;
            case "present", "db", "s", "l", "g", "avl", "unusable" -> 1;
            default -> 0xfedcba9876543210L;
        };
    }

    static List<Place> generalRegisters() throws IllegalAccessException {
        return places(kvm_regs.class, new Regs(), "");
    }

    static List<Place> specialRegisters() throws IllegalAccessException {
        return places(kvm_sregs.class, new Sregs(), "");
    }

    static List<Place> specialRegisters2() throws IllegalAccessException {
        return places(kvm_sregs2.class, new Sregs2(), "");
    }

    static List<Place> debugRegisters() throws IllegalAccessException {
        return places(kvm_debugregs.class, new DebugRegs(), "");
    }

    private static List<Place> places(Class<?> structure, Object state, String prefix) throws IllegalAccessException {
        List<Place> places = new ArrayList<>();
        for (Field field : state.getClass().getFields()) {
            String path = prefix + field.getName();
            if (field.getType().isPrimitive()) {
                places.add(new Place(structure, path));
            } else if (field.get(state) instanceof long[] words) {
                for (int i = 0; i < words.length; i++) {
                    places.add(new Place(structure, path + "." + i));
                }
            } else {
                places.addAll(places(structure, field.get(state), path + "."));
            }
        }
        return places;
    }

    private static void set(Object state, String path, long value) throws ReflectiveOperationException {
        int dot = path.indexOf('.');
        Field field = state.getClass().getField(dot < 0 ? path : path.substring(0, dot));
        if (field.getType() == long.class) {
            field.setLong(state, value);
        } else if (field.getType() == int.class) {
            field.setInt(state, (int) value);
        } else if (field.get(state) instanceof long[] words) {
            words[Integer.parseInt(path.substring(dot + 1))] = value;
        } else {
            set(field.get(state), path.substring(dot + 1), value);
        }
    }

    private static Regs zeroRegs() {
        Regs regs = new Regs();
        regs.rflags = 0;
        return regs;
    }

    @ParameterizedTest
    @MethodSource("generalRegisters")
    void aGeneralRegisterHasItsPlace(Place place) throws ReflectiveOperationException {
        MemorySegment expected = kvm_regs.allocate(Arena.ofAuto());
        place.set(expected, valueOf(place.path()));
        Regs regs = zeroRegs();
        set(regs, place.path(), valueOf(place.path()));

        MemorySegment written = kvm_regs.allocate(Arena.ofAuto());
        regs.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        Regs read = new Regs();
        read.readFrom(expected);
        assertEquals(regs, read);
        assertNotEquals(zeroRegs(), read);
    }

    @ParameterizedTest
    @MethodSource("specialRegisters")
    void aSpecialRegisterHasItsPlace(Place place) throws ReflectiveOperationException {
        MemorySegment expected = kvm_sregs.allocate(Arena.ofAuto());
        place.set(expected, valueOf(place.path()));
        Sregs sregs = new Sregs();
        set(sregs, place.path(), valueOf(place.path()));

        MemorySegment written = kvm_sregs.allocate(Arena.ofAuto());
        sregs.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        Sregs read = new Sregs();
        read.readFrom(expected);
        assertEquals(sregs, read);
        assertNotEquals(new Sregs(), read);
    }

    @ParameterizedTest
    @MethodSource("specialRegisters2")
    void aSpecialRegisterOfTheSecondStructureHasItsPlace(Place place) throws ReflectiveOperationException {
        MemorySegment expected = kvm_sregs2.allocate(Arena.ofAuto());
        place.set(expected, valueOf(place.path()));
        Sregs2 sregs = new Sregs2();
        set(sregs, place.path(), valueOf(place.path()));

        MemorySegment written = kvm_sregs2.allocate(Arena.ofAuto());
        sregs.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        Sregs2 read = new Sregs2();
        read.readFrom(expected);
        assertEquals(sregs, read);
        assertEquals(sregs.copy(), read);
        assertNotEquals(new Sregs2(), read);
    }

    @ParameterizedTest
    @MethodSource("debugRegisters")
    void aDebugRegisterHasItsPlace(Place place) throws ReflectiveOperationException {
        MemorySegment expected = kvm_debugregs.allocate(Arena.ofAuto());
        place.set(expected, valueOf(place.path()));
        DebugRegs debugRegs = new DebugRegs();
        set(debugRegs, place.path(), valueOf(place.path()));

        MemorySegment written = kvm_debugregs.allocate(Arena.ofAuto());
        written.fill((byte) 0x55);
        debugRegs.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        DebugRegs read = new DebugRegs();
        read.readFrom(expected);
        assertEquals(debugRegs, read);
        assertEquals(debugRegs.copy(), read);
        assertNotEquals(new DebugRegs(), read);
    }

    @ParameterizedTest
    @CsvSource({"selector, 65535", "type, 15", "present, 1", "dpl, 3", "db, 1", "s, 1", "l, 1", "g, 1", "avl, 1",
            "unusable, 1"})
    void aFieldOfASegmentHasItsRange(String name, int most) throws ReflectiveOperationException {
        MemorySegment memory = kvm_segment.allocate(Arena.ofAuto());
        for (int value : new int[]{0, most, most + 1, -1}) {
            Segment segment = new Segment();
            set(segment, name, value);
            if (value == 0 || value == most) {
                segment.writeTo(memory, 0);
                Segment read = new Segment();
                read.readFrom(memory, 0);
                assertEquals(segment, read);
                Segment copy = new Segment();
                copy.set(segment);
                assertEquals(segment, copy);
            } else {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                        () -> segment.writeTo(memory, 0));
                assertTrue(e.getMessage().contains(name), e.getMessage());
            }
        }
    }

    /** By what C says of the structure, not by the accessors that the class uses. */
    @Test
    void theRegistersOfTheFpuHaveTheirPlaces() {
        Fpu fpu = new Fpu();
        for (int i = 0; i < 8; i++) {
            Arrays.fill(fpu.fpr[i], (byte) (i + 1));
        }
        for (int i = 0; i < 16; i++) {
            Arrays.fill(fpu.xmm[i], (byte) (i + 0x21));
        }
        fpu.fcw = 0xfedc;
        fpu.fsw = 0xba98;
        fpu.ftwx = 0xfe;
        fpu.lastOpcode = 0xabcd;
        fpu.lastIp = 0xfedcba9876543210L;
        fpu.lastDp = 0x0123456789abcdefL;
        fpu.mxcsr = 0xfedcba98;
        MemorySegment written = kvm_fpu.allocate(Arena.ofAuto());
        written.fill((byte) 0x55);
        fpu.writeTo(written);
        for (int i = 0; i < 8; i++) {
            assertArrayEquals(fpu.fpr[i], kvm_fpu.fpr(written).asSlice(i * 16L, 16).toArray(ValueLayout.JAVA_BYTE));
        }
        for (int i = 0; i < 16; i++) {
            assertArrayEquals(fpu.xmm[i], kvm_fpu.xmm(written).asSlice(i * 16L, 16).toArray(ValueLayout.JAVA_BYTE));
        }
        assertEquals((short) fpu.fcw, kvm_fpu.fcw(written));
        assertEquals((short) fpu.fsw, kvm_fpu.fsw(written));
        assertEquals((byte) fpu.ftwx, kvm_fpu.ftwx(written));
        assertEquals(0, kvm_fpu.pad1(written) | kvm_fpu.pad2(written));
        assertEquals((short) fpu.lastOpcode, kvm_fpu.last_opcode(written));
        assertEquals(fpu.lastIp, kvm_fpu.last_ip(written));
        assertEquals(fpu.lastDp, kvm_fpu.last_dp(written));
        assertEquals(fpu.mxcsr, kvm_fpu.mxcsr(written));
        Fpu read = new Fpu();
        read.readFrom(written);
        assertEquals(fpu, read);
        assertEquals(fpu.copy(), read);
        fpu.xmm[3] = new byte[15];
        assertThrows(IllegalArgumentException.class, () -> fpu.writeTo(written));
    }
}
