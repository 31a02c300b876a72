package io.github.kvm4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.function.Consumer;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_clear_dirty_log;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The pages that a guest has written to, by bitmaps that the kernel keeps, one for each memory slot with
 * {@link MemoryFlag#LOG_DIRTY_PAGES} ({@link GuestMemory#setFlags} sets it on a region that is there).
 * <p>
 * Reading a region's log makes its pages clean and write-protects the dirty ones again, so that the next write is noticed.
 * For much memory that takes long, with the kernel's lock held. With {@link #enableManualProtect} reading the log leaves it
 * as it is, and {@link #clear} makes pages clean, as many at a time as are about to be copied: such a page is copied once
 * where it would be copied twice, when it was written to between reading the log and copying it.
 *
 * <pre>{@code
 * DirtyPages pages = new DirtyPages(region);
 * do {
 *     log.get(region, pages);
 *     log.clear(pages);
 *     pages.writeTo(channel);
 * } while (pages.count() > few);
 * }</pre>
 *
 * {@link DirtyRings} are the other way; docs/memory.md says which to choose. Writes by this process through
 * {@link GuestMemory} are in no log. Any thread may use it.
 */
public final class DirtyLog {

    private final VmState vm;
    private final GuestMemory memory;

    /** Made once, so that reading a log again allocates nothing. */
    private final Consumer<DirtyPages> reading = this::read;

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @param memory
     *            its memory
     * @hidden
     */
    @SuppressWarnings("exports")
    public DirtyLog(VmState vm, GuestMemory memory) {
        this.vm = vm;
        this.memory = memory;
    }

    /**
     * Makes {@link #get(MemoryRegion)} leave the log as it is, and {@link #clear(DirtyPages)} what makes pages clean.
     * KVM_ENABLE_CAP with {@link Capability#MANUAL_DIRTY_LOG_PROTECT2}, section 7.18. It is for regions whose logging begins
     * later.
     *
     * @param initiallySet
     *            whether a region's pages are all dirty when its logging begins, and are write-protected when they are
     *            cleared, which spares the guest the long wait until all are write-protected
     *            (KVM_DIRTY_LOG_INITIALLY_SET)
     * @throws UnsupportedCapabilityException
     *             without the capability, or without KVM_DIRTY_LOG_INITIALLY_SET in it
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enableManualProtect(boolean initiallySet) {
        vm.lifecycle().requireOpen();
        int bits = kvm_h.KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE()
                | (initiallySet ? kvm_h.KVM_DIRTY_LOG_INITIALLY_SET() : 0);
        if ((bits & ~vm.checkExtension(Capability.MANUAL_DIRTY_LOG_PROTECT2.number())) != 0) {
            throw new UnsupportedCapabilityException(
                    "KVM_ENABLE_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) with bits " + bits,
                    Capability.MANUAL_DIRTY_LOG_PROTECT2);
        }
        vm.enable(Capability.MANUAL_DIRTY_LOG_PROTECT2, bits);
    }

    /**
     * Reads the log of a region. KVM_GET_DIRTY_LOG, section 4.8.
     *
     * @param region
     *            a region of this VM
     * @return the pages that are dirty, without {@link #enableManualProtect} those written to since the log was last read
     * @throws IllegalArgumentException
     *             when it is no region of this VM
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the region does not log), ENXIO (the VM has {@link DirtyRings} instead)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_GET_DIRTY_LOG)
    public DirtyPages get(MemoryRegion region) {
        vm.lifecycle().requireOpen();
        DirtyPages into = new DirtyPages(region);
        get(into);
        return into;
    }

    /**
     * Reads the log of a region into a set that is there. KVM_GET_DIRTY_LOG, section 4.8. It allocates nothing after the
     * first time.
     *
     * @param into
     *            where to: the set of the region that is meant; what it has is replaced
     * @throws IllegalArgumentException
     *             when it is of no region of this VM
     * @throws KvmException
     *             when the kernel refuses, as {@link #get(MemoryRegion)}
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_GET_DIRTY_LOG)
    public void get(DirtyPages into) {
        vm.lifecycle().whileOpen(reading, into);
    }

    /** Under the lock that keeps the slot's size: the kernel writes as many bits as the slot has pages. */
    private void read(DirtyPages into) {
        try {
            memory.requireCurrent(into.region());
            vm.fd().call(Ioctl.KVM_GET_DIRTY_LOG, into.request());
        } finally {
            Reference.reachabilityFence(into);
        }
    }

    /**
     * Makes the dirty pages of a set clean in the log, and write-protects them: a later write makes them dirty again.
     * KVM_CLEAR_DIRTY_LOG, section 4.117, {@link Capability#MANUAL_DIRTY_LOG_PROTECT2}. Copy the pages after this, not
     * before.
     *
     * @param pages
     *            what {@link #get(DirtyPages)} gave, or a part of it
     * @throws IllegalArgumentException
     *             when it is of no region of this VM
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses, as {@link #get(MemoryRegion)}
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CLEAR_DIRTY_LOG)
    public void clear(DirtyPages pages) {
        clear(pages, 0, pages.pages());
    }

    /**
     * Makes those dirty pages of a set clean in the log that lie in a range, and write-protects them. KVM_CLEAR_DIRTY_LOG,
     * section 4.117, {@link Capability#MANUAL_DIRTY_LOG_PROTECT2}.
     *
     * @param pages
     *            what {@link #get(DirtyPages)} gave, or a part of it
     * @param firstPage
     *            where the range begins, a multiple of 64
     * @param pageCount
     *            how many pages it has, a multiple of 64 or up to the region's end
     * @throws IllegalArgumentException
     *             when it is of no region of this VM, or the range is not of whole words of 64 pages
     * @throws IndexOutOfBoundsException
     *             when the range goes beyond the region
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses, as {@link #get(MemoryRegion)}
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CLEAR_DIRTY_LOG)
    public void clear(DirtyPages pages, long firstPage, long pageCount) {
        try {
            vm.lifecycle().whileOpen(() -> {
                memory.requireCurrent(pages.region());
                checkRange(pages, firstPage, pageCount);
                vm.require(Ioctl.KVM_CLEAR_DIRTY_LOG);
                return pageCount == 0 ? 0 : clearNonEmpty(pages, firstPage, pageCount);
            });
        } finally {
            Reference.reachabilityFence(pages);
        }
    }

    private long clearNonEmpty(DirtyPages pages, long firstPage, long pageCount) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_clear_dirty_log.allocate(arena);
            kvm_clear_dirty_log.slot(request, pages.region().slot());
            kvm_clear_dirty_log.first_page(request, firstPage);
            kvm_clear_dirty_log.num_pages(request, (int) pageCount);
            kvm_clear_dirty_log.dirty_bitmap(request, pages.bitmap(firstPage));
            return vm.fd().call(Ioctl.KVM_CLEAR_DIRTY_LOG, request);
        }
    }

    private static void checkRange(DirtyPages pages, long firstPage, long pageCount) {
        if (firstPage < 0 || pageCount < 0 || pageCount > pages.pages() - firstPage) {
            throw new IndexOutOfBoundsException(
                    pageCount + " pages from page " + firstPage + " on are not all in " + pages.region());
        }
        boolean toTheEnd = pageCount == pages.pages() - firstPage;
        if (firstPage % Long.SIZE != 0 || !(toTheEnd || pageCount % Long.SIZE == 0)) {
            throw new IllegalArgumentException(
                    "KVM clears whole words of " + Long.SIZE + " pages, or up to the region's end:"
                            + " not " + pageCount + " pages from page " + firstPage + " on of " + pages.pages());
        }
    }
}
