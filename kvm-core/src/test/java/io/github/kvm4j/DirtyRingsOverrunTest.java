package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.memory.DirtyRingOverflowException;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.Rounds;

/** Rings into which more is written than they have room for, by a kernel that the test plays. */
@DependsOnHost
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyRingsOverrunTest extends PlayedDirtyRings {

    /** Seen with a guest that is emulated: what has no room goes over the oldest. */
    @Test
    void aRingThatHadNoRoomIsReportedAndGoesOnAllTheSame() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < ENTRIES + 7; i++) {
            pushOver(0, 7, i % PAGES);
        }
        DirtyRingOverflowException e = assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertTrue(e.getMessage().contains("4096 bytes"), e.getMessage());
        assertEquals(PAGES, dirty.get(region).count(), "what there is comes");
        assertEquals(0, rings.harvest(dirty), "reported once");
        for (int round = 0; round < 5; round++) {
            dirty.clear();
            for (int i = 0; i < ENTRIES - RESERVE; i++) {
                push(0, 7, i % PAGES);
            }
            assertEquals(ENTRIES - RESERVE, rings.harvest(dirty));
            assertEquals(PAGES, dirty.get(region).count());
            assertEquals(kernel.get(0)[0], kernel.get(0)[1], "the kernel has them all back");
        }
    }

    @Test
    void aRingThatIsFullToTheLastEntryMayHaveLostSome() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < ENTRIES - 1; i++) {
            push(0, 7, i % PAGES);
        }
        assertEquals(ENTRIES - 1, rings.harvest(dirty));
        for (int i = 0; i < ENTRIES; i++) {
            push(0, 7, i % PAGES);
        }
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
    }

    @Test
    void whatTheKernelHasGoneOverBeforeItTookItBackIsReadAgain() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < 200; i++) {
            push(0, 7, i % 50);
        }
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            if (calls[0]++ == 0) {
                for (int i = 200; i < ENTRIES + 5; i++) {
                    pushOver(0, 7, i < ENTRIES ? 50 : 60 + i - ENTRIES);
                }
            }
            return reset(Integer.MAX_VALUE);
        });
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(LongStream.concat(LongStream.range(0, 50), LongStream.range(60, 65)).boxed().toList(), pages());
        dirty.clear();
        assertEquals(ENTRIES - 200, rings.harvest(dirty));
        assertEquals(List.of(50L), pages());
        for (int i = 0; i < PAGES; i++) {
            push(0, 7, i);
        }
        assertEquals(PAGES, rings.harvest(dirty));
        assertEquals(kernel.get(0)[0], kernel.get(0)[1]);
    }

    /** What the kernel has taken back and put in again is left for its turn. */
    @Test
    void onlyWhatTheKernelHasGoneOverIsReadAgain() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < 200; i++) {
            push(0, 7, 0);
        }
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            if (calls[0]++ > 0) {
                return reset(Integer.MAX_VALUE);
            }
            long count = reset(10);
            for (int i = 200; i < ENTRIES + 15; i++) {
                pushOver(0, 7, i < ENTRIES ? 1 : 10 + i - ENTRIES);
            }
            return count;
        });
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(List.of(0L, 20L, 21L, 22L, 23L, 24L), pages());
        dirty.clear();
        assertEquals(ENTRIES - 200 + 10, rings.harvest(dirty));
        assertEquals(LongStream.concat(LongStream.of(1), LongStream.range(10, 20)).boxed().toList(), pages());
        push(0, 7, 1);
        assertEquals(1, rings.harvest(dirty));
        assertEquals(kernel.get(0)[0], kernel.get(0)[1]);
    }

    @Test
    void overrunsOfSeveralRingsAreReportedTogether() {
        rings.enable(BYTES);
        for (int vcpu = 0; vcpu < 2; vcpu++) {
            vm.createVcpu(vcpu);
            for (int i = 0; i < ENTRIES + 7; i++) {
                pushOver(vcpu, 7, i % PAGES);
            }
        }
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(0, rings.harvest(dirty));
    }

    @Test
    void aClosedVcpusRingMayHaveHadNoRoomEither() {
        rings.enable(BYTES);
        Vcpu vcpu = vm.createVcpu(0);
        for (int i = 0; i < ENTRIES + 7; i++) {
            pushOver(0, 7, i % PAGES);
        }
        vcpu.close();
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(PAGES, dirty.get(region).count());
        assertEquals(0, rings.harvest(dirty));
    }

    /** Whatever went before, what is written to then is harvested, and the kernel gets all of it back. */
    @Test
    @Tag("slow")
    void noOverrunIsTheLast() {
        Random random = new Random(3);
        rings.enable(BYTES);
        vm.createVcpu(0);
        vm.createVcpu(1);
        for (int round = 0; round < Rounds.of(3000); round++) {
            int[] more = {random.nextInt(3)};
            libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
                if (more[0]-- > 0) {
                    pushOver(2, random);
                }
                return switch (random.nextInt(4)) {
                    case 0 -> -Errno.EINTR.number();
                    case 1 -> reset(random.nextInt(100));
                    default -> reset(Integer.MAX_VALUE);
                };
            });
            pushOver(2, random);
            harvestWhatever();
            resetAsTheKernelDoes();
            int harvests = 0;
            while (harvestWhatever() > 0) {
                assertTrue(++harvests < 10, "it never ends");
            }
            dirty.clear();
            pushOver(0, 7, 3);
            pushOver(1, 7, 99);
            harvestWhatever();
            assertEquals(List.of(3L, 99L), pages(), "round " + round);
            for (long[] state : kernel.values()) {
                assertEquals(state[0], state[1], "round " + round);
            }
        }
    }

    private void pushOver(int vcpus, Random random) {
        for (int vcpu = 0; vcpu < vcpus; vcpu++) {
            for (int i = random.nextInt(150); i > 0; i--) {
                pushOver(vcpu, 7, random.nextInt(PAGES));
            }
        }
    }

    private int harvestWhatever() {
        try {
            return rings.harvest(dirty);
        } catch (DirtyRingOverflowException _) {
            return 1;
        }
    }
}
