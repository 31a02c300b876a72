package io.github.kvm4j.internal.ioctl;

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
}
