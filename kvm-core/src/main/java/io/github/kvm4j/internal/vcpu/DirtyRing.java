package io.github.kvm4j.internal.vcpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.kvm_dirty_gfn;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Mapping;

/**
 * A vCPU's dirty ring, shared with the kernel, which puts an entry in for each page that the vCPU writes to first.
 * <p>
 * An entry's flags say whose it is: DIRTY, the kernel's news; RESET, read by us; 0, the kernel's again, after
 * KVM_RESET_DIRTY_RINGS. They are read with acquire, before the rest of the entry, and written with release behind it. One
 * lock keeps readers to one at a time, and the memory mapped while one is at it; the guest may run meanwhile.
 * <p>
 * A vCPU that is closed leaves what nobody has read: that is kept, since the pages are dirty all the same.
 */
public final class DirtyRing {

    /** Gets what is in a ring. */
    @FunctionalInterface
    public interface Sink {

        /** A page of a slot; both as the kernel has written them. When it throws, the page will come again. */
        void page(int slot, long offset);
    }

    private record Entry(int slot, long offset) {
    }

    private static final VarHandle FLAGS = JAVA_INT.varHandle();
    private static final int MASK = kvm_h.KVM_DIRTY_GFN_F_MASK();
    private static final int DIRTY = (int) kvm_h.KVM_DIRTY_GFN_F_DIRTY();
    private static final int RESET = (int) kvm_h.KVM_DIRTY_GFN_F_RESET();
    private static final long ENTRY = kvm_dirty_gfn.sizeof();

    private final Mapping mapping;
    private final MemorySegment ring;
    private final long entries;

    /** How many entries have been read in all. */
    private long read;
    private boolean closed;
    private final List<Entry> left = new ArrayList<>();

    private DirtyRing(Mapping mapping) {
        this.mapping = mapping;
        this.ring = mapping.segment();
        this.entries = ring.byteSize() / ENTRY;
    }

    /** Maps a vCPU's ring of so many bytes, which is the size that the kernel has been told. */
    static DirtyRing map(Host host, String what, int fd, long bytes) {
        long offset = (Architecture.ON_X86
                ? kvm_x86_h.KVM_DIRTY_LOG_PAGE_OFFSET()
                : Architecture.ON_ARM64
                        ? kvm_arm64_h.KVM_DIRTY_LOG_PAGE_OFFSET()
                        : kvm_riscv_h.KVM_DIRTY_LOG_PAGE_OFFSET())
                * (long) host.pageSize();
        return new DirtyRing(Mapping.shared(host.libc(), what + "'s dirty ring", fd, bytes, offset));
    }

    /** Reads what is there, at most all that fits, and returns how many entries that was. */
    public synchronized int harvest(Sink sink) {
        int count = 0;
        while (!left.isEmpty()) {
            Entry entry = left.getLast();
            sink.page(entry.slot(), entry.offset());
            left.removeLast();
            count++;
        }
        // A sink may close the vCPU, on this thread.
        while (!closed && count < entries && (flags(read) & MASK) == DIRTY) {
            long at = at(read);
            sink.page(ring.get(JAVA_INT, at + kvm_dirty_gfn.slot$offset()),
                    ring.get(JAVA_LONG, at + kvm_dirty_gfn.offset$offset()));
            if (!closed) {
                FLAGS.setRelease(ring, at + kvm_dirty_gfn.flags$offset(), RESET);
                read++;
                count++;
            }
        }
        return count;
    }

    /** Whether the kernel has taken back all that has been read; it does so in the ring's order. */
    public synchronized boolean isReset() {
        return closed || read == 0 || (flags(read - 1) & RESET) == 0;
    }

    private int flags(long entry) {
        return (int) FLAGS.getAcquire(ring, at(entry) + kvm_dirty_gfn.flags$offset());
    }

    private long at(long entry) {
        return entry % entries * ENTRY;
    }

    /** Unmaps it, and keeps what nobody has read. */
    synchronized void close() {
        if (!closed) {
            List<Entry> unread = new ArrayList<>();
            harvest((slot, offset) -> unread.add(new Entry(slot, offset)));
            left.addAll(unread);
            closed = true;
            mapping.close();
        }
    }
}
