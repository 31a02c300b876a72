package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.PageWriter;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;

/** What a guest writes to, and nothing else, comes out of the rings. */
@RequiresKvm(capability = Capability.DIRTY_LOG_RING_ACQ_REL)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyRingsTest {

    private static final int PAGES = 1000;
    private static final Set<MemoryFlag> LOG = Set.of(MemoryFlag.LOG_DIRTY_PAGES);

    private final Random random = new Random(6);
    private final Map<MemoryRegion, DirtyPages> dirty = new HashMap<>();

    /** Harvests, and gives what there was; the region's alone is there. */
    private BitSet harvest(PageWriter guest) {
        dirty.clear();
        guest.vm.dirtyRings().harvest(dirty);
        assertTrue(Set.of(guest.region).containsAll(dirty.keySet()), dirty::toString);
        return dirty.isEmpty() ? new BitSet() : PageWriter.bits(dirty.get(guest.region));
    }

    /** Intel's page-modification log wants a larger one. */
    private static void enableSmallest(Vm vm) {
        try {
            vm.dirtyRings().enable(4096);
        } catch (KvmException e) {
            assertEquals("EINVAL", e.errnoName());
            vm.dirtyRings().enable(16384);
        }
    }

    @Test
    void theRingsHaveWhatTheGuestHasWrittenToSinceTheHarvest() {
        try (PageWriter guest = new PageWriter(vm -> vm.dirtyRings().enable(65536), PAGES, LOG)) {
            assertEquals(65536, guest.vm.dirtyRings().size());
            assertEquals(new BitSet(), harvest(guest));
            for (int i = 0; i < 3; i++) {
                assertEquals(guest.writeRandomly(random, 10), harvest(guest));
            }
            assertEquals(new BitSet(), harvest(guest));
        }
    }

    @Test
    void aPageComesOnceUntilItIsHarvestedAndThenAgain() {
        try (PageWriter guest = new PageWriter(vm -> vm.dirtyRings().enable(65536), PAGES, LOG)) {
            for (int i = 0; i < 3; i++) {
                guest.write(5, 1);
                guest.write(5, 2);
                assertEquals(2, guest.vm.dirtyRings().harvest(dirty));
            }
        }
    }

    @Test
    void aRingThatFillsUpMakesTheGuestWaitAndLosesNothing() {
        try (PageWriter guest = new PageWriter(DirtyRingsTest::enableSmallest, PAGES, LOG)) {
            AtomicInteger full = new AtomicInteger();
            AtomicInteger entries = new AtomicInteger();
            guest.onRingFull(() -> {
                full.incrementAndGet();
                entries.addAndGet(guest.vm.dirtyRings().harvest(dirty));
            });
            int passes = 1 + Rounds.of(20);
            for (int i = 0; i < passes; i++) {
                dirty.clear();
                guest.write(0, PAGES);
                entries.addAndGet(guest.vm.dirtyRings().harvest(dirty));
                BitSet all = new BitSet();
                all.set(0, PAGES);
                assertEquals(all, PageWriter.bits(dirty.get(guest.region)));
            }
            // The write that fills the ring is made after the harvest, and makes another entry.
            assertTrue(entries.get() >= passes * PAGES && entries.get() <= passes * PAGES + full.get(),
                    () -> entries + " entries, " + full + " times full");
            assertTrue(full.get() >= 2 * passes, () -> full + " times full");
        }
    }

    @Test
    void aFullRingIsFullUntilItIsHarvested() {
        try (PageWriter guest = new PageWriter(DirtyRingsTest::enableSmallest, PAGES, LOG)) {
            AtomicInteger full = new AtomicInteger();
            guest.onRingFull(() -> {
                for (int i = 0; i < 3; i++) {
                    assertTrue(guest.vcpu.run() instanceof Exit.DirtyRingFull);
                }
                full.incrementAndGet();
                guest.vm.dirtyRings().harvest(dirty);
            });
            guest.write(0, PAGES);
            assertTrue(full.get() > 0);
            guest.vm.dirtyRings().harvest(dirty);
            assertEquals(PAGES, dirty.get(guest.region).count());
        }
    }

    @Test
    void whatAClosedVcpuHasWrittenToIsHarvestedAllTheSame() {
        try (PageWriter guest = new PageWriter(vm -> vm.dirtyRings().enable(65536), PAGES, LOG)) {
            BitSet written = guest.writeRandomly(random, 10);
            guest.vcpu.close();
            assertEquals(written, harvest(guest));
            assertEquals(new BitSet(), harvest(guest));
        }
    }

    @Test
    void theRingsTakeTheLogsPlace() {
        try (PageWriter guest = new PageWriter(vm -> vm.dirtyRings().enable(65536), PAGES, LOG)) {
            KvmException e = assertThrows(KvmException.class, () -> guest.vm.dirtyLog().get(guest.region));
            assertEquals("ENXIO", e.errnoName());
            assertTrue(e.getMessage().contains("dirty rings"), e.getMessage());
            assertThrows(IllegalStateException.class, () -> guest.vm.dirtyRings().enable(65536));
        }
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.createVcpu(0);
            assertThrows(IllegalStateException.class, () -> vm.dirtyRings().enable(65536));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.DIRTY_LOG_RING_WITH_BITMAP)
    void besidesTheRingsThereCanBeABitmapForWhatNoVcpuWrites() {
        try (PageWriter guest = new PageWriter(vm -> {
            vm.dirtyRings().enable(65536);
            vm.dirtyRings().enableBitmap();
        }, PAGES, LOG)) {
            assertEquals(guest.writeRandomly(random, 10), harvest(guest));
            assertTrue(guest.vm.dirtyLog().get(guest.region).isEmpty());
        }
    }
}
