package io.github.kvm4j.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A mapping whose memory several threads use: it is unmapped when none of them is in the middle of an access. */
public final class SharedMapping implements AutoCloseable {

    private final Mapping mapping;
    private final Arena arena;
    private final MemorySegment segment;

    private SharedMapping(Mapping mapping, Arena arena, MemorySegment segment) {
        this.mapping = mapping;
        this.arena = arena;
        this.segment = segment;
    }

    /** Takes a mapping over, of which this much is used. On failure it is unmapped. */
    public static SharedMapping of(Mapping mapping, long offset, long length) {
        try {
            Arena arena = Arena.ofShared();
            return new SharedMapping(mapping, arena, mapping.segment(arena, offset, length));
        } catch (Throwable t) {
            Cleanup.after(t, mapping::close);
            throw t;
        }
    }

    /** The memory, good until {@link #close()}. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * The memory behind as many bytes that are not its own, and with the same scope: for who keeps from those, and wants its
     * addresses elsewhere to be offsets.
     */
    public MemorySegment segmentBehind(long bytes) {
        return Mapping.segmentBehind(bytes, segment, arena);
    }

    /** Waits for accesses in progress: an arena refuses to be closed during a system call or a copy with its memory. */
    @Override
    public void close() {
        Backoff backoff = new Backoff();
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException inUse) {
                backoff.pause();
            }
        }
        mapping.close();
    }
}
