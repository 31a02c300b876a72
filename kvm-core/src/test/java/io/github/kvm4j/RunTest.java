package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/** Guests that run on the KVM at hand, and the exits that they take. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RunTest {

    private static <T extends Exit> T run(RealModeGuest guest, Class<T> kind) {
        return assertInstanceOf(kind, guest.vcpu.run());
    }

    private static void assertOut(Exit.Io exit, int size, int value) {
        assertTrue(exit.isOut(), exit::toString);
        assertEquals(0x1234, exit.port());
        assertEquals(size, exit.size());
        assertEquals(1, exit.count());
        assertEquals(value, exit.value());
    }

    @Test
    void portWritesOfAllWidths() {
        // mov dx, 0x1234; mov eax, 0xfedcba98; out dx, al; out dx, ax; out dx, eax; hlt
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 66 b8 98 ba dc fe ee ef 66 ef f4")) {
            assertOut(run(guest, Exit.Io.class), 1, 0x98);
            assertOut(run(guest, Exit.Io.class), 2, 0xba98);
            assertOut(run(guest, Exit.Io.class), 4, 0xfedcba98);
            run(guest, Exit.Hlt.class);
            assertEquals(RealModeGuest.ENTRY + 14, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    void portReadsOfAllWidths() {
        // mov dx, 0x1234; in al, dx; mov cx, ax; in ax, dx; mov bx, ax; in eax, dx; hlt
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 ec 89 c1 ed 89 c3 66 ed f4")) {
            Exit.Io one = run(guest, Exit.Io.class);
            assertTrue(one.isIn() && one.size() == 1 && one.port() == 0x1234, one::toString);
            one.answer(0x81);
            Exit.Io two = run(guest, Exit.Io.class);
            assertEquals(2, two.size());
            two.answer(0x8182);
            Exit.Io four = run(guest, Exit.Io.class);
            assertEquals(4, four.size());
            four.answer(0x81828384);
            run(guest, Exit.Hlt.class);
            assertEquals(0x81, guest.vcpu.x86().getRegs().rcx & 0xff);
            assertEquals(0x8182, guest.vcpu.x86().getRegs().rbx & 0xffff);
            assertEquals(0x81828384L, guest.vcpu.x86().getRegs().rax);
        }
    }

    @Test
    void anUnansweredPortReadGivesAllOnes() {
        // mov dx, 0x1234; in eax, dx; hlt
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 66 ed f4")) {
            run(guest, Exit.Io.class);
            run(guest, Exit.Hlt.class);
            assertEquals(0xffff_ffffL, guest.vcpu.x86().getRegs().rax);
        }
    }

    @Test
    void aStringWriteArrivesWhole() {
        byte[] text = "several items".getBytes(StandardCharsets.US_ASCII);
        // cld; mov si, 0x2000; mov cx, 13; mov dx, 0x1234; rep outsb; hlt
        try (RealModeGuest guest = new RealModeGuest("fc be 00 20 b9 0d 00 ba 34 12 f3 6e f4")) {
            guest.vm.memory().write(0x2000, text);
            StringBuilder got = new StringBuilder();
            int exits = 0;
            while (guest.vcpu.run() instanceof Exit.Io io) {
                exits++;
                assertTrue(io.isOut() && io.port() == 0x1234 && io.size() == 1, io::toString);
                for (int i = 0; i < io.count(); i++) {
                    got.append((char) io.value(i));
                }
            }
            assertEquals("several items", got.toString());
            assertEquals(text.length, exits, "KVM's emulator hands a string that is written over item by item");
        }
    }

    @Test
    void aStringReadIsFilledWhole() {
        // cld; mov di, 0x2000; mov cx, 6; mov dx, 0x1234; rep insw; hlt
        try (RealModeGuest guest = new RealModeGuest("fc bf 00 20 b9 06 00 ba 34 12 f3 6d f4")) {
            int next = 0;
            int most = 0;
            while (guest.vcpu.run() instanceof Exit.Io io) {
                assertTrue(io.isIn() && io.size() == 2, io::toString);
                most = Math.max(most, io.count());
                for (int i = 0; i < io.count(); i++) {
                    io.answer(i, 0x4100 + next++);
                }
            }
            assertTrue(next >= 6, "items asked for: " + next);
            assertTrue(most > 1, "KVM asks for several items at once");
            assertArrayEquals(new byte[]{0, 0x41, 1, 0x41, 2, 0x41, 3, 0x41, 4, 0x41, 5, 0x41},
                    guest.vm.memory().read(0x2000, 12));
        }
    }

    @Test
    void memoryMappedAccesses() {
        // mov ax, 0x2000; mov ds, ax; mov eax, 0xfedcba98; mov [4], al; mov [4], ax; mov [4], eax; mov ebx, [8]; hlt
        try (RealModeGuest guest = new RealModeGuest(
                "b8 00 20 8e d8 66 b8 98 ba dc fe a2 04 00 a3 04 00 66 a3 04 00 66 8b 1e 08 00 f4")) {
            for (int size : new int[]{1, 2, 4}) {
                Exit.Mmio write = run(guest, Exit.Mmio.class);
                assertTrue(write.isWrite());
                assertEquals(0x20004, write.address());
                assertEquals(size, write.size());
                assertEquals(0xfedcba98L & -1L >>> 64 - 8 * size, write.value());
            }
            Exit.Mmio read = run(guest, Exit.Mmio.class);
            assertTrue(read.isRead());
            assertEquals(0x20008, read.address());
            read.answer(0x12345678);
            run(guest, Exit.Hlt.class);
            assertEquals(0x12345678, guest.vcpu.x86().getRegs().rbx);
        }
    }

    @Test
    void writesToReadOnlyMemoryAreExitsAndReadsAreNot() {
        // mov ax, 0x2000; mov ds, ax; mov bl, [8]; mov [4], bl; hlt
        try (RealModeGuest guest = new RealModeGuest("b8 00 20 8e d8 8a 1e 08 00 88 1e 04 00 f4")) {
            guest.vm.memory().add(0x20000, 0x1000, Set.of(MemoryFlag.READONLY));
            guest.vm.memory().write(0x20008, new byte[]{0x5a});
            Exit.Mmio write = run(guest, Exit.Mmio.class);
            assertTrue(write.isWrite(), write::toString);
            assertEquals(0x20004, write.address());
            assertEquals(0x5a, write.value());
            run(guest, Exit.Hlt.class);
            assertArrayEquals(new byte[1], guest.vm.memory().read(0x20004, 1));
        }
    }

    @Test
    void aTripleFaultIsAShutdown() {
        // ud2, in 32-bit protected mode with an empty interrupt table
        try (RealModeGuest guest = new RealModeGuest("0f 0b")) {
            Sregs sregs = guest.vcpu.x86().getSregs();
            for (Segment segment : List.of(sregs.cs, sregs.ds, sregs.es, sregs.ss)) {
                segment.base = 0;
                segment.limit = -1;
                segment.selector = segment == sregs.cs ? 8 : 16;
                segment.type = segment == sregs.cs ? 11 : 3;
                segment.db = 1;
                segment.g = 1;
            }
            sregs.cr0 |= 1;
            sregs.idt.limit = 0;
            guest.vcpu.x86().setSregs(sregs);
            run(guest, Exit.Shutdown.class);
        }
    }

    @Test
    void anInstructionFetchFromNowhereIsAnInternalError() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Sregs sregs = guest.vcpu.x86().getSregs();
            sregs.cs.base = 0x40000;
            sregs.cs.selector = 0x4000;
            guest.vcpu.x86().setSregs(sregs);
            Exit.InternalError error = run(guest, Exit.InternalError.class);
            assertEquals(1, error.suberror(), "KVM_INTERNAL_ERROR_EMULATION");
            assertTrue(error.dataCount() > 0 && !error.hasInstruction(), error::toString);
        }
    }

    @Test
    void aKickBeforeTheRunInterruptsItOnce() {
        // mov dx, 0x1234; again: out dx, al; jmp again
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 ee eb fd")) {
            guest.vcpu.kick();
            guest.vcpu.kick();
            run(guest, Exit.Interrupted.class);
            run(guest, Exit.Io.class);
            run(guest, Exit.Io.class);
        }
    }

    @Test
    void anAnswerIsHandedOverEvenWhenTheRunIsInterrupted() {
        // mov dx, 0x1234; in al, dx; hlt
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 ec f4")) {
            run(guest, Exit.Io.class).answer(0x5a);
            guest.vcpu.kick();
            run(guest, Exit.Interrupted.class);
            assertEquals(0x5a, guest.vcpu.x86().getRegs().rax & 0xff);
            run(guest, Exit.Hlt.class);
        }
    }

    @Test
    void aHltGoesOnBehindIt() {
        // hlt; mov dx, 0x1234; out dx, al
        try (RealModeGuest guest = new RealModeGuest("f4 ba 34 12 ee")) {
            run(guest, Exit.Hlt.class);
            run(guest, Exit.Io.class);
        }
    }

    @Test
    void theGuestSeesWhatJavaWritesAndTheOtherWayRound() {
        // mov al, [0x2000]; inc al; mov [0x2001], al; hlt
        try (RealModeGuest guest = new RealModeGuest("a0 00 20 fe c0 a2 01 20 f4")) {
            guest.vm.memory().write(0x2000, new byte[]{41});
            run(guest, Exit.Hlt.class);
            assertArrayEquals(new byte[]{41, 42}, guest.vm.memory().read(0x2000, 2));
        }
    }

    @Test
    void anAnswerAfterCloseIsRefused() {
        RealModeGuest guest = new RealModeGuest("ba 34 12 ec f4");
        Exit.Io io = run(guest, Exit.Io.class);
        guest.close();
        assertThrows(IllegalStateException.class, () -> io.answer(1));
        assertEquals(0x1234, io.port(), "reading stays safe");
    }

    /** again: mov [0xffe], eax, which crosses a page of the device; inc eax; jmp again */
    private static final String CROSSING = "b8 00 20 8e d8 66 31 c0 66 a3 fe 0f 66 40 eb f8";

    @Test
    void completingBringsTheSecondHalfOfAnAccessThatCrossesAPage() {
        try (RealModeGuest guest = new RealModeGuest(CROSSING)) {
            Exit.Mmio first = run(guest, Exit.Mmio.class);
            assertEquals(0x20ffe, first.address());
            assertEquals(2, first.size());
            List<Exit> rest = new ArrayList<>();
            guest.vcpu.completePending(exit -> rest.add(exit.copy()));
            assertEquals(1, rest.size(), rest::toString);
            assertEquals(0x21000, assertInstanceOf(Exit.Mmio.class, rest.getFirst()).address());
            assertEquals(RealModeGuest.ENTRY + 12, guest.vcpu.x86().getRegs().rip);
            assertEquals(0, guest.vcpu.x86().getRegs().rax);
            // Nothing is left, and the guest has not gone on.
            guest.vcpu.completePending(exit -> {
                throw new AssertionError(exit);
            });
            assertEquals(RealModeGuest.ENTRY + 12, guest.vcpu.x86().getRegs().rip);
            assertEquals(0x20ffe, run(guest, Exit.Mmio.class).address());
            assertEquals(1, guest.vcpu.x86().getRegs().rax);
        }
    }

    @Test
    void anAnswerIsTakenOverByCompleting() {
        // mov dx, 0x1234; in al, dx; hlt
        try (RealModeGuest guest = new RealModeGuest("ba 34 12 ec f4")) {
            run(guest, Exit.Io.class).answer(0x42);
            guest.vcpu.completePending(exit -> {
                throw new AssertionError(exit);
            });
            assertEquals(0x42, guest.vcpu.x86().getRegs().rax & 0xff);
            assertEquals(RealModeGuest.ENTRY + 4, guest.vcpu.x86().getRegs().rip);
            run(guest, Exit.Hlt.class);
        }
    }
}
