package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import java.util.Random;

import org.junit.jupiter.api.Test;

/** Copying by numbers does what a bulk copy does. */
class RiskyCopyTest {

    @Test
    void aCopyByNumbersIsAsABulkCopyWhereverTheTwoLieAndOverlap() {
        Random random = new Random(4);
        for (int round = 0; round < 20_000; round++) {
            byte[] expected = new byte[100];
            random.nextBytes(expected);
            byte[] actual = expected.clone();
            int length = random.nextInt(60);
            int from = random.nextInt(101 - length);
            int to = random.nextInt(101 - length);
            System.arraycopy(expected, from, expected, to, length);
            MemorySegment all = MemorySegment.ofArray(actual);
            RiskyCopy.byNumbers(all.asSlice(from, length), all.asSlice(to, length));
            assertArrayEquals(expected, actual, () -> from + " to " + to + ", " + length);
        }
    }
}
