package io.github.kvm4j.internal.ioctl;

import io.github.kvm4j.Capability;

/** What an ioctl takes as its third argument. */
public sealed interface Argument {

    /** Nothing: 0 is passed, and some ioctls insist on it. */
    record None() implements Argument {
    }

    /** A number. */
    record Value() implements Argument {
    }

    /**
     * A pointer to one structure of fixed size.
     *
     * @param structure
     *            its C name, or that of a scalar type
     */
    record Pointer(String structure) implements Argument {
    }

    /**
     * A pointer to a header that an array follows, as many elements as the header's count field says.
     *
     * @param structure
     *            the header's C name
     * @param count
     *            its count field
     * @param element
     *            the C name of what the array holds
     */
    record Array(String structure, String count, String element) implements Argument {
    }

    /**
     * A pointer to a structure whose size field says how many bytes there are in all, the structure's own included.
     *
     * @param structure
     *            its C name
     * @param size
     *            its size field
     */
    record Sized(String structure, String size) implements Argument {
    }

    /**
     * A pointer to a structure that more bytes follow, as many in all as the VM answers for a capability; the
     * structure's own if it answers 0.
     *
     * @param structure
     *            its C name
     * @param size
     *            the capability
     */
    record Extended(String structure, Capability size) implements Argument {
    }

    /** Nothing. */
    static Argument none() {
        return new None();
    }

    /** A number. */
    static Argument value() {
        return new Value();
    }

    /** A pointer to a structure. */
    static Argument pointer(String structure) {
        return new Pointer(structure);
    }

    /** A pointer to a header and an array. */
    static Argument array(String structure, String count, String element) {
        return new Array(structure, count, element);
    }

    /** A pointer to a structure that knows its size. */
    static Argument sized(String structure, String size) {
        return new Sized(structure, size);
    }

    /** A pointer to a structure whose size a capability tells. */
    static Argument extended(String structure, Capability size) {
        return new Extended(structure, size);
    }
}
