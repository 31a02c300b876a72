package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Mapping;
import io.github.kvm4j.internal.sys.SharedMapping;

/**
 * The host memory behind a region, which stays the same when the region moves. It has an arena of its own, since a region
 * can be removed while others stay.
 */
final class HostMemory {

    /** That of memory which cannot be missing when it is mapped. */
    static final String NONE = "";

    private final MemorySegment segment;
    private final String risk;
    private final @Nullable SharedMapping mapping;
    private final @Nullable Fd fd;
    private final int pageSize;

    /** What is bound to the slot beside it, or is it. */
    private final Backing.@Nullable OfGuestMemfd guestMemfd;
    private boolean closed;

    private HostMemory(MemorySegment segment, int pageSize, String risk, @Nullable SharedMapping mapping,
            @Nullable Fd fd, Backing.@Nullable OfGuestMemfd guestMemfd) {
        this.segment = segment;
        this.pageSize = pageSize;
        this.risk = risk;
        this.mapping = mapping;
        this.fd = fd;
        this.guestMemfd = guestMemfd;
    }

    /** Takes over part of a mapping, and the descriptor of what is mapped, if that is kept. */
    static HostMemory of(Mapping mapping, long offset, long size, int pageSize, String risk, @Nullable Fd fd) {
        SharedMapping shared = SharedMapping.of(mapping, offset, size);
        return new HostMemory(shared.segment(), pageSize, risk, shared, fd, null);
    }

    /** Memory that somebody else owns. */
    static HostMemory foreign(MemorySegment segment, int pageSize) {
        return new HostMemory(segment, pageSize, NONE, null, null, null);
    }

    /** Memory that is mapped with a guest_memfd, which owns the mapping; its file is there already. */
    static HostMemory of(Backing.OfGuestMemfd part, long size, int pageSize) {
        return new HostMemory(part.memfd().slice(part.offset(), size), pageSize,
                "a guest_memfd, whose private pages this process has not", null, null, part);
    }

    /** The same, which is to be the shared half of a slot with a guest_memfd. */
    HostMemory with(Backing.OfGuestMemfd part) {
        return new HostMemory(segment, pageSize, risk, mapping, fd, part);
    }

    /** What of a guest_memfd the slot has. */
    Backing.@Nullable OfGuestMemfd guestMemfd() {
        return guestMemfd;
    }

    MemorySegment segment() {
        return segment;
    }

    /**
     * The memory as a segment in which guest addresses are offsets, so that one must not be below where the guest sees the
     * memory. Empty where memory may be missing, where the addresses are too high for offsets, and, but at address 0, where
     * somebody else's arena has it.
     */
    Optional<MemorySegment> byGuestAddress(long guestAddress) {
        if (!risk.isEmpty() || guestAddress < 0 || guestAddress + segment.byteSize() < 0) {
            return Optional.empty();
        }
        if (guestAddress == 0) {
            return Optional.of(segment);
        }
        return Optional.ofNullable(mapping).map(mapped -> mapped.segmentBehind(guestAddress));
    }

    /** The size of the pages that KVM counts, in bytes. */
    int pageSize() {
        return pageSize;
    }

    /** What is behind it, where that can make it be missing though it is mapped; otherwise empty. */
    String risk() {
        return risk;
    }

    /** The descriptor that others can map too. */
    @Nullable
    Fd fd() {
        return fd;
    }

    /** Unmaps it when nobody uses it any more. The second to come waits for the first. */
    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Cleanup cleanup = new Cleanup();
        if (mapping != null) {
            cleanup.step(mapping::close);
        }
        if (fd != null) {
            cleanup.step(fd::close);
        }
        cleanup.finish();
    }
}
