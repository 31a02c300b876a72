package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.programs.DecodeExits;
import io.github.kvm4j.testing.ChildJvm;

/** Exits out of run pages that the test writes as the kernel would. */
class ExitDecoderTest {

    private static final int PAGE_SIZE = 3 * 4096;
    private static final int DATA = 4096;

    private final MemorySegment page = Arena.ofAuto().allocate(PAGE_SIZE, 4096);
    private final MemorySegment io = kvm_run.io(page);
    private final MemorySegment mmio = kvm_run.mmio(page);
    private final ExitDecoder decoder = new ExitDecoder(new RunPage(page));

    private void io(int direction, int size, int count, long offset) {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_IO());
        kvm_run.io.direction(io, (byte) direction);
        kvm_run.io.size(io, (byte) size);
        kvm_run.io.port(io, (short) 0xcf8);
        kvm_run.io.count(io, count);
        kvm_run.io.data_offset(io, offset);
    }

    private void mmio(boolean write, int length, long data) {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_MMIO());
        kvm_run.mmio.phys_addr(mmio, 0xffff_8000_dead_b000L);
        kvm_run.mmio.data(mmio).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, data);
        kvm_run.mmio.len(mmio, length);
        kvm_run.mmio.is_write(mmio, (byte) (write ? 1 : 0));
    }

    private <T extends Exit> T decode(Class<T> kind) {
        return assertInstanceOf(kind, decoder.decode());
    }

    @ParameterizedTest
    @CsvSource({"1, 0xfe", "2, 0xfedc", "4, 0xfedcba98"})
    void aPortWriteHasItsValueInItsWidth(int size, String expected) {
        io(kvm_h.KVM_EXIT_IO_OUT(), size, 1, DATA);
        page.set(ValueLayout.JAVA_LONG, DATA, size == 1 ? 0x11fe : size == 2 ? 0x11fedc : 0x11fedcba98L);
        Exit.Io exit = decode(Exit.Io.class);
        assertTrue(exit.isOut() && !exit.isIn());
        assertEquals(0xcf8, exit.port());
        assertEquals(size, exit.size());
        assertEquals(1, exit.count());
        assertEquals(Long.decode(expected).intValue(), exit.value());
    }

    @Test
    void aStringWriteHasAllItsItems() {
        io(kvm_h.KVM_EXIT_IO_OUT(), 2, 3, DATA + 2);
        MemorySegment.copy(new short[]{(short) 0x8001, 2, 3}, 0, page, ValueLayout.JAVA_SHORT_UNALIGNED, DATA + 2, 3);
        Exit.Io exit = decode(Exit.Io.class);
        assertEquals(3, exit.count());
        assertArrayEquals(new int[]{0x8001, 2, 3}, new int[]{exit.value(0), exit.value(1), exit.value(2)});
        assertThrows(IndexOutOfBoundsException.class, () -> exit.value(3));
        assertThrows(IndexOutOfBoundsException.class, () -> exit.value(-1));
        assertThrows(IllegalStateException.class, () -> exit.answer(1));
    }

    @ParameterizedTest
    @CsvSource({"1, 0x45, 0x99999945", "2, 0x2345, 0x99992345", "4, 0x12345, 0x00012345"})
    void anAnswerGoesToTheKernelWithTheNextRunAndInItsWidth(int size, String given, String expected) {
        io(kvm_h.KVM_EXIT_IO_IN(), size, 1, DATA);
        page.set(ValueLayout.JAVA_INT, DATA, 0x99999999);
        Exit.Io exit = decode(Exit.Io.class);
        assertTrue(exit.isIn());
        exit.answer(Integer.decode(given) | (size == 4 ? 0 : 0x7f000000));
        assertEquals(0x99999999, page.get(ValueLayout.JAVA_INT, DATA), "not before the next run");
        assertEquals(Integer.decode(given), exit.value());
        decoder.complete();
        assertEquals(Long.decode(expected).intValue(), page.get(ValueLayout.JAVA_INT, DATA));
    }

    @Test
    void aStringReadIsAnsweredItemByItemAndTheRestReadsAsAllOnes() {
        io(kvm_h.KVM_EXIT_IO_IN(), 1, 4, DATA);
        Exit.Io exit = decode(Exit.Io.class);
        exit.answer(0, 10);
        exit.answer(2, 30);
        assertThrows(IndexOutOfBoundsException.class, () -> exit.answer(4, 0));
        decoder.complete();
        assertArrayEquals(new byte[]{10, -1, 30, -1}, page.asSlice(DATA, 4).toArray(ValueLayout.JAVA_BYTE));
        assertEquals(0, page.get(ValueLayout.JAVA_BYTE, DATA + 4), "nothing behind the last item");
    }

    @ParameterizedTest
    @CsvSource({"3, 1, 4096", "0, 1, 4096", "8, 1, 4096", "-1, 1, 4096", "4, 0, 4096", "4, -1, 4096", "1, 1, -1",
            "1, 1, 12288", "4, 1, 12285", "4, 1025, 4096", "4, 1, 8190", "4, 2049, 4096", "4, 1073741824, 0",
            "1, 1, 9223372036854775807"})
    void aPortExitOutsideOfTheRunPageIsUnknown(int size, int count, long offset) {
        io(kvm_h.KVM_EXIT_IO_OUT(), size, count, offset);
        MemorySegment before = Arena.ofAuto().allocate(PAGE_SIZE).copyFrom(page);
        Exit.Unknown exit = decode(Exit.Unknown.class);
        assertEquals(kvm_h.KVM_EXIT_IO(), exit.reason());
        assertArrayEquals(page.asSlice(kvm_run.io$offset(), 256).toArray(ValueLayout.JAVA_BYTE), exit.payload());
        decoder.complete();
        assertEquals(-1, page.mismatch(before), "a write wants no answer");
    }

    @ParameterizedTest
    @CsvSource({"3, 1, 4096, 4096", "8, 1, 4104, 4104", "4, 1025, 4096, 4096", "4, 1, 8190, 8190", "1, 1, -1, 8192",
            "4, 1073741824, 0, 8192", "1, 1, 12288, 8192"})
    void anImpossiblePortReadGivesAllOnesAndTheVcpuGoesOn(int size, int count, long offset, int ones) {
        io(kvm_h.KVM_EXIT_IO_IN(), 1, 1, DATA);
        Exit.Io before = decode(Exit.Io.class);
        decoder.complete();
        page.asSlice(DATA).fill((byte) 0x5a);
        io(kvm_h.KVM_EXIT_IO_IN(), size, count, offset);
        decode(Exit.Unknown.class);
        assertThrows(IllegalStateException.class, () -> before.answer(1));
        assertEquals(1, before.count(), "it is as it was");
        decoder.complete();
        for (int i = DATA; i < PAGE_SIZE; i++) {
            // Behind the data's page is that of coalesced writes, which is all vCPUs'.
            assertEquals(i < ones || i >= 2 * DATA ? 0x5a : -1, page.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
        }
        io(kvm_h.KVM_EXIT_IO_IN(), 1, 1, DATA);
        decode(Exit.Io.class).answer(7);
        decoder.complete();
        assertEquals(7, page.get(ValueLayout.JAVA_BYTE, DATA));
    }

    @Test
    void aPortExitMayFillItsPage() {
        io(kvm_h.KVM_EXIT_IO_OUT(), 4, 1024, DATA);
        assertEquals(1024, decode(Exit.Io.class).count());
    }

    @ParameterizedTest
    @CsvSource({"1, 0x88", "2, 0x7788", "4, 0x55667788", "8, 0x1122334455667788", "3, 0x667788"})
    void aMemoryMappedWriteHasItsValueInItsWidth(int length, String expected) {
        mmio(true, length, 0x1122334455667788L);
        Exit.Mmio exit = decode(Exit.Mmio.class);
        assertTrue(exit.isWrite() && !exit.isRead());
        assertEquals(0xffff_8000_dead_b000L, exit.address());
        assertEquals(length, exit.size());
        assertEquals(Long.decode(expected), exit.value());
        assertThrows(IllegalStateException.class, () -> exit.answer(1));
    }

    @Test
    void aMemoryMappedReadIsAnswered() {
        mmio(false, 4, 0);
        decode(Exit.Mmio.class).answer(0x9988_1122_3344L);
        decoder.complete();
        assertEquals(0x1122_3344L, kvm_run.mmio.data(mmio).get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
    }

    @Test
    void anUnansweredMemoryMappedReadReadsAsAllOnes() {
        mmio(false, 2, 0x1234);
        decode(Exit.Mmio.class);
        decoder.complete();
        assertEquals(0xffff, kvm_run.mmio.data(mmio).get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
    }

    @ParameterizedTest
    @CsvSource({"0", "9", "-1", "2147483647"})
    void aMemoryMappedExitOfAnImpossibleLengthIsUnknownAndReadsAsAllOnes(int length) {
        mmio(true, length, 0x1234);
        assertEquals(kvm_h.KVM_EXIT_MMIO(), decode(Exit.Unknown.class).reason());
        decoder.complete();
        assertEquals(0x1234, kvm_run.mmio.data(mmio).get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
        mmio(false, length, 0x1234);
        decode(Exit.Unknown.class);
        decoder.complete();
        assertEquals(-1, kvm_run.mmio.data(mmio).get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
    }

    @Test
    void answersToAnythingButTheCurrentExitAreRefused() {
        mmio(false, 4, 0);
        Exit.Mmio first = decode(Exit.Mmio.class);
        Exit.Mmio copy = (Exit.Mmio) first.copy();
        assertThrows(IllegalStateException.class, () -> copy.answer(1), "a copy");
        decoder.complete();
        assertThrows(IllegalStateException.class, () -> first.answer(1), "during the next run");
        io(kvm_h.KVM_EXIT_IO_IN(), 1, 1, DATA);
        Exit.Io second = decode(Exit.Io.class);
        assertThrows(IllegalStateException.class, () -> first.answer(1), "after the next exit");
        decoder.retire();
        assertThrows(IllegalStateException.class, () -> second.answer(1), "after close");
    }

    @Test
    void aCopyStaysAsItIs() {
        io(kvm_h.KVM_EXIT_IO_OUT(), 1, 1, DATA);
        page.set(ValueLayout.JAVA_BYTE, DATA, (byte) 7);
        Exit.Io live = decode(Exit.Io.class);
        Exit.Io copy = (Exit.Io) live.copy();
        page.set(ValueLayout.JAVA_BYTE, DATA, (byte) 8);
        decoder.complete();
        assertSame(live, decoder.decode(), "one object per kind");
        assertNotSame(live, copy);
        assertEquals(8, live.value());
        assertEquals(7, copy.value());
        assertEquals("Io[out port 0xcf8, 1 × 1 bytes: 7]", copy.toString());
    }

    @Test
    void failEntryHasItsReason() {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_FAIL_ENTRY());
        kvm_run.fail_entry.hardware_entry_failure_reason(kvm_run.fail_entry(page), 0x8000_0021L);
        kvm_run.fail_entry.cpu(kvm_run.fail_entry(page), 3);
        Exit.FailEntry exit = decode(Exit.FailEntry.class);
        assertEquals(0x8000_0021L, exit.hardwareReason());
        assertEquals(3, exit.cpu());
    }

    @Test
    void internalErrorHasItsData() {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_INTERNAL_ERROR());
        MemorySegment internal = kvm_run.internal(page);
        kvm_run.internal.suberror(internal, kvm_h.KVM_INTERNAL_ERROR_DELIVERY_EV());
        kvm_run.internal.ndata(internal, 2);
        kvm_run.internal.data(internal, 0, 0x31);
        kvm_run.internal.data(internal, 1, -2);
        Exit.InternalError exit = decode(Exit.InternalError.class);
        assertEquals(kvm_h.KVM_INTERNAL_ERROR_DELIVERY_EV(), exit.suberror());
        assertEquals(2, exit.dataCount());
        assertEquals(0x31, exit.data(0));
        assertEquals(-2, exit.data(1));
        assertThrows(IndexOutOfBoundsException.class, () -> exit.data(2));
        assertEquals("InternalError[suberror 3, data 31 fffffffffffffffe]", exit.toString());
        kvm_run.internal.ndata(internal, 17);
        assertEquals(kvm_h.KVM_EXIT_INTERNAL_ERROR(), decode(Exit.Unknown.class).reason());
        assertThrows(IndexOutOfBoundsException.class, () -> exit.data(16), "it is as it was");
    }

    private Exit.InternalError internalError(int words, long first) {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_INTERNAL_ERROR());
        MemorySegment internal = kvm_run.internal(page);
        kvm_run.internal.ndata(internal, words);
        for (int i = 0; i < words; i++) {
            kvm_run.internal.data(internal, i, first + i);
        }
        return decode(Exit.InternalError.class);
    }

    @Test
    void anInternalErrorHasUpToSixteenWords() {
        Exit.InternalError exit = internalError(16, 100);
        assertEquals(16, exit.dataCount());
        assertEquals(115, exit.data(15));
    }

    @Test
    void theCopyOfAnInternalErrorKeepsItsWords() {
        Exit.InternalError copy = (Exit.InternalError) internalError(2, 100).copy();
        assertEquals(200, internalError(2, 200).data(0));
        assertEquals(100, copy.data(0));
        assertEquals(101, copy.data(1));
    }

    @Test
    void accessToPoisonedMemoryIsAMemoryFaultToo() {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_MEMORY_FAULT());
        Exit.MemoryFault exit = assertInstanceOf(Exit.MemoryFault.class,
                decoder.decodeFailure(-Errno.EHWPOISON.number()));
        assertEquals(Errno.EHWPOISON.number(), exit.errno());
    }

    @Test
    void haltAndShutdownAreWhatTheyAre() {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_HLT());
        decode(Exit.Hlt.class);
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_SHUTDOWN());
        decode(Exit.Shutdown.class);
    }

    @ParameterizedTest
    @CsvSource({"10", "44", "1000", "-1", "-2147483648"})
    void anExitWithoutATypeIsUnknownWithItsPayload(int reason) {
        kvm_run.exit_reason(page, reason);
        page.set(ValueLayout.JAVA_BYTE, kvm_run.io$offset(), (byte) 5);
        Exit.Unknown exit = decode(Exit.Unknown.class);
        assertEquals(reason, exit.reason());
        assertEquals(256, exit.payload().length);
        assertEquals(5, exit.payload()[0]);
    }

    @Test
    void aMemoryFaultIsAnExitAndAnyOtherFailureIsNot() {
        kvm_run.exit_reason(page, kvm_h.KVM_EXIT_MEMORY_FAULT());
        MemorySegment fault = kvm_run.memory_fault(page);
        kvm_run.memory_fault.flags(fault, 8);
        kvm_run.memory_fault.gpa(fault, 0x1000);
        kvm_run.memory_fault.size(fault, 0x2000);
        assertNull(decoder.decodeFailure(-Errno.EIO.number()), "the reason is stale on every other errno");
        Exit.MemoryFault exit = assertInstanceOf(Exit.MemoryFault.class,
                decoder.decodeFailure(-Errno.EFAULT.number()));
        assertEquals(8, exit.flags());
        assertEquals(0x1000, exit.address());
        assertEquals(0x2000, exit.size());
        assertEquals(Errno.EFAULT.number(), exit.errno());
        assertNull(decoder.decodeFailure(-Errno.EFAULT.number()), "the same reason does not count twice");
    }

    @Test
    void tryAgainIsAnExit() {
        assertInstanceOf(Exit.NotReady.class, decoder.decodeFailure(-Errno.EAGAIN.number()));
    }

    @Test
    void unansweredExitsThatWantNoAnswerLeaveTheirDataAlone() {
        io(kvm_h.KVM_EXIT_IO_OUT(), 4, 1, DATA);
        page.set(ValueLayout.JAVA_INT, DATA, 77);
        assertFalse(decode(Exit.Io.class).isIn());
        page.set(ValueLayout.JAVA_INT, DATA, 78);
        decoder.complete();
        assertEquals(78, page.get(ValueLayout.JAVA_INT, DATA));
    }

    @Test
    void noExitAllocatesOnceItsKindHasCome() {
        ChildJvm jvm = ChildJvm.run(DecodeExits.class, "-XX:+UnlockExperimentalVMOptions", "-XX:+UseEpsilonGC",
                "-Xmx24m");
        assertEquals(0, jvm.status(), jvm::output);
        assertTrue(jvm.output().contains("decoded 45000000"), jvm::output);
    }
}
