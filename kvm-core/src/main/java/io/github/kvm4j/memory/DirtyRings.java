package io.github.kvm4j.memory;

import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_dirty_gfn;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.DirtyRing;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The pages that a guest has written to, in a ring for each vCPU: an entry for each page, of the regions with
 * {@link MemoryFlag#LOG_DIRTY_PAGES}. What it takes to follow the writes is in proportion to them, and not to the memory;
 * and a guest that writes faster than somebody harvests waits: a vCPU whose ring is full, but for a reserve of 64 entries or
 * more, exits with {@link io.github.kvm4j.exit.Exit.DirtyRingFull}, at each run until {@link #harvest} has made room.
 *
 * <pre>{@code
 * vm.dirtyRings().enable(65536);               // before the first vCPU
 * Map<MemoryRegion, DirtyPages> dirty = new HashMap<>();
 * switch (vcpu.run()) {
 *     case Exit.DirtyRingFull _ -> vm.dirtyRings().harvest(dirty);
 *     ...
 * }
 * }</pre>
 *
 * A processor may hold entries back as long as its vCPU is in the guest (Intel's page-modification logging): kick each vCPU
 * before the harvest that is to be complete. With the rings there is no {@link DirtyLog}, but where
 * {@link #enableBitmap()} gives one beside them. KVM documentation, section 7.36. Any thread may use it, while the guest
 * runs too.
 */
public final class DirtyRings {

    /** How often the kernel may be interrupted in a row before it has done anything. */
    private static final int RESET_TRIES = 1000;

    /** How often it may say that there is nothing, where what has been counted says that there is. */
    private static final int NOTHING_TRIES = 3;

    private final VmState vm;
    private final GuestMemory memory;
    private final Object lock = new Object();

    /** How many entries the kernel has reset in all; under the lock. */
    private long reset;

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
    public DirtyRings(VmState vm, GuestMemory memory) {
        this.vm = vm;
        this.memory = memory;
    }

    /**
     * Gives each vCPU a ring, once and before the first vCPU. KVM_ENABLE_CAP with
     * {@link Capability#DIRTY_LOG_RING_ACQ_REL}, or on x86 with {@link Capability#DIRTY_LOG_RING}, section 7.36, which
     * recommends 65536 bytes or more: a larger ring is full less often.
     *
     * @param bytes
     *            the size of a ring, 16 bytes for each entry; a power of two, a page or more, and no more than the
     *            capability's value
     * @throws IllegalArgumentException
     *             when the size is none of these
     * @throws IllegalStateException
     *             when the VM has a vCPU, or rings already
     * @throws UnsupportedCapabilityException
     *             without either capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (too small for what this processor holds back)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enable(int bytes) {
        vm.lifecycle().requireOpen();
        Capability capability = capability();
        int most = vm.checkExtension(capability.number());
        if (bytes < vm.fd().host().pageSize() || bytes > most || Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "a dirty ring of " + bytes + " bytes: it must be a power of two, at least "
                            + vm.fd().host().pageSize() + " and at most " + most + ", with " + kvm_dirty_gfn.sizeof()
                            + " bytes an entry");
        }
        if (vm.dirtyRingSize() != 0) {
            throw new IllegalStateException("this VM has dirty rings, of " + vm.dirtyRingSize() + " bytes each");
        }
        vm.enable(capability, bytes);
    }

    private Capability capability() {
        if (vm.checkExtension(Capability.DIRTY_LOG_RING_ACQ_REL.number()) > 0) {
            return Capability.DIRTY_LOG_RING_ACQ_REL;
        }
        // The older one is for processors that keep stores, and loads, in order.
        if (Architecture.ON_X86 && vm.checkExtension(Capability.DIRTY_LOG_RING.number()) > 0) {
            return Capability.DIRTY_LOG_RING;
        }
        throw new UnsupportedCapabilityException("KVM_ENABLE_CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL)",
                Capability.DIRTY_LOG_RING_ACQ_REL);
    }

    /**
     * Has KVM keep a {@link DirtyLog} beside the rings, for what no vCPU writes, such as an interrupt controller that saves
     * its tables. KVM_ENABLE_CAP with {@link Capability#DIRTY_LOG_RING_WITH_BITMAP}, section 7.36, which arm64 has and needs
     * there. It comes after {@link #enable} and before the first memory; read that log once the guest stands still.
     *
     * @throws IllegalStateException
     *             when the VM has no rings, or memory already
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enableBitmap() {
        vm.lifecycle().requireOpen();
        requireEnabled();
        if (!memory.regions().isEmpty()) {
            throw new IllegalStateException(
                    "enableBitmap() must come before the first memory, and this VM has " + memory.regions());
        }
        vm.enable(Capability.DIRTY_LOG_RING_WITH_BITMAP);
    }

    /**
     * Returns how large each ring is.
     *
     * @return bytes; 0 when the VM has none
     */
    public long size() {
        return vm.dirtyRingSize();
    }

    /**
     * Takes all entries out of all rings, and gives the places back to the kernel, which write-protects the pages again: a
     * later write makes a new entry. KVM_RESET_DIRTY_RINGS, section 7.36. The pages may be copied when this returns, as with
     * {@link DirtyPages#writeTo}, and not before.
     * <p>
     * A vCPU that has been closed leaves its entries for this call. Those of a region that is gone are left out; or, where
     * another region has its slot by now, they are taken for that one's: it then has dirty pages too many, never too few.
     * Harvest before {@link GuestMemory#remove} to have none.
     *
     * @param into
     *            gets the pages: added to the set of their region, which is made when there is none; one that several
     *            threads use must be made for that
     * @return how many entries there were
     * @throws IllegalStateException
     *             when the VM has no rings
     * @throws DirtyRingOverflowException
     *             when a ring was full to its last entry, so that there may be others that it had no room for
     * @throws KvmException
     *             when the kernel refuses. The pages are in the map all the same, and the next call tries again
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_RESET_DIRTY_RINGS)
    public int harvest(Map<MemoryRegion, DirtyPages> into) {
        vm.lifecycle().requireOpen();
        requireEnabled();
        synchronized (lock) {
            Harvest harvest = new Harvest(into);
            try {
                vm.dirtyRings().forEach(ring -> ring.harvest(harvest));
            } finally {
                reset(harvest);
            }
            if (vm.dirtyRings().stream().filter(DirtyRing::takeOverrun).count() > 0) {
                throw new DirtyRingOverflowException(vm.dirtyRingSize());
            }
            return harvest.entries;
        }
    }

    private void requireEnabled() {
        if (vm.dirtyRingSize() == 0) {
            throw new IllegalStateException("this VM has no dirty rings: enable() comes before the first vCPU");
        }
    }

    /** Until all is reset: a signal makes the kernel stop in between, and count what it has done. */
    private void reset(Harvest harvest) {
        int nothing = 0;
        for (long unreset = unreset(); unreset > 0; unreset = unreset()) {
            long result = vm.fd().attempt(Ioctl.KVM_RESET_DIRTY_RINGS, 0);
            if (result > 0) {
                reset += result;
                nothing = 0;
                continue;
            }
            nothing++;
            if ((result < 0 && !Errno.EINTR.is(result)) || nothing == RESET_TRIES) {
                throw Explanations.failure(Ioctl.KVM_RESET_DIRTY_RINGS, result < 0 ? result : -Errno.EINTR.number());
            }
            if (result == 0 && nothing >= NOTHING_TRIES) {
                if (readAgain(harvest)) {
                    nothing = NOTHING_TRIES - 1;
                } else if (vm.dirtyRings().stream().allMatch(DirtyRing::isReset)) {
                    // Somebody else has reset them, by a raw ioctl.
                    reset += unreset;
                }
            }
        }
        vm.dirtyRings().forEach(DirtyRing::resetAll);
    }

    /**
     * How many entries have been read and not reset, in all rings. It is counted anew each time: a vCPU that is closed
     * meanwhile reads its own to the end, and the kernel resets and counts these too.
     */
    private long unreset() {
        return vm.dirtyRings().stream().mapToLong(DirtyRing::read).sum() - reset;
    }

    /** The kernel gets no further where it has gone over what it was to reset. */
    private boolean readAgain(Harvest harvest) {
        return vm.dirtyRings().stream().filter(ring -> ring.readAgain(harvest)).count() > 0;
    }

    /** Puts entries into the sets, mostly into the one that the entry before went into. */
    private final class Harvest implements DirtyRing.Sink {

        private final Map<MemoryRegion, DirtyPages> into;
        private @Nullable DirtyPages last;
        private int entries;

        Harvest(Map<MemoryRegion, DirtyPages> into) {
            this.into = into;
        }

        @Override
        public void page(int slot, long offset) {
            DirtyPages pages = last;
            if (pages == null || pages.region().slot() != slot) {
                MemoryRegion region = memory.find(slot);
                pages = region == null ? null : into.computeIfAbsent(region, DirtyPages::new);
                last = pages;
            }
            if (pages != null && offset >= 0 && offset < pages.pages()) {
                pages.add(offset);
            }
            entries++;
        }
    }
}
