package io.github.kvm4j.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * A run page that is written and read as C does: by the offsets and sizes that a compiler gave for {@code struct kvm_run}
 * on an architecture (kvm-bindings' ABI tables), not by those of the bindings, which the library uses.
 */
public final class CRunPage {

    public static final int SIZE = 3 * 4096;

    /** Offset, size, and the size of an element, which C's alignment of a field of numbers is. */
    private record Field(long offset, long size, long element) {
    }

    private final Map<String, Field> fields = new TreeMap<>();

    public final MemorySegment page = Arena.ofAuto().allocate(SIZE, 4096);

    /** @param table {@code x86_64}, {@code aarch64} or {@code riscv64} */
    public CRunPage(String table) {
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(
                        Objects.requireNonNull(CRunPage.class.getResourceAsStream("/abi/" + table + ".tsv"),
                                "the ABI table of " + table),
                        StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] column = line.split("\t");
                if (column[0].equals("field") && column[1].equals("kvm_run")) {
                    fields.put(column[2].replace("[]", ""), new Field(Long.parseLong(column[3]),
                            Long.parseLong(column[4]), Long.parseLong(column[5])));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Field field(String name) {
        return Objects.requireNonNull(fields.get(name), () -> "struct kvm_run has no " + name);
    }

    public boolean has(String name) {
        return fields.containsKey(name);
    }

    public long offset(String name) {
        return field(name).offset;
    }

    /** The offset of a name within the page, and its size, of every field. */
    public Map<String, String> layout() {
        Map<String, String> all = new TreeMap<>();
        fields.forEach((name, field) -> all.put(name, field.offset + ", " + field.size + " bytes"));
        return all;
    }

    public CRunPage reason(int reason) {
        return put("exit_reason", reason);
    }

    /** Fills the union with a byte that no field should keep. */
    public CRunPage dirty(int value) {
        Field union = field("padding");
        page.asSlice(union.offset, union.size).fill((byte) value);
        return this;
    }

    public CRunPage put(String name, long value) {
        return put(name, 0, value);
    }

    public CRunPage put(String name, int index, long value) {
        Field field = field(name);
        long at = at(field, name, index);
        switch ((int) field.element) {
            case 1 -> page.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            case 2 -> page.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
            case 4 -> page.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
            default -> page.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
        }
        return this;
    }

    /** Zero-extended. */
    public long get(String name) {
        return get(name, 0);
    }

    public long get(String name, int index) {
        Field field = field(name);
        long at = at(field, name, index);
        return switch ((int) field.element) {
            case 1 -> Byte.toUnsignedLong(page.get(ValueLayout.JAVA_BYTE, at));
            case 2 -> Short.toUnsignedLong(page.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case 4 -> Integer.toUnsignedLong(page.get(ValueLayout.JAVA_INT_UNALIGNED, at));
            default -> page.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
        };
    }

    private static long at(Field field, String name, int index) {
        if ((index + 1) * field.element > field.size) {
            throw new IndexOutOfBoundsException(name + "[" + index + "]");
        }
        return field.offset + index * field.element;
    }
}
