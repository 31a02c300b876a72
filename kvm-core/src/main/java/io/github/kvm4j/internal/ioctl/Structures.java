package io.github.kvm4j.internal.ioctl;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
        return scalar != null ? scalar : (long) call(name, "sizeof");
    }

    /** The bytes of a header and as many elements as its count field says; the most that a long holds if they are more. */
    public static long size(Argument.Array array, MemorySegment header) {
        long count = field(header, array.structure(), array.count());
        long element = size(array.element());
        long most = (Long.MAX_VALUE - size(array.structure())) / element;
        return count < 0 || count > most ? Long.MAX_VALUE : size(array.structure()) + count * element;
    }

    /** The bytes that a structure's own size field says, and not less than the structure. */
    public static long size(Argument.Sized sized, MemorySegment structure) {
        long size = field(structure, sized.structure(), sized.size());
        return size < 0 ? Long.MAX_VALUE : Math.max(size(sized.structure()), size);
    }

    /** A field of a structure as an unsigned number: negative where it is more than a long holds. */
    private static long field(MemorySegment structure, String name, String field) {
        if (structure.byteSize() < size(name)) {
            throw new IllegalArgumentException(name + " has " + size(name) + " bytes; this is " + structure);
        }
        long offset = (long) call(name, field + "$offset");
        return switch ((ValueLayout) call(name, field + "$layout")) {
            case ValueLayout.OfInt layout -> Integer.toUnsignedLong(structure.get(layout.withByteAlignment(1), offset));
            case ValueLayout.OfLong layout -> structure.get(layout.withByteAlignment(1), offset);
            case ValueLayout other -> throw new LinkageError(name + "." + field + " is no count: " + other);
        };
    }

    private static Object call(String structure, String method) {
        try {
            return find(structure).getMethod(method).invoke(null);
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
