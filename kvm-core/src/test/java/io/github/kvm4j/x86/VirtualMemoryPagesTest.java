package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.testing.FakeVm;
import io.github.kvm4j.testing.RealMemory;

/** Guest-virtual memory goes page by page, wherever the pages are, and says where one is missing. */
class VirtualMemoryPagesTest {

    private static final long BASE = 0xffff_8000_0000_0000L;

    /** Three pages, in another order and apart, then one outside of memory, then none. */
    private static final long[] PAGES = {0x5000, 0x2000, 0x7000, 0x40_0000};

    private final List<Long> asked = new ArrayList<>();

    private Translation translate(long address) {
        asked.add(address);
        long page = (address - BASE) >>> 12;
        return page < PAGES.length
                ? new Translation(true, PAGES[(int) page] + (address & 0xfff))
                : new Translation(false, -1);
    }

    @Test
    void whatCrossesPagesIsPutTogether() {
        try (FakeVm vm = RealMemory.vm()) {
            vm.memory.add(0, 0x10000);
            VirtualMemory virtual = new VirtualMemory(this::translate, vm.memory);
            byte[] bytes = new byte[0x1000 + 20];
            new Random(3).nextBytes(bytes);
            virtual.write(BASE + 0xff6, bytes);
            assertEquals(List.of(BASE + 0xff6, BASE + 0x1000, BASE + 0x2000), asked);
            assertArrayEquals(bytes, virtual.read(BASE + 0xff6, bytes.length));
            byte[] middle = new byte[0x1000];
            System.arraycopy(bytes, 10, middle, 0, middle.length);
            assertArrayEquals(middle, vm.memory.read(0x2000, 0x1000));
            assertEquals(bytes[0], vm.memory.getByte(0x5ff6));
            assertEquals(bytes[bytes.length - 1], vm.memory.getByte(0x7009));
            assertEquals(0, vm.memory.getByte(0x6000), "the physical page behind the first");
        }
    }

    @Test
    void whereAPageIsMissingItsAddressIsNamed() {
        try (FakeVm vm = RealMemory.vm()) {
            vm.memory.add(0, 0x10000);
            VirtualMemory virtual = new VirtualMemory(this::translate, vm.memory);
            VirtualAddressException e = assertThrows(VirtualAddressException.class,
                    () -> virtual.read(BASE + 0x2ff0, 0x100));
            assertTrue(e.getMessage().contains("0xffff800000003000"), e.getMessage());
            e = assertThrows(VirtualAddressException.class, () -> virtual.read(BASE + 0x4000, 1));
            assertTrue(e.getMessage().contains("0xffff800000004000"), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> virtual.read(BASE, -1));
        }
    }
}
