package io.github.kvm4j.bench;

/** What the sides of a {@link Pair} are held against. */
enum Baseline {

    /** The same loop in C, inside one native call. */
    C("c", "C"),
    /** A plain segment of the same memory. */
    SEGMENT("segment", "segment");

    private final String side;
    private final String title;

    Baseline(String side, String title) {
        this.side = side;
        this.title = title;
    }

    /** The name of that side. */
    String side() {
        return side;
    }

    /** That side once more: what comes out of it is noise. */
    String control() {
        return side + " again";
    }

    /** As a table's heading has it. */
    String title() {
        return title;
    }
}
