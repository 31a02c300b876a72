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
 * <p>
 * The kernel looks for room when the guest is entered, and not when it puts an entry in. What a guest writes to beyond that
 * goes over the oldest entries, which is an overrun. Then the kernel is a lap ahead: what it counts as put in and has no entry
 * any more is passed over by the reader ({@link #skip}); what had been read, and was to be taken back, is read again
 * ({@link #readAgain}). Otherwise each would wait for the other.
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

    /** How many entries have been read in all, and how many of them the kernel is known to have taken back. */
    private long read;
    private long reset;

    /** Whether there may have been an overrun, and up to which entry those can be that went with it. */
    private boolean overrun;
    private long doubtful = -1;
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

    /** Reads what is there, at most all that fits. */
    public synchronized void harvest(Sink sink) {
        while (!left.isEmpty()) {
            Entry entry = left.getLast();
            sink.page(entry.slot(), entry.offset());
            left.removeLast();
        }
        try {
            readTo(reset + entries, sink);
        } finally {
            // Entries come in order: with the last one there is no room, and there may have been none for more.
            if (!closed && flags(reset + entries - 1) != 0) {
                overrun();
            }
        }
    }

    private void readTo(long end, Sink sink) {
        // A sink may close the vCPU, on this thread.
        while (!closed && read < end && (isDirty(read) || skip(end))) {
            read(read, sink);
            if (!closed) {
                read++;
            }
        }
    }

    private void read(long entry, Sink sink) {
        long at = at(entry);
        sink.page(ring.get(JAVA_INT, at + kvm_dirty_gfn.slot$offset()),
                ring.get(JAVA_LONG, at + kvm_dirty_gfn.offset$offset()));
        if (!closed) {
            setReset(entry);
        }
    }

    private void overrun() {
        overrun = true;
        doubtful = read + entries;
    }

    /** Passes over entries that went with an overrun, if one behind them is there, and returns whether there is. */
    private boolean skip(long end) {
        long next = read <= doubtful ? read + 1 : end;
        while (next < end && !isDirty(next)) {
            next++;
        }
        if (next >= end) {
            return false;
        }
        // What is before it has come by now, or does not come.
        while (!isDirty(read)) {
            setReset(read);
            read++;
        }
        return true;
    }

    /**
     * Reads the last of the entries that the kernel has gone over before it has taken them back, and returns whether there
     * was one. For when it takes nothing back any more: it does again when it comes to one that is to be.
     */
    public synchronized boolean readAgain(Sink sink) {
        for (long entry = read - 1; !closed && entry >= reset; entry--) {
            if (isDirty(entry)) {
                overrun();
                read(entry, sink);
                return true;
            }
        }
        return false;
    }

    /** How many entries have been read in all, those that have been passed over included: the kernel counts these too. */
    public synchronized long read() {
        return read;
    }

    /** Whether the kernel has taken back all that has been read, as far as can be seen; it does so in the ring's order. */
    public synchronized boolean isReset() {
        return closed || read == reset || flags(read - 1) == 0;
    }

    /** The kernel has taken back all that has been read. */
    public synchronized void resetAll() {
        reset = read;
    }

    /** Whether there may have been an overrun since this was last asked. */
    public synchronized boolean takeOverrun() {
        boolean was = overrun;
        overrun = false;
        return was;
    }

    private boolean isDirty(long entry) {
        return flags(entry) == DIRTY;
    }

    private void setReset(long entry) {
        FLAGS.setRelease(ring, at(entry) + kvm_dirty_gfn.flags$offset(), RESET);
    }

    private int flags(long entry) {
        return MASK & (int) FLAGS.getAcquire(ring, at(entry) + kvm_dirty_gfn.flags$offset());
    }

    private long at(long entry) {
        return entry % entries * ENTRY;
    }

    /** Unmaps it, and keeps what nobody has read. */
    synchronized void close() {
        if (!closed) {
            List<Entry> unread = new ArrayList<>();
            Sink keep = (slot, offset) -> unread.add(new Entry(slot, offset));
            while (readAgain(keep)) {
                // until none is left
            }
            if (isDirty(reset + entries - 1)) {
                overrun();
            }
            // Not from what has been reset on: the kernel may have taken back more than is known, and put in as much.
            readTo(read + entries, keep);
            left.addAll(unread);
            closed = true;
            mapping.close();
        }
    }
}
