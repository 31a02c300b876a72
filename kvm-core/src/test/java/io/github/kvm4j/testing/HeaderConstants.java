package io.github.kvm4j.testing;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.reflect.Method;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** What the generated classes have, walked by reflection, so that a test notices what a new header adds. */
public final class HeaderConstants {

    private HeaderConstants() {
    }

    /** The constants of a header class whose names begin so, by what comes behind. */
    public static Map<String, Long> of(Class<?> header, String prefix, Predicate<String> wanted)
            throws ReflectiveOperationException {
        Map<String, Long> constants = new TreeMap<>();
        for (Method method : header.getMethods()) {
            String name = method.getName();
            if (method.getParameterCount() == 0 && name.startsWith(prefix)
                    && wanted.test(name.substring(prefix.length()))) {
                constants.put(name.substring(prefix.length()), ((Number) method.invoke(null)).longValue());
            }
        }
        return constants;
    }

    /** The members of a structure, those of a structure in it too, with their offsets in units; a name per member, as A_B. */
    public static Map<String, Long> members(MemoryLayout layout, int unit) {
        Map<String, Long> members = new TreeMap<>();
        add(members, "", (GroupLayout) layout, 0, unit);
        return members;
    }

    private static void add(Map<String, Long> members, String prefix, GroupLayout layout, long offset, int unit) {
        long at = offset;
        for (MemoryLayout member : layout.memberLayouts()) {
            if (member.name().isPresent()) {
                String name = prefix + member.name().get().toUpperCase(Locale.ROOT);
                if (member instanceof GroupLayout group) {
                    add(members, name + "_", group, at, unit);
                } else {
                    members.put(name, at / unit);
                }
            }
            at += member.byteSize();
        }
    }
}
