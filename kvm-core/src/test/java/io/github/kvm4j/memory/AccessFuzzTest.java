package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.internal.sys.LinuxLibc;
import io.github.kvm4j.internal.sys.Mapping;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.testing.FakeVm;

/** A million random accesses, each held against a model of byte arrays: right, or refused as documented. */
class AccessFuzzTest {

    private static final int ACCESSES = 1_000_000;
    private static final int PAGE = 4096;
    private static final int MOST = 3 * PAGE;

    /**
     * Touching ones, holes, ones that begin, end and go on where a MiB does, both sides of 2^63, both ends of the address space.
     */
    private static final long[][] LAYOUT = {{0, PAGE}, {PAGE, 2 * PAGE}, {4 * PAGE, PAGE}, {0xf_f000L, PAGE},
            {0x10_0000L, PAGE}, {0x1f_f000L, 3 * PAGE}, {0x20_2000L, PAGE}, {0x30_0000L, 2 * PAGE},
            {Long.MIN_VALUE - PAGE, PAGE}, {Long.MIN_VALUE, 2 * PAGE}, {-2 * PAGE, 2 * PAGE}};

    /** The one whose memory is not ours. */
    private static final int FOREIGN = 7;

    private final FakeVm vm = new FakeVm(new FakeLibc());
    private final GuestMemory memory = vm.memory;
    private final LinuxLibc libc = new LinuxLibc();
    private final List<HostMemory> mapped = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    private final byte[][] model = new byte[LAYOUT.length][];
    private final SplittableRandom random = new SplittableRandom(20261128);
    private int right;
    private int refused;

    /** No kernel takes the high ones, so that they do not go through a slot. */
    @BeforeEach
    void layOut() {
        for (int i = 0; i < LAYOUT.length; i++) {
            model[i] = new byte[(int) LAYOUT[i][1]];
            long size = LAYOUT[i][1];
            HostMemory host = i == FOREIGN
                    ? HostMemory.foreign(arena.allocate(size, PAGE), PAGE)
                    : HostMemory.of(Mapping.anonymous(libc, "ram", size), 0, size, PAGE, HostMemory.NONE, null);
            mapped.add(host);
            memory.map(memory.map().with(new MemoryRegion(i, LAYOUT[i][0], Set.of(), host)));
        }
    }

    @AfterEach
    void close() {
        vm.close();
        mapped.forEach(HostMemory::close);
        arena.close();
    }

    /** Where a byte is in the model; −1 when it is nowhere. */
    private int index(long address) {
        for (int i = 0; i < LAYOUT.length; i++) {
            if (Long.compareUnsigned(address - LAYOUT[i][0], LAYOUT[i][1]) < 0) {
                return i;
            }
        }
        return -1;
    }

    /** Whether there is memory all over, asked byte by byte. */
    private boolean isThere(long address, long length) {
        if (length < 0 || length > 0x10_0000) {
            return false;
        }
        if (length == 0) {
            return index(address) >= 0 || address != 0 && index(address - 1) >= 0;
        }
        for (long i = 0; i < length; i++) {
            if (index(address + i) < 0 || i > 0 && address + i == 0) {
                return false;
            }
        }
        return true;
    }

    private byte get(long address) {
        int i = index(address);
        return i < 0 ? 0 : model[i][(int) (address - LAYOUT[i][0])];
    }

    private void set(long address, byte value) {
        int i = index(address);
        model[i][(int) (address - LAYOUT[i][0])] = value;
    }

    private byte[] expected(long address, long length) {
        byte[] bytes = new byte[(int) length];
        for (int i = 0; i < length; i++) {
            bytes[i] = get(address + i);
        }
        return bytes;
    }

    private void expect(long address, byte... bytes) {
        for (int i = 0; i < bytes.length; i++) {
            set(address + i, bytes[i]);
        }
    }

    /** Near an edge mostly, somewhere in a region at times, anywhere now and then. */
    private long anAddress() {
        long[] region = LAYOUT[random.nextInt(LAYOUT.length)];
        return switch (random.nextInt(8)) {
            case 0 -> random.nextLong();
            case 1, 2 -> region[0] + random.nextLong(region[1]);
            default -> region[0] + (random.nextBoolean() ? region[1] : 0) + random.nextInt(-20, 21);
        };
    }

