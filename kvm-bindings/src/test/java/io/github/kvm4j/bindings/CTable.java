package io.github.kvm4j.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** What a C compiler says of one architecture: a table that {@code abi/tables.sh} wrote, which tells the columns. */
record CTable(String name, Map<String, Constant> constants, Map<String, Struct> structs, List<String> absentIoctls,
        List<String> unsupported) {

    /** {@code kind} is ioctl, exit, cap, const or enum; {@code size} in bytes. */
    record Constant(String kind, long value, int size) {
    }

    /** Fields by path: {@code hw.hardware_exit_reason}, {@code entries[].function}. */
    record Struct(long size, long alignment, Map<String, Field> fields) {
    }

    /** In bytes; {@code element} is that of an array's element, and otherwise {@code size}. */
    record Field(long offset, long size, long element) {
    }

    static CTable read(String name) {
        var table = new CTable(name, new TreeMap<>(), new TreeMap<>(), new ArrayList<>(), new ArrayList<>());
        for (String line : lines(name + ".tsv")) {
            table.add(line.split("\t", -1));
        }
        // Rows are sorted by kind: a struct's own comes after its fields.
        table.structs.forEach((struct, row) -> {
            if (row.size < 0) {
                throw new IllegalStateException(name + ": fields of " + struct + " without its size");
            }
        });
        return table;
    }

    static List<String> lines(String resource) {
        try (var in = Objects.requireNonNull(CTable.class.getResourceAsStream("/abi/" + resource), resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long count(String kind) {
        return constants.values().stream().filter(constant -> constant.kind.equals(kind)).count();
    }

    private void add(String[] row) {
        switch (row[0]) {
            case "ioctl", "exit", "cap", "const", "enum" -> constants.put(row[1],
                    new Constant(row[0], Long.parseLong(row[2]), Integer.parseInt(row[3].substring(1))));
            case "absent" -> absentIoctls.add(row[1]);
            case "other" -> unsupported.add("other " + row[1] + " " + row[2]);
            case "bitfield" -> unsupported.add("bitfield " + row[1] + " " + row[2]);
            case "field" -> fields(row[1]).put(row[2],
                    new Field(Long.parseLong(row[3]), Long.parseLong(row[4]), Long.parseLong(row[5])));
            case "struct" -> structs.put(row[1],
                    new Struct(Long.parseLong(row[2]), Long.parseLong(row[3]), fields(row[1])));
            default -> throw new IllegalArgumentException(String.join("\t", row));
        }
    }

    private Map<String, Field> fields(String struct) {
        return structs.computeIfAbsent(struct, _ -> new Struct(-1, -1, new LinkedHashMap<>())).fields;
    }
}
