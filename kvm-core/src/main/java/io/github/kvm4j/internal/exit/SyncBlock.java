package io.github.kvm4j.internal.exit;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.bindings.x86.kvm_run;

/**
 * The registers in the run page, behind the exit's union: which kinds the kernel puts there at the end of a run
 * (kvm_valid_regs), which it takes from there at the start (kvm_dirty_regs), and whether what is there is the vCPU's
 * still. As all of the page, used by whoever holds the vCPU.
 */
public final class SyncBlock {

    private static final long VALID = kvm_run.kvm_valid_regs$offset();
    private static final long DIRTY = kvm_run.kvm_dirty_regs$offset();

    private final MemorySegment page;
    private long selected;

    /** Whether anything was ever selected; until then the kernel's fields are not looked at. */
    private boolean used;

    /**
     * Whether nothing but the page has been read and written since the last run, on this descriptor: what another vCPU's INIT
     * or NMI does to this one meanwhile is not in the page.
     */
    private boolean fresh;

    SyncBlock(MemorySegment page) {
        this.page = page;
    }

    /** A kind's place, from {@code kvm_run.s}. */
    public MemorySegment slice(long offset, long size) {
        return page.asSlice(kvm_run.s$offset() + offset, size);
    }

    /** Chooses the kinds that the next run leaves in the page. */
    public void select(long kinds) {
        page.set(JAVA_LONG, VALID, kinds);
        selected = kinds;
        used = true;
        fresh = false;
    }

    public boolean isSelected(long kind) {
        return (selected & kind) != 0;
    }

    /** Whether the page has what the vCPU has, or will have when it runs. */
    public boolean holds(long kind) {
        return fresh || isWritten(kind);
    }

    /** The next run takes this kind from the page. */
    public void written(long kind) {
        page.set(JAVA_LONG, DIRTY, page.get(JAVA_LONG, DIRTY) | kind);
    }

    /** Whether this kind waits for the next run. */
    public boolean isWritten(long kind) {
        return (page.get(JAVA_LONG, DIRTY) & kind) != 0;
    }

    /** Refuses to read or write a kind by ioctl while the page has what will be put over it. */
    public void requireUnwritten(long kind) {
        if (used && isWritten(kind)) {
            throw new IllegalStateException("registers written through syncRegs() wait for the next run();"
                    + " until then read and write them there");
        }
    }

    /** A call other than KVM_RUN may have changed the vCPU. */
    public void outdate() {
        fresh = false;
    }

    /**
     * KVM_RUN has gone through its end, where it fills the page. What it did not take is overwritten: a vCPU that waits
     * for its INIT takes nothing, and would be given its own registers by the next run.
     */
    public void arrived() {
        if (used) {
            fresh = true;
            page.set(JAVA_LONG, DIRTY, 0);
        }
    }

    /**
     * KVM_RUN failed. What it may have refused is withdrawn, or it would be refused for ever. Kinds that it takes before the
     * refused one have taken effect.
     */
    void failed() {
        if (used) {
            fresh = false;
            page.set(JAVA_LONG, DIRTY, 0);
        }
    }
}
