package io.github.kvm4j.internal.ioctl;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.sys.Architecture;

/** The sizes of the structures that the registry names. By reflection: no structure's class is initialised before. */
public final class Structures {

    private static final Map<String, Long> SCALARS = Map.of("__u8", 1L, "__u16", 2L, "__u32", 4L, "int", 4L, "__s32",
            4L,
            "__u64", 8L);

    private Structures() {
    }

    /** The bytes of a structure, or of a scalar. */
    public static long size(String name) {
        Long scalar = SCALARS.get(name);
        return scalar != null ? scalar : call(name, "sizeof");
    }

    /** The bytes of a header and as many elements as its count field says. */
    public static long size(Argument.Array array, MemorySegment header) {
        long count = unsigned(header, array.structure(), array.count());
        return Math.addExact(size(array.structure()), Math.multiplyExact(count, size(array.element())));
    }

    /** The bytes that a structure's own size field says, and not less than the structure. */
    public static long size(Argument.Sized sized, MemorySegment structure) {
        return Math.max(size(sized.structure()), unsigned(structure, sized.structure(), sized.size()));
    }

    private static long unsigned(MemorySegment structure, String name, String field) {
        long offset = call(name, field + "$offset");
        if (structure.byteSize() < offset + Integer.BYTES) {
            throw new IllegalArgumentException(name + " has " + size(name) + " bytes; this is " + structure);
        }
        return Integer.toUnsignedLong(structure.get(JAVA_INT, offset));
    }

    private static long call(String structure, String method) {
        try {
            return (long) find(structure).getMethod(method).invoke(null);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the bindings have no " + structure + "." + method, e);
        }
    }

    private static Class<?> find(String structure) throws ClassNotFoundException {
        String bindings = kvm_h.class.getPackageName() + ".";
        for (String name : List.of(bindings + Architecture.hostPackage() + "." + structure, bindings + structure)) {
            try {
                return Class.forName(name);
            } catch (ClassNotFoundException e) {
                // in the neutral package, then
            }
        }
        throw new ClassNotFoundException(structure);
    }
}
