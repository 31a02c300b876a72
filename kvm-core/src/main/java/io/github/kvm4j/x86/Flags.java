package io.github.kvm4j.x86;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** Sets of flags, and the numbers that the kernel has for them. */
final class Flags {

    private Flags() {
    }

    /** The flags whose bits are set. */
    static <E extends Enum<E>> Set<E> in(Class<E> type, ToLongFunction<E> bit, long bits) {
        EnumSet<E> flags = EnumSet.allOf(type);
        flags.removeIf(flag -> (bits & bit.applyAsLong(flag)) == 0);
        return flags;
    }

    /** Their bits. */
    static <E> long bits(Set<E> flags, ToLongFunction<E> bit) {
        long bits = 0;
        for (E flag : flags) {
            bits |= bit.applyAsLong(flag);
        }
        return bits;
    }

    /** A register with the names of its flags: 80000001 (PE PG), and what has no name as a number. */
    static <E extends Enum<E>> String text(Class<E> type, ToLongFunction<E> bit, long value) {
        Set<E> flags = in(type, bit, value);
        long rest = value & ~bits(flags, bit);
        if (value == 0) {
            return "0";
        }
        return flags.stream().map(Enum::name)
                .collect(Collectors.joining(" ", Long.toHexString(value) + " (", rest == 0
                        ? ")"
                        : (flags.isEmpty() ? "" : " ") + Long.toHexString(rest) + ")"));
    }
}