    private long aLength() {
        return switch (random.nextInt(64)) {
            case 0 -> random.nextLong();
            case 1, 8 -> -1 - random.nextInt(3);
            case 2 -> Long.MAX_VALUE - random.nextInt(3);
            case 3, 9, 10 -> 0;
            case 4 -> random.nextInt(MOST);
            case 5, 6, 7 -> random.nextInt(200);
            default -> random.nextInt(24);
        };
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private interface Access {
        void run() throws IOException;
    }

    /** One access: refused exactly when there is not memory all over, and then with what it was about. */
    private void check(long address, long length, Access access) throws IOException {
        boolean there = isThere(address, length);
        try {
            access.run();
        } catch (GuestAddressException e) {
            assertTrue(!there, e::getMessage);
            assertEquals(address, e.address());
            assertEquals(length, e.length());
            refused++;
            return;
        }
        assertTrue(there, () -> length + " bytes at " + Long.toHexString(address) + " should have been refused");
        right++;
    }

    private void one() throws IOException {
        long address = anAddress();
        long length = aLength();
        int size = (int) Math.clamp(length, 0, MOST);
        long value = random.nextLong();
        ByteBuffer number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
        switch (random.nextInt(20)) {
            case 0 -> check(address, 1, () -> assertEquals(memory.getByte(address), get(address)));
            case 1 -> check(address, 2, () -> assertEquals(ByteBuffer.wrap(expected(address, 2))
                    .order(ByteOrder.LITTLE_ENDIAN).getShort(), memory.getShort(address)));
            case 2 -> check(address, 4, () -> assertEquals(ByteBuffer.wrap(expected(address, 4))
                    .order(ByteOrder.LITTLE_ENDIAN).getInt(), memory.getInt(address)));
            case 3 -> check(address, 8, () -> assertEquals(ByteBuffer.wrap(expected(address, 8))
                    .order(ByteOrder.LITTLE_ENDIAN).getLong(), memory.getLong(address)));
            case 4 -> check(address, 1, () -> {
                memory.putByte(address, (byte) value);
                expect(address, (byte) value);
            });
            case 5 -> check(address, 2, () -> {
                memory.putShort(address, (short) value);
                expect(address, Arrays.copyOf(number.array(), 2));
            });
            case 6 -> check(address, 4, () -> {
                memory.putInt(address, (int) value);
                expect(address, Arrays.copyOf(number.array(), 4));
            });
            case 7 -> check(address, 8, () -> {
                memory.putLong(address, value);
                expect(address, number.array());
            });
            case 8 -> {
                int exact = (int) Math.clamp(length, Integer.MIN_VALUE, Integer.MAX_VALUE);
                check(address, exact, () -> assertArrayEquals(memory.read(address, exact), expected(address, exact)));
            }
            case 9, 10 -> {
                byte[] from = bytes(size + 5);
                check(address, size, () -> {
                    memory.write(address, from, 3, size);
                    expect(address, Arrays.copyOfRange(from, 3, 3 + size));
                });
            }
            case 11 -> {
                byte[] into = bytes(size + 5);
                byte[] before = into.clone();
                check(address, size, () -> {
                    memory.read(address, into, 3, size);
                    assertArrayEquals(Arrays.copyOfRange(into, 3, 3 + size), expected(address, size));
                });
                assertArrayEquals(Arrays.copyOf(before, 3), Arrays.copyOf(into, 3));
                assertArrayEquals(Arrays.copyOfRange(before, 3 + size, size + 5),
                        Arrays.copyOfRange(into, 3 + size, size + 5));
            }
            case 12 -> {
                byte[] from = bytes(size);
                check(address, size, () -> {
                    memory.write(address, MemorySegment.ofArray(from));
                    expect(address, from);
                });
            }
            case 13 -> {
                byte[] into = new byte[size];
                check(address, size, () -> {
                    memory.read(address, MemorySegment.ofArray(into));
                    assertArrayEquals(expected(address, size), into);
                });
            }
            case 14 -> check(address, length, () -> {
                memory.fill(address, length, (byte) value);
                byte[] filled = new byte[(int) length];
                Arrays.fill(filled, (byte) value);
                expect(address, filled);
            });
            case 15 -> {
                byte[] from = bytes(random.nextInt(size + 1));
                check(address, size, () -> {
                    var channel = Channels.newChannel(new ByteArrayInputStream(from));
                    assertEquals(from.length, memory.write(address, channel, size));
                    expect(address, from);
                });
            }
            case 16 -> check(address, length, () -> {
                var to = new ByteArrayOutputStream();
                assertEquals(length, memory.read(address, Channels.newChannel(to), length));
                assertArrayEquals(expected(address, length), to.toByteArray());
            });
            case 17 -> {
                // A segment lies in one region.
                boolean crosses = length > 0 && isThere(address, length)
                        && index(address) != index(address + length - 1);
                if (crosses) {
                    assertThrows(GuestAddressException.class, () -> memory.segment(address, length));
                    refused++;
                } else {
                    check(address, length, () -> assertEquals(-1, memory.segment(address, length)
                            .mismatch(MemorySegment.ofArray(expected(address, length)))));
                }
            }
            case 18 -> {
                String text = "x".repeat(random.nextInt(30));
                check(address, text.length() + 1, () -> {
                    assertEquals(text.length() + 1, memory.putCString(address, text));
                    expect(address, (text + "\0").getBytes(StandardCharsets.UTF_8));
                });
            }
            default -> aString(address);
        }
    }

    /** Memory is wanted up to the 0 alone. */
    private void aString(long address) {
        int most = random.nextInt(40);
        int length = 0;
        while (length <= most && index(address + length) >= 0 && (length == 0 || address + length != 0)
                && get(address + length) != 0) {
            length++;
        }
        boolean ends = length <= most && (index(address + length) < 0 || length > 0 && address + length == 0);
        try {
            Optional<String> text = memory.getCString(address, most);
            right++;
            assertFalse(ends);
            assertEquals(length > most
                    ? Optional.empty()
                    : Optional.of(new String(expected(address, length), StandardCharsets.UTF_8)), text);
        } catch (GuestAddressException e) {
            refused++;
            assertTrue(ends, e::getMessage);
        }
    }

    @Test
    void aMillionAccessesAreRightOrRefused() throws IOException {
        for (int i = 0; i < ACCESSES; i++) {
            one();
        }
        assertTrue(right > ACCESSES / 4 && refused > ACCESSES / 8, right + " right, " + refused + " refused");
        for (int i = 0; i < LAYOUT.length; i++) {
            assertArrayEquals(model[i], memory.read(LAYOUT[i][0], model[i].length), "region " + i);
        }
        assertEquals(IntStream.range(0, LAYOUT.length).boxed().toList(),
                memory.regions().stream().map(MemoryRegion::slot).toList());
    }
}
