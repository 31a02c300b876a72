package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.testing.PageWriter;
import io.github.kvm4j.testing.RequiresKvm;

/** What a guest writes to, and nothing else, is in the log. */
@RequiresKvm
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyLogTest {

    /** No multiple of 64, so that the last word is not full. */
    private static final int PAGES = 1000;
    private static final Set<MemoryFlag> LOG = Set.of(MemoryFlag.LOG_DIRTY_PAGES);

    private final Random random = new Random(6);

    private static BitSet bits(DirtyPages pages) {
        return PageWriter.bits(pages);
    }

    private static BitSet all() {
        BitSet all = new BitSet();
        all.set(0, PAGES);
        return all;
    }

    @Test
    void theLogHasWhatTheGuestHasWrittenToSinceItWasRead() {
        try (PageWriter guest = new PageWriter(PAGES, LOG)) {
            DirtyPages pages = guest.vm.dirtyLog().get(guest.region);
            assertTrue(pages.isEmpty(), pages::toString);
            for (int i = 0; i < 3; i++) {
                BitSet written = guest.writeRandomly(random, 10);
                guest.vm.dirtyLog().get(pages);
                assertEquals(written, bits(pages));
            }
            guest.write(0, PAGES);
            assertEquals(PAGES, guest.vm.dirtyLog().get(guest.region).count());
            assertTrue(guest.vm.dirtyLog().get(guest.region).isEmpty());
        }
    }

    @Test
    void whatIsDirtyCanBeCopiedAndThenTheCopyIsWhatTheGuestHas() {
        try (PageWriter guest = new PageWriter(PAGES, LOG); Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(guest.region.size());
            BitSet written = guest.writeRandomly(random, 10);
            assertNotEquals(-1, image.mismatch(guest.region.segment()));
            DirtyPages pages = guest.vm.dirtyLog().get(guest.region);
            assertEquals(written.cardinality() * 4096L, pages.copyTo(image));
            assertEquals(-1, image.mismatch(guest.region.segment()));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.MANUAL_DIRTY_LOG_PROTECT2)
    void withManualProtectWhatIsClearedIsCleanAndNothingElse() {
        try (PageWriter guest = new PageWriter(PAGES, LOG)) {
            DirtyLog log = guest.vm.dirtyLog();
            log.enableManualProtect(false);
            BitSet written = guest.writeRandomly(random, 10);
            DirtyPages pages = log.get(guest.region);
            assertEquals(written, bits(pages));
            assertEquals(written, bits(log.get(guest.region)), "reading it cleared it");
            log.clear(pages, 128, 256);
            written.clear(128, 128 + 256);
            assertEquals(written, bits(log.get(guest.region)));
            log.clear(pages, 960, PAGES - 960);
            written.clear(960, PAGES);
            assertEquals(written, bits(log.get(guest.region)));
            // what is written to between reading and clearing is cleared only if it was known to be dirty
            DirtyPages known = log.get(guest.region);
            BitSet added = guest.writeRandomly(random, 5);
            log.clear(known);
            added.andNot(written);
            assertEquals(added, bits(log.get(guest.region)));
            // and what is clean is noticed again
            guest.write(130, 1);
            added.set(130);
            assertEquals(added, bits(log.get(guest.region)));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.MANUAL_DIRTY_LOG_PROTECT2)
    void initiallySetPagesAreDirtyUntilTheyAreCleared() {
        try (PageWriter guest = new PageWriter(
                vm -> vm.dirtyLog().enableManualProtect(true), PAGES, LOG)) {
            DirtyLog log = guest.vm.dirtyLog();
            DirtyPages pages = log.get(guest.region);
            assertEquals(all(), bits(pages));
            log.clear(pages);
            assertTrue(log.get(guest.region).isEmpty());
            assertEquals(guest.writeRandomly(random, 5), bits(log.get(guest.region)));
        }
    }

    @Test
    void loggingCanBeginAndEndWhileTheGuestIsThere() {
        try (PageWriter guest = new PageWriter(PAGES, Set.of())) {
            DirtyLog log = guest.vm.dirtyLog();
            KvmException e = assertThrows(KvmException.class, () -> log.get(guest.region));
            assertEquals("ENOENT", e.errnoName());
            assertTrue(e.getMessage().contains("LOG_DIRTY_PAGES"), e.getMessage());
            guest.writeRandomly(random, 5);
            MemoryRegion logged = guest.vm.memory().setFlags(guest.region, LOG);
            assertEquals(LOG, logged.flags());
            assertEquals(guest.writeRandomly(random, 5), bits(log.get(logged)));
            MemoryRegion quiet = guest.vm.memory().setFlags(logged, Set.of());
            assertThrows(KvmException.class, () -> log.get(quiet));
            guest.writeRandomly(random, 5);
        }
    }
}
