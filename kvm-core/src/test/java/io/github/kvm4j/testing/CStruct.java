package io.github.kvm4j.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * A structure that is written and read as C does: by the offsets and sizes that a compiler gave for it on an architecture
 * (kvm-bindings' ABI tables), not by those of the bindings, which the library uses. A field within another has both names:
 * {@code u.timer.port}.
 */
public class CStruct {

    /** Offset, size, and the size of an element, which C's alignment of a field of numbers is. */
    private record Field(long offset, long size, long element) {
    }

    private final String name;
    private final Map<String, Field> fields = new TreeMap<>();
    private final MemorySegment memory;

    /** @param table {@code x86_64}, {@code aarch64} or {@code riscv64} */
    public CStruct(String table, String name, MemorySegment memory) {
        this.name = name;
        this.memory = memory;
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(
                        Objects.requireNonNull(CStruct.class.getResourceAsStream("/abi/" + table + ".tsv"),
                                "the ABI table of " + table),
                        StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] column = line.split("\t");
                if (column[0].equals("field") && column[1].equals(name)) {
                    fields.put(column[2].replace("[]", ""), new Field(Long.parseLong(column[3]),
                            Long.parseLong(column[4]), Long.parseLong(column[5])));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Field field(String field) {
        return Objects.requireNonNull(fields.get(field), () -> "struct " + name + " has no " + field);
    }

    public final boolean has(String field) {
        return fields.containsKey(field);
    }

    public final long offset(String field) {
        return field(field).offset;
    }

    public final long size(String field) {
        return field(field).size;
    }

    /** The offset of a name within the structure, and its size, of every field. */
    public final Map<String, String> layout() {
        Map<String, String> all = new TreeMap<>();
        fields.forEach((key, field) -> all.put(key, field.offset + ", " + field.size + " bytes"));
        return all;
    }

    public CStruct put(String field, long value) {
        return put(field, 0, value);
    }

    public CStruct put(String field, int index, long value) {
        Field place = field(field);
        long at = at(place, field, index);
        switch ((int) place.element) {
            case 1 -> memory.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            case 2 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
            case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
            default -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
        }
        return this;
    }

    /** Zero-extended. */
    public final long get(String field) {
        return get(field, 0);
    }

    public final long get(String field, int index) {
        Field place = field(field);
        long at = at(place, field, index);
        return switch ((int) place.element) {
            case 1 -> Byte.toUnsignedLong(memory.get(ValueLayout.JAVA_BYTE, at));
            case 2 -> Short.toUnsignedLong(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case 4 -> Integer.toUnsignedLong(memory.get(ValueLayout.JAVA_INT_UNALIGNED, at));
            default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
        };
    }

    private static long at(Field place, String field, int index) {
        if ((index + 1) * place.element > place.size) {
            throw new IndexOutOfBoundsException(field + "[" + index + "]");
        }
        return place.offset + index * place.element;
    }
}
