package io.github.kvm4j.util.x86;

/** What is allowed on a page, and how it is cached: bits of a page table entry. Without any it can be read in ring 0. */
public enum PageFlag {

    /** It may be written. */
    WRITABLE(1L << 1),
    /** Ring 3 may use it. */
    USER(1L << 2),
    /** Writes go through to memory. */
    WRITE_THROUGH(1L << 3),
    /** It is not cached. */
    CACHE_DISABLED(1L << 4),
    /** Its translation outlives a change of CR3, where CR4 has PGE. */
    GLOBAL(1L << 8),
    /** It has no instructions, where EFER has NXE: {@link LongMode} sees to that. */
    NO_EXECUTE(1L << 63);

    private final long bit;

    PageFlag(long bit) {
        this.bit = bit;
    }

    long bit() {
        return bit;
    }
}
