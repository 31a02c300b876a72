package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.MsrFilter.Access.READ;
import static io.github.kvm4j.x86.MsrFilter.Access.READ_WRITE;
import static io.github.kvm4j.x86.MsrFilter.Access.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.EnumSet;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.x86.kvm_msr_filter;
import io.github.kvm4j.bindings.x86.kvm_msr_filter_range;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** Filters of model-specific registers: what the kernel is given, what it would refuse, and what guests meet. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MsrFilterTest {

    /** IA32_SYSENTER_CS, which every KVM lets a guest read and write. */
    private static final int SYSENTER_CS = 0x174;

    private static final int LAST_MSR = -1;

    @SuppressWarnings("restricted")
    private static byte[] bitmap(MemorySegment range, int bytes) {
        return kvm_msr_filter_range.bitmap(range).reinterpret(bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void theRangesReachTheKernelInTheirOrder() {
        BitSet some = new BitSet();
        some.set(0);
        some.set(64);
        MsrFilter filter = MsrFilter.denying().allow(READ, SYSENTER_CS, 3).range(WRITE, 0xc000_0080, 65, some)
                .deny(READ_WRITE, LAST_MSR);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment c = filter.write(arena);
            assertEquals(kvm_x86_h.KVM_MSR_FILTER_DEFAULT_DENY(), kvm_msr_filter.flags(c));
            MemorySegment first = kvm_msr_filter.ranges(c, 0);
            assertEquals(kvm_x86_h.KVM_MSR_FILTER_READ(), kvm_msr_filter_range.flags(first));
            assertEquals(SYSENTER_CS, kvm_msr_filter_range.base(first));
            assertEquals(3, kvm_msr_filter_range.nmsrs(first));
            assertArrayEquals(new byte[]{7, 0, 0, 0, 0, 0, 0, 0}, bitmap(first, 8));
            MemorySegment second = kvm_msr_filter.ranges(c, 1);
            assertEquals(kvm_x86_h.KVM_MSR_FILTER_WRITE(), kvm_msr_filter_range.flags(second));
            assertEquals(0xc000_0080, kvm_msr_filter_range.base(second));
            assertEquals(65, kvm_msr_filter_range.nmsrs(second));
            assertArrayEquals(new byte[]{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, bitmap(second, 16));
            MemorySegment third = kvm_msr_filter.ranges(c, 2);
            assertEquals(kvm_x86_h.KVM_MSR_FILTER_READ() | kvm_x86_h.KVM_MSR_FILTER_WRITE(),
                    kvm_msr_filter_range.flags(third));
            assertEquals(LAST_MSR, kvm_msr_filter_range.base(third));
            assertEquals(0, bitmap(third, 8)[0]);
            assertEquals(0, kvm_msr_filter_range.nmsrs(kvm_msr_filter.ranges(c, 3)));
            assertEquals(kvm_x86_h.KVM_MSR_FILTER_DEFAULT_ALLOW(),
                    kvm_msr_filter.flags(MsrFilter.allowing().write(arena)));
        }
    }

    @Test
    void aFilterIsAValueThatDoesNotChange() {
        BitSet bits = new BitSet();
        MsrFilter one = MsrFilter.allowing().range(READ, SYSENTER_CS, 2, bits);
        String text = one.toString();
        bits.set(1);
        one.deny(WRITE, SYSENTER_CS);
        assertEquals(text, one.toString());
        assertEquals("MsrFilter[allowing, deny READ 0x174 to 0x175]", text);
        assertEquals("MsrFilter[denying, allow WRITE 0x10, allow 1 for READ_WRITE 0x174 to 0x175]",
                MsrFilter.denying().allow(WRITE, 0x10).range(READ_WRITE, SYSENTER_CS, 2, bits).toString());
    }

    private static void assertRefused(Runnable call, String part) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void whatTheKernelWouldRefuseOrIgnoreIsRefused() {
        MsrFilter filter = MsrFilter.allowing();
        assertRefused(() -> filter.deny(READ, 0x10, 0), "0 registers");
        assertRefused(() -> filter.allow(READ, 0x10, -1), "-1 registers");
        assertRefused(() -> filter.allow(READ, 0, MsrFilter.MAX_COUNT + 1), "1 to 12288");
        assertRefused(() -> filter.deny(READ, LAST_MSR, 2), "ends with the last index");
        assertRefused(() -> filter.deny(READ, 0x800), "x2APIC");
        assertRefused(() -> filter.deny(READ, 0x8ff), "x2APIC");
        assertRefused(() -> filter.deny(WRITE, 0x700, 0x101), "0x800");
        BitSet five = new BitSet();
        five.set(4);
        assertRefused(() -> filter.range(READ, 0x10, 4, five), "bit 4");
        MsrFilter full = filter;
        for (int i = 0; i < 16; i++) {
            full = full.deny(READ, i);
        }
        MsrFilter sixteen = full;
        assertRefused(() -> sixteen.deny(READ, 16), "16 ranges");
        filter.deny(READ, 0x700, 0x100).deny(READ, 0x900).allow(READ_WRITE, 0, MsrFilter.MAX_COUNT);
    }

    /** A guest that halts behind its code, and at 0x500 when it gets a general protection fault. */
    private static RealModeGuest guest(String code) {
        // mov ecx, 0x174; ...; hlt
        RealModeGuest guest = new RealModeGuest("66 b9 74 01 00 00" + code + "f4");
        guest.vm.memory().write(13 * 4, new byte[]{0, 5, 0, 0});
        guest.vm.memory().write(0x500, new byte[]{(byte) 0xf4});
        return guest;
    }

    private static boolean faulted(RealModeGuest guest) {
        assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
        return guest.vcpu.x86().getRegs().rip == 0x501;
    }

    private static final String READ_IT = "0f 32";
    private static final String WRITE_IT = "0f 30";

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.X86_MSR_FILTER)
    void whatAFilterDeniesIsAProtectionFault() {
        for (MsrFilter filter : new MsrFilter[]{MsrFilter.allowing().deny(READ, SYSENTER_CS),
                MsrFilter.denying().allow(WRITE, SYSENTER_CS)}) {
            try (RealModeGuest reader = guest(READ_IT); RealModeGuest writer = guest(WRITE_IT)) {
                reader.vm.x86().setMsrFilter(filter);
                writer.vm.x86().setMsrFilter(filter);
                assertTrue(faulted(reader), filter::toString);
                assertTrue(!faulted(writer), filter::toString);
            }
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.X86_MSR_FILTER)
    void theFirstRangeThatHasTheRegisterDecides() {
        try (RealModeGuest allowed = guest(READ_IT); RealModeGuest denied = guest(READ_IT)) {
            allowed.vm.x86().setMsrFilter(MsrFilter.allowing().allow(READ, SYSENTER_CS).deny(READ, 0x170, 8));
            assertTrue(!faulted(allowed));
            denied.vm.x86().setMsrFilter(MsrFilter.allowing().deny(READ, 0x170, 8).allow(READ, SYSENTER_CS));
            assertTrue(faulted(denied));
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.X86_MSR_FILTER)
    void aFilterIsReplacedAndEnded() {
        // rdmsr; out 0x10, al; rdmsr
        try (RealModeGuest guest = guest(READ_IT + "e6 10" + READ_IT)) {
            guest.vm.x86().setMsrFilter(MsrFilter.denying().allow(READ, SYSENTER_CS));
            assertInstanceOf(Exit.Io.class, guest.vcpu.run());
            guest.vm.x86().setMsrFilter(MsrFilter.allowing().deny(READ_WRITE, SYSENTER_CS));
            assertTrue(faulted(guest));
        }
        try (RealModeGuest guest = guest(READ_IT)) {
            guest.vm.x86().setMsrFilter(MsrFilter.allowing().deny(READ_WRITE, SYSENTER_CS));
            guest.vm.x86().setMsrFilter(MsrFilter.allowing());
            assertTrue(!faulted(guest));
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = {Capability.X86_MSR_FILTER, Capability.X86_USER_SPACE_MSR})
    void whatAFilterDeniesIsAnExitWhereThatIsAskedFor() {
        // rdmsr; mov eax, 5; wrmsr; wrmsr
        try (RealModeGuest guest = guest(READ_IT + "66 b8 05 00 00 00" + WRITE_IT + WRITE_IT)) {
            guest.vm.x86().enableUserSpaceMsr(EnumSet.of(Cause.FILTERED));
            guest.vm.x86().setMsrFilter(MsrFilter.allowing().deny(READ_WRITE, SYSENTER_CS, 3));
            X86Exit.Rdmsr read = assertInstanceOf(X86Exit.Rdmsr.class, guest.vcpu.run());
            assertEquals(Cause.FILTERED, read.cause());
            assertEquals(SYSENTER_CS, read.index());
            read.answer(0x1234);
            X86Exit.Wrmsr write = assertInstanceOf(X86Exit.Wrmsr.class, guest.vcpu.run());
            assertEquals(Cause.FILTERED, write.cause());
            assertEquals(5, (int) write.value());
            write.accept();
            assertInstanceOf(X86Exit.Wrmsr.class, guest.vcpu.run());
            assertTrue(faulted(guest), "what is not accepted");
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.X86_USER_SPACE_MSR)
    void aCauseThatIsNotAskedForIsAProtectionFault() {
        // mov ecx, 0x12345678; rdmsr
        try (RealModeGuest guest = guest("66 b9 78 56 34 12" + READ_IT)) {
            guest.vm.x86().enableUserSpaceMsr(EnumSet.of(Cause.FILTERED));
            assertTrue(faulted(guest));
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.X86_MSR_FILTER)
    void aFilterThatDeniesAllIsRefusedAsTheKernelWould() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm(); Arena arena = Arena.ofConfined()) {
            assertRefused(() -> vm.x86().setMsrFilter(MsrFilter.denying()), "deny");
            MemorySegment raw = MsrFilter.denying().write(arena);
            KvmException e = assertThrows(KvmException.class, () -> vm.unsafe().ioctl("KVM_X86_SET_MSR_FILTER", raw));
            assertEquals("EINVAL", e.errnoName());
            vm.x86().setMsrFilter(MsrFilter.denying().allow(READ_WRITE, 0, MsrFilter.MAX_COUNT));
        }
    }
}
