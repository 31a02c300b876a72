package io.github.kvm4j.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.UnionLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the generated classes of some packages say, by reflection. A list, where one name is in two packages. */
record JavaBindings(Map<String, List<Constant>> constants, Map<String, List<Class<?>>> structs) {

    /** {@code size} in bytes, that of the Java type. */
    record Constant(String where, long value, int size) {
    }

    static JavaBindings of(String... packages) {
        var bindings = new JavaBindings(new TreeMap<>(), new TreeMap<>());
        for (String name : packages) {
            for (Class<?> type : classes(name)) {
                if (type.getSuperclass().getSimpleName().endsWith("_h$shared")) {
                    bindings.addConstants(type);
                } else if (!type.getSimpleName().endsWith("_h$shared")) {
                    bindings.addStruct(type);
                }
            }
        }
        return bindings;
    }

    /** The members of a layout by the paths that the C table has, unnamed structs and unions looked through. */
    static Map<String, CTable.Field> fields(GroupLayout layout) {
        var fields = new LinkedHashMap<String, CTable.Field>();
        addFields(fields, layout, "", 0);
        return fields;
    }

    static boolean has(Class<?> type, String method) {
        return Stream.of(type.getMethods()).anyMatch(m -> m.getName().equals(method) && m.getParameterCount() == 0);
    }

    static Object call(Class<?> type, String method) {
        try {
            return type.getMethod(method).invoke(null);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(type + "." + method, e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type + "." + method, e);
        }
    }

    private static void addFields(Map<String, CTable.Field> fields, GroupLayout group, String prefix, long base) {
        long offset = base;
        for (MemoryLayout member : group.memberLayouts()) {
            if (!(member instanceof PaddingLayout)) {
                String name = member.name().orElseThrow();
                MemoryLayout element = member;
                while (element instanceof SequenceLayout array) {
                    element = array.elementLayout();
                    name += "[]";
                }
                boolean unnamed = name.startsWith("$anon$");
                if (!unnamed) {
                    fields.put(prefix + name, new CTable.Field(offset, member.byteSize(), element.byteSize()));
                }
                if (element instanceof GroupLayout nested) {
                    addFields(fields, nested, unnamed ? prefix : prefix + name + ".", offset);
                }
            }
            if (!(group instanceof UnionLayout)) {
                offset += member.byteSize();
            }
        }
    }

    /** jextract nests unnamed types, by their field's name, and named ones, which C knows at the top. */
    private void addStruct(Class<?> type) {
        structs.computeIfAbsent(type.getSimpleName(), _ -> new ArrayList<>()).add(type);
        for (Class<?> nested : type.getDeclaredClasses()) {
            if (!has(type, nested.getSimpleName() + "$offset")) {
                addStruct(nested);
            }
        }
    }

    private void addConstants(Class<?> header) {
        for (Method method : header.getDeclaredMethods()) {
            Class<?> type = method.getReturnType();
            if (method.getParameterCount() == 0 && (type == int.class || type == long.class)) {
                long value = ((Number) call(header, method.getName())).longValue();
                constants.computeIfAbsent(method.getName(), _ -> new ArrayList<>())
                        .add(new Constant(header.getName(), value, type == int.class ? 4 : 8));
            } else {
                throw new IllegalStateException("not a constant: " + method);
            }
        }
    }

    /** The top-level classes of a package of this module. */
    private static List<Class<?>> classes(String packageName) {
        try {
            var root = Path.of(kvm_h.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            try (var files = Files.list(root.resolve(packageName.replace('.', '/')))) {
                var classes = new ArrayList<Class<?>>();
                for (String file : files.map(path -> path.getFileName().toString()).sorted().toList()) {
                    String name = file.replace(".class", "");
                    if (file.endsWith(".class") && !name.equals("package-info")) {
                        // Not initialised: libc's nested function types would make downcall handles.
                        Class<?> type = Class.forName(packageName + "." + name, false, kvm_h.class.getClassLoader());
                        if (type.getEnclosingClass() == null) {
                            classes.add(type);
                        }
                    }
                }
                return classes;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
