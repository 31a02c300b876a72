package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
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

    @Test
    void aFillByNumbersFillsAllOfItAndNoMore() {
        for (int length = 0; length < 40; length++) {
            byte[] expected = new byte[50];
            Arrays.fill(expected, 3, 3 + length, (byte) 0xa5);
            byte[] actual = new byte[50];
            RiskyCopy.fillByNumbers(MemorySegment.ofArray(actual).asSlice(3, length), (byte) 0xa5);
            assertArrayEquals(expected, actual);
        }
    }

    @Test
    void aChannelIsReadAndWrittenAsFarAsItGoes() throws IOException {
        byte[] memory = new byte[100_000];
        byte[] data = new byte[70_000];
        new Random(7).nextBytes(data);
        MemorySegment part = MemorySegment.ofArray(memory).asSlice(10);
        ReadableByteChannel in = Channels.newChannel(new ByteArrayInputStream(data));
        int done = 0;
        for (int count; (count = RiskyCopy.readByNumbers(part.asSlice(done), in)) >= 0;) {
            done += count;
        }
        assertEquals(data.length, done);
        assertArrayEquals(data, Arrays.copyOfRange(memory, 10, 10 + data.length));
        assertEquals(0, memory[9]);
        assertEquals(0, memory[10 + data.length]);
        assertEquals(1, RiskyCopy.readByNumbers(part, Channels.newChannel(new ByteArrayInputStream(new byte[]{42}))));
        assertEquals(42, memory[10]);

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        WritableByteChannel channel = Channels.newChannel(out);
        MemorySegment all = MemorySegment.ofArray(data);
        for (int at = 0; at < data.length;) {
            at += RiskyCopy.writeByNumbers(all.asSlice(at), channel);
        }
        assertArrayEquals(data, out.toByteArray());
    }
}
