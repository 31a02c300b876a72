package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.UserModeGuest;

/** Memory by the addresses that the guest's page tables map. */
@RequiresKvm(arch = Architecture.X86)
class VirtualMemoryTest {

    /** 2 MiB that a table of pages maps. */
    private static final long MAPPED = 0x400000;
    private static final long TABLE = 0xb000;
    private static final int PAGE = 4096;

    /** Pages 0, 1 and 3 of the range are memory; 2 is not mapped, and 4 is where the guest has no memory. */
    private static UserModeGuest guest() {
        UserModeGuest guest = new UserModeGuest("f4");
        long directory = follow(guest, follow(guest, guest.vcpu.x86().getSregs().cr3));
        entry(guest, directory + 2 * 8, TABLE | 7);
        entry(guest, TABLE, 0x9000 | 7);
        entry(guest, TABLE + 8, 0x7000 | 7);
        entry(guest, TABLE + 3 * 8, 0xa000 | 5); // read only
        entry(guest, TABLE + 4 * 8, 0x10_0000 | 7);
        return guest;
    }

    /** The table that the first entry of another is for. */
    private static long follow(UserModeGuest guest, long table) {
        return guest.vm.memory().getLong(table) & -PAGE;
    }

    private static void entry(UserModeGuest guest, long at, long value) {
        byte[] bytes = new byte[Long.BYTES];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (value >> 8 * i);
        }
        guest.vm.memory().write(at, bytes);
    }

    @Test
    void anAddressIsWhereThePageTablesSay() {
        try (UserModeGuest guest = guest()) {
            X86Vcpu vcpu = guest.vcpu.x86();
            assertEquals(new Translation(true, 0x9123), vcpu.translate(MAPPED + 0x123));
            assertEquals(new Translation(true, 0x7fff), vcpu.translate(MAPPED + 0x1fff));
            assertEquals(new Translation(true, 0x8765), vcpu.translate(0x8765));
            for (long address : new long[]{MAPPED + 0x2000, 0x800000, 0x80_0000_0000L, -4096, Long.MAX_VALUE}) {
                assertFalse(vcpu.translate(address).isValid(), () -> Long.toHexString(address));
            }
        }
    }

    @Test
    void withoutPagingAnAddressIsItself() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            VirtualMemory memory = guest.vcpu.x86().virtualMemory();
            memory.write(0x2000, new byte[]{1, 2, 3});
            assertArrayEquals(new byte[]{1, 2, 3}, guest.vm.memory().read(0x2000, 3));
        }
    }

    @Test
    void bytesGoToAndComeFromPagesThatAreApart() {
        try (UserModeGuest guest = guest()) {
            VirtualMemory memory = guest.vcpu.x86().virtualMemory();
            byte[] bytes = new byte[PAGE];
            new Random(1).nextBytes(bytes);
            memory.write(MAPPED + 0xf00, bytes);
            assertArrayEquals(Arrays.copyOf(bytes, 0x100), guest.vm.memory().read(0x9f00, 0x100));
            assertArrayEquals(Arrays.copyOfRange(bytes, 0x100, PAGE), guest.vm.memory().read(0x7000, 0xf00));
            assertArrayEquals(bytes, memory.read(MAPPED + 0xf00, PAGE));
            byte[] some = new byte[10];
            memory.read(MAPPED + 0xffb, MemorySegment.ofArray(some));
            assertArrayEquals(Arrays.copyOfRange(bytes, 0xfb, 0x105), some);
            memory.write(MAPPED + 0x3000, MemorySegment.ofArray(some));
            assertArrayEquals(some, guest.vm.memory().read(0xa000, 10));
            assertEquals(0, memory.read(MAPPED + 0x2000, 0).length);
        }
    }

    @Test
    void whatIsNotMappedIsNamed() {
        try (UserModeGuest guest = guest()) {
            VirtualMemory memory = guest.vcpu.x86().virtualMemory();
            byte[] bytes = new byte[2 * PAGE];
            Arrays.fill(bytes, (byte) 5);
            VirtualAddressException e = assertThrows(VirtualAddressException.class,
                    () -> memory.write(MAPPED + 0x1800, bytes));
            assertEquals(MAPPED + 0x2000, e.address());
            assertEquals(0x800, e.transferred());
            assertTrue(e.getMessage().contains("0x402000 is not mapped"), e.getMessage());
            assertArrayEquals(Arrays.copyOf(bytes, 0x800), guest.vm.memory().read(0x7800, 0x800));
            VirtualAddressException noMemory = assertThrows(VirtualAddressException.class,
                    () -> memory.read(MAPPED + 0x3ff0, 0x20));
            assertEquals(MAPPED + 0x4000, noMemory.address());
            assertEquals(0x10, noMemory.transferred());
            assertTrue(noMemory.getMessage().contains("0x404000 is at guest-physical 0x100000, where"),
                    noMemory.getMessage());
            assertThrows(IllegalArgumentException.class, () -> memory.read(MAPPED, -1));
        }
    }
}
