package io.github.kvm4j.bindings;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Holds generated classes against a C table, in both directions. */
final class AbiComparison {

    /** {@code key} is what exceptions name: "field kvm_regs fp_regs.vregs[]". */
    record Difference(String key, String what) {
    }

    private final CTable c;
    private final JavaBindings java;
    private final List<Difference> differences = new ArrayList<>();

    private AbiComparison(CTable c, JavaBindings java) {
        this.c = c;
        this.java = java;
    }

    static List<Difference> of(CTable c, JavaBindings java) {
        var comparison = new AbiComparison(c, java);
        c.unsupported().forEach(row -> comparison.add(row, "in C alone"));
        bothKeys(c.constants(), java.constants()).forEach(comparison::constant);
        bothKeys(c.structs(), java.structs()).forEach(comparison::struct);
        return comparison.differences;
    }

    private void constant(String name) {
        var expected = c.constants().get(name);
        var found = java.constants().getOrDefault(name, List.of());
        if (expected == null || found.size() != 1) {
            add("constant " + name, "C: " + expected + ", Java, once: " + found);
            return;
        }
        var actual = found.getFirst();
        // Java has no unsigned int: the same 32 bits.
        long value = actual.size() == 4 ? (int) expected.value() : expected.value();
        if (actual.value() != value || actual.size() != expected.size()) {
            add("constant " + name, "C: " + expected + ", Java: " + actual);
        }
    }

    private void struct(String name) {
        var expected = c.structs().get(name);
        var found = java.structs().getOrDefault(name, List.of());
        if (expected == null || found.isEmpty()) {
            add("struct " + name, "C: " + expected + ", Java: " + found);
            return;
        }
        for (Class<?> type : found) {
            var layout = (GroupLayout) JavaBindings.call(type, "layout");
            same("size " + name, type, expected.size(), layout.byteSize());
            same("size " + name, type, expected.size(), JavaBindings.call(type, "sizeof"));
            same("alignment " + name, type, expected.alignment(), layout.byteAlignment());
            fields(name, type, expected.fields(), JavaBindings.fields(layout));
            accessors(name, type, expected.fields());
        }
    }

    private void fields(String struct, Class<?> type, Map<String, CTable.Field> expected,
            Map<String, CTable.Field> actual) {
        for (String path : bothKeys(expected, actual)) {
            same("field " + struct + " " + path, type, expected.get(path), actual.get(path));
        }
    }

    /** The methods {@code x$offset()} and {@code x$layout()} of a class, and of those nested for unnamed types. */
    private void accessors(String struct, Class<?> type, Map<String, CTable.Field> expected) {
        Map<String, String> direct = expected.keySet().stream().filter(path -> !path.contains("."))
                .collect(Collectors.toMap(path -> path.replace("[]", ""), Function.identity()));
        var methods = Stream.of(type.getDeclaredMethods()).map(method -> method.getName())
                .filter(name -> name.endsWith("$offset")).map(name -> name.replace("$offset", ""))
                .collect(Collectors.toMap(Function.identity(), Function.identity()));
        for (String name : bothKeys(direct, methods)) {
            String path = direct.get(name);
            String key = "field " + struct + " " + (path == null ? name : path);
            if (path == null || !methods.containsKey(name)) {
                add(key, "C: " + path + ", accessor of " + type.getName() + ": " + methods.get(name));
                continue;
            }
            same(key, type, expected.get(path).offset(), JavaBindings.call(type, name + "$offset"));
            var layout = (MemoryLayout) JavaBindings.call(type, name + "$layout");
            same(key, type, expected.get(path).size(), layout.byteSize());
        }
        for (Class<?> nested : type.getDeclaredClasses()) {
            String path = direct.get(nested.getSimpleName());
            if (path != null && JavaBindings.has(nested, "layout")) {
                accessors(struct, nested, within(path, expected));
            }
        }
    }

    /** The fields below a path, as offsets from it. */
    private static Map<String, CTable.Field> within(String path, Map<String, CTable.Field> fields) {
        var within = new TreeMap<String, CTable.Field>();
        long base = fields.get(path).offset();
        fields.forEach((name, field) -> {
            if (name.startsWith(path + ".")) {
                within.put(name.substring(path.length() + 1),
                        new CTable.Field(field.offset() - base, field.size(), field.element()));
            }
        });
        return within;
    }

    private void same(String key, Class<?> type, Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            add(key, "C: " + expected + ", " + type.getName() + ": " + actual);
        }
    }

    private void add(String key, String what) {
        differences.add(new Difference(key, what));
    }

    private static TreeSet<String> bothKeys(Map<String, ?> a, Map<String, ?> b) {
        var keys = new TreeSet<>(a.keySet());
        keys.addAll(b.keySet());
        return keys;
    }
}
