package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_clock_data;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_mp_state;
import io.github.kvm4j.bindings.kvm_tpr_access_ctl;
import io.github.kvm4j.bindings.kvm_translation;
import io.github.kvm4j.bindings.x86.kvm_msr_entry;
import io.github.kvm4j.bindings.x86.kvm_msr_list;
import io.github.kvm4j.bindings.x86.kvm_msrs;
import io.github.kvm4j.bindings.x86.kvm_nested_state;
import io.github.kvm4j.bindings.x86.kvm_pmu_event_filter;
import io.github.kvm4j.bindings.x86.kvm_svm_nested_state_hdr;
import io.github.kvm4j.bindings.x86.kvm_vmx_nested_state_hdr;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.bindings.x86.kvm_x86_mce;
import io.github.kvm4j.bindings.x86.kvm_xsave;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.CStruct;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.ClockFlag;
import io.github.kvm4j.x86.MachineCheck;
import io.github.kvm4j.x86.Msr;
import io.github.kvm4j.x86.Msrs;
import io.github.kvm4j.x86.NestedState;
import io.github.kvm4j.x86.NestedStateFlag;
import io.github.kvm4j.x86.PartialMsrException;
import io.github.kvm4j.x86.PmuEventFilter;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.Sregs2;
import io.github.kvm4j.x86.Translation;
import io.github.kvm4j.x86.VmClock;
import io.github.kvm4j.x86.Xsave;

/** What the calls of x86's state hand to the kernel, and what they make of its answers. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86StateCallsTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final Vcpu vcpu = vm.createVcpu(0);

    @AfterEach
    void close() {
        kvm.close();
    }

    private static MemorySegment entry(MemorySegment msrs, int i) {
        return msrs.asSlice(kvm_msrs.entries$offset() + i * kvm_msr_entry.sizeof(), kvm_msr_entry.sizeof());
    }

    /**
     * Registers have twice their number as value; the kernel stops at the one given, refuses 256 or more, and notes the sizes
     * of calls.
     */
    private List<Integer> msrs(Ioctl ioctl, int failing) {
        List<Integer> sizes = new ArrayList<>();
        libc.answering(ioctl, call -> {
            int count = kvm_msrs.nmsrs(call.argument());
            sizes.add(count);
            if (count >= 256) {
                return -Errno.E2BIG.number();
            }
            assertEquals(0, kvm_msrs.pad(call.argument()));
            for (int i = 0; i < count; i++) {
                MemorySegment entry = entry(call.argument(), i);
                assertEquals(0, kvm_msr_entry.reserved(entry));
                if (kvm_msr_entry.index(entry) == failing) {
                    return i;
                }
                if (ioctl == Ioctl.KVM_GET_MSRS) {
                    assertEquals(0, kvm_msr_entry.data(entry));
                    kvm_msr_entry.data(entry, 2L * kvm_msr_entry.index(entry));
                } else {
                    assertEquals(2L * kvm_msr_entry.index(entry), kvm_msr_entry.data(entry));
                }
            }
            return count;
        });
        return sizes;
    }

    @Test
    void msrsGoInChunksOf255() {
        List<Integer> sizes = msrs(Ioctl.KVM_GET_MSRS, -1);
        int[] indices = IntStream.range(1000, 1600).toArray();
        Msrs read = vcpu.x86().msrs().getMsrs(indices);
        assertEquals(List.of(255, 255, 90), sizes);
        assertArrayEquals(indices, read.indices());
        assertEquals(3198, read.get(1599).orElseThrow());
        List<Integer> written = msrs(Ioctl.KVM_SET_MSRS, -1);
        vcpu.x86().msrs().setMsrs(read);
        assertEquals(List.of(255, 255, 90), written);
        assertEquals(600, kvm.x86().getFeatureMsrs(indices).size());
        assertEquals(0, vcpu.x86().msrs().getMsrs().size());
        assertEquals(32, vcpu.x86().msrs().getMsr(Msr.IA32_TSC));
    }

    @Test
    void aPartialTransferNamesTheMsr() {
        msrs(Ioctl.KVM_GET_MSRS, 1300);
        int[] indices = IntStream.range(1000, 1600).toArray();
        PartialMsrException e = assertThrows(PartialMsrException.class, () -> vcpu.x86().msrs().getMsrs(indices));
        assertEquals(1300, e.failed());
        assertEquals(300, e.done());
        assertEquals(300, e.read().size());
        assertEquals(2598, e.read().get(1299).orElseThrow());
        assertEquals("KVM_GET_MSRS", e.call());
        assertTrue(e.getMessage().contains("0x514") && e.getMessage().contains("300 of 600"), e.getMessage());

        msrs(Ioctl.KVM_SET_MSRS, 1301);
        Msrs all = new Msrs();
        for (int index : indices) {
            all.put(index, 2L * index);
        }
        PartialMsrException later = assertThrows(PartialMsrException.class, () -> vcpu.x86().msrs().setMsrs(all));
        assertEquals(1301, later.failed());
        assertEquals(301, later.done());
        assertTrue(later.getMessage().contains("0x515") && later.getMessage().contains("0xa2a"), later.getMessage());

        msrs(Ioctl.KVM_SET_MSRS, Msr.LSTAR.index());
        Msrs some = new Msrs().put(Msr.STAR, 2L * Msr.STAR.index()).put(Msr.LSTAR, 77);
        PartialMsrException refused = assertThrows(PartialMsrException.class,
                () -> vcpu.x86().msrs().setMsrs(some));
        assertEquals(1, refused.done());
        assertTrue(refused.getMessage().contains("LSTAR (0xc0000082)") && refused.getMessage().contains("0x4d"),
                refused.getMessage());
    }

    /** What another call has left there is not what goes to the kernel. */
    @Test
    void whatIsReservedIsZeroWhateverTheBufferHas() {
        libc.answering(Ioctl.KVM_GET_LAPIC, call -> {
            call.argument().fill((byte) 0x5a);
            return 0;
        });
        List<Integer> sizes = msrs(Ioctl.KVM_GET_MSRS, -1);
        vcpu.x86().apic().getLapic();
        vcpu.x86().msrs().getMsrs(1, 2);
        sizes.addAll(msrs(Ioctl.KVM_SET_MSRS, -1));
        vcpu.x86().apic().getLapic();
        vcpu.x86().msrs().setMsr(3, 6);
        assertEquals(List.of(2), sizes);

        libc.answering(Ioctl.KVM_X86_SET_MCE, call -> {
            CStruct mce = new CStruct("x86_64", "kvm_x86_mce", call.argument());
            assertEquals(0, mce.get("pad1") | mce.get("pad2", 0) | mce.get("pad2", 2));
            return 0;
        }).answering(Ioctl.KVM_SET_SREGS2, call -> {
            CStruct sregs = new CStruct("x86_64", "kvm_sregs2", call.argument());
            assertEquals(0, sregs.get("cs.padding") | sregs.get("gdt.padding", 0) | sregs.get("idt.padding", 2));
            return 0;
        });
        vcpu.x86().apic().getLapic();
        vcpu.x86().machineChecks().setMce(new MachineCheck(0, 0, 0, 0, 0));
        vcpu.x86().apic().getLapic();
        vcpu.x86().setSregs2(new Sregs2());
    }

    /** A kernel that counts more than it was asked for is not believed. */
    @Test
    void aCountOfMsrsThatCannotBeIsNoMore() {
        libc.answering(Ioctl.KVM_GET_MSRS, () -> 1000).answering(Ioctl.KVM_SET_MSRS, () -> 1000);
        assertEquals(2, vcpu.x86().msrs().getMsrs(1, 2).size());
        vcpu.x86().msrs().setMsr(1, 2);
    }

    @Test
    void featureMsrsAreTheSystems() {
        msrs(Ioctl.KVM_GET_MSRS, -1);
        assertEquals(200, kvm.x86().getFeatureMsrs(100).get(100).orElseThrow());
        libc.withoutCapability(kvm_h.KVM_CAP_GET_MSR_FEATURES());
        assertEquals(Capability.GET_MSR_FEATURES,
                assertThrows(UnsupportedCapabilityException.class, () -> kvm.x86().getFeatureMsrs(100)).capability());
    }

    @Test
    void anMsrListIsAskedForAgainWithMoreRoom() {
        int[] all = IntStream.range(5, 505).toArray();
        for (Ioctl ioctl : List.of(Ioctl.KVM_GET_MSR_INDEX_LIST, Ioctl.KVM_GET_MSR_FEATURE_INDEX_LIST)) {
            libc.answering(ioctl, call -> {
                int room = kvm_msr_list.nmsrs(call.argument());
                kvm_msr_list.nmsrs(call.argument(), all.length);
                if (room < all.length) {
                    return -Errno.E2BIG.number();
                }
                MemorySegment.copy(all, 0, call.argument(), ValueLayout.JAVA_INT, kvm_msr_list.indices$offset(),
                        all.length);
                return 0;
            });
        }
        assertArrayEquals(all, kvm.x86().getMsrIndexList());
        assertArrayEquals(all, kvm.x86().getMsrFeatureIndexList());
        libc.answering(Ioctl.KVM_GET_MSR_INDEX_LIST, () -> -Errno.E2BIG.number());
        assertEquals("E2BIG", assertThrows(KvmException.class, kvm.x86()::getMsrIndexList).errnoName());
    }

    @Test
    void whatIsToBeSetStandsInTheRefusal() {
        libc.answering(Ioctl.KVM_SET_SREGS, () -> -Errno.EINVAL.number())
                .answering(Ioctl.KVM_SET_SREGS2, () -> -Errno.EINVAL.number());
        Sregs sregs = new Sregs();
        sregs.cr0 = 0x80000000L;
        sregs.cr4 = 0x20;
        sregs.efer = 0x500;
        Sregs2 sregs2 = new Sregs2();
        sregs2.setCommon(sregs);
        for (KvmException e : List.of(assertThrows(KvmException.class, () -> vcpu.x86().setSregs(sregs)),
                assertThrows(KvmException.class, () -> vcpu.x86().setSregs2(sregs2)))) {
            assertEquals("EINVAL", e.errnoName());
            assertTrue(e.getMessage().contains("cr0 80000000 (PG) cr4 20 (PAE) efer 500 (LME LMA)"), e.getMessage());
        }
        libc.withoutCapability(kvm_h.KVM_CAP_SREGS2());
        assertEquals(Capability.SREGS2,
                assertThrows(UnsupportedCapabilityException.class, () -> vcpu.x86().setSregs2(sregs2)).capability());
    }

    /** The run page's, from which KVM_RUN takes it without an in-kernel local APIC. */
    @Test
    void theTaskPriorityGoesIntoTheRunPageToo() {
        Sregs sregs = new Sregs();
        sregs.cr8 = 5;
        vcpu.x86().setSregs(sregs);
        assertEquals(5, vcpu.x86().interrupts().cr8());
        Sregs2 sregs2 = new Sregs2();
        sregs2.cr8 = 6;
        vcpu.x86().setSregs2(sregs2);
        assertEquals(6, vcpu.x86().interrupts().cr8());
        sregs.cr8 = sregs2.cr8 = 16;
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().setSregs(sregs));
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().setSregs2(sregs2));
        assertEquals(2, libc.count("KVM_SET_SREGS") + libc.count("KVM_SET_SREGS2"));
        sregs.cr8 = sregs2.cr8 = 7;
        libc.answering(Ioctl.KVM_SET_SREGS, () -> -Errno.EINVAL.number())
                .answering(Ioctl.KVM_SET_SREGS2, () -> -Errno.EINVAL.number());
        assertThrows(KvmException.class, () -> vcpu.x86().setSregs(sregs));
        assertThrows(KvmException.class, () -> vcpu.x86().setSregs2(sregs2));
        assertEquals(6, vcpu.x86().interrupts().cr8(), "what is refused is not");
    }

    /** Sizes of the VM's: 4096 bytes by the first ioctl, more by the second, all the same when written. */
    @Test
    void extendedStateHasTheSizeThatTheVmSays() {
        libc.withCapability(kvm_h.KVM_CAP_XSAVE2(), 0).answering(Ioctl.KVM_GET_XSAVE, call -> {
            call.argument().set(ValueLayout.JAVA_BYTE, 4095, (byte) 1);
            return 0;
        });
        Xsave small = vcpu.x86().fpu().getXsave();
        assertEquals(kvm_xsave.sizeof(), small.size());
        assertEquals(1, small.toByteArray()[4095]);
        assertEquals(0, libc.count("KVM_GET_XSAVE2"));

        // Within the buffer of a vCPU, and more than it has.
        for (int size : new int[]{8192, 20000}) {
            libc.withCapability(kvm_h.KVM_CAP_XSAVE2(), size).answering(Ioctl.KVM_GET_XSAVE2, call -> {
                call.argument().set(ValueLayout.JAVA_BYTE, size - 1L, (byte) 2);
                return 0;
            });
            List<Byte> written = new ArrayList<>();
            libc.answering(Ioctl.KVM_SET_XSAVE, call -> {
                written.add(call.argument().get(ValueLayout.JAVA_BYTE, size - 1L));
                return 0;
            });
            Vcpu other = vm.createVcpu(size == 8192 ? 1 : 2);
            Xsave large = other.x86().fpu().getXsave();
            assertEquals(size, large.size());
            assertEquals(2, large.toByteArray()[size - 1]);
            other.x86().fpu().setXsave(large);
            other.x86().fpu().setXsave(small);
            assertEquals(List.of((byte) 2, (byte) 0), written);
            assertThrows(IllegalArgumentException.class, () -> vcpu.x86().fpu().setXsave(large));
        }
    }

    /** A vCPU whose CPUID has no AMX has 4096 bytes, though the process is permitted more: the kernel leaves the rest alone. */
    @Test
    void whatTheKernelDoesNotFillOfExtendedStateIsZero() {
        int size = 8192;
        List<Integer> filled = new ArrayList<>(List.of(size, Xsave.MIN_SIZE));
        libc.withCapability(kvm_h.KVM_CAP_XSAVE2(), size).answering(Ioctl.KVM_GET_XSAVE2, call -> {
            call.argument().asSlice(0, filled.removeFirst()).fill((byte) 7);
            return 0;
        });
        byte[] expected = new byte[size];
        Arrays.fill(expected, (byte) 7);
        assertArrayEquals(expected, vcpu.x86().fpu().getXsave().toByteArray());
        Arrays.fill(expected, Xsave.MIN_SIZE, size, (byte) 0);
        assertArrayEquals(expected, vcpu.x86().fpu().getXsave().toByteArray());
    }

    @Test
    void aTranslationIsWhatTheKernelSays() {
        libc.answering(Ioctl.KVM_TRANSLATE, call -> {
            boolean there = kvm_translation.linear_address(call.argument()) == 0x1234;
            kvm_translation.physical_address(call.argument(), there ? 0x5678 : -1);
            kvm_translation.valid(call.argument(), (byte) (there ? 1 : 0));
            return 0;
        });
        assertEquals(new Translation(true, 0x5678), vcpu.x86().translate(0x1234));
        assertEquals(new Translation(false, -1), vcpu.x86().translate(0x1235));
    }

    @Test
    void theRunStateReachesTheKernelAndComesBack() {
        List<Integer> set = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_MP_STATE, call -> {
            set.add(kvm_mp_state.mp_state(call.argument()));
            return 0;
        });
        for (MpState state : MpState.values()) {
            libc.answering(Ioctl.KVM_GET_MP_STATE, call -> {
                kvm_mp_state.mp_state(call.argument(), state == MpState.UNKNOWN ? 99 : state.number());
                return 0;
            });
            assertEquals(state, vcpu.getMpState());
            if (state != MpState.UNKNOWN) {
                vcpu.setMpState(state);
            }
        }
        assertEquals(IntStream.rangeClosed(0, 10).boxed().toList(), set);
        assertThrows(IllegalArgumentException.class, () -> vcpu.setMpState(MpState.UNKNOWN));
        libc.withoutCapability(kvm_h.KVM_CAP_MP_STATE()).answering(Ioctl.KVM_SET_MP_STATE,
                () -> -Errno.EINVAL.number());
        assertThrows(UnsupportedCapabilityException.class, () -> vcpu.setMpState(MpState.HALTED));
    }

    @Test
    void tprAccessReportingAndTheVapicsAddressReachTheKernel() {
        List<Object> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_TPR_ACCESS_REPORTING, call -> {
            seen.add(kvm_tpr_access_ctl.enabled(call.argument()));
            seen.add(kvm_tpr_access_ctl.flags(call.argument()));
            return 0;
        }).answering(Ioctl.KVM_SET_VAPIC_ADDR, call -> {
            seen.add(call.argument().get(ValueLayout.JAVA_LONG, 0));
            return 0;
        });
        vcpu.x86().apic().setTprAccessReporting(true);
        vcpu.x86().apic().setVapicAddress(0x123456789L);
        vcpu.x86().apic().setTprAccessReporting(false);
        assertEquals(List.of(1, 0, 0x123456789L, 0, 0), seen);
    }

    /** No machine at hand scales a time stamp counter. */
    @Test
    void theFrequencyOfATimeStampCounterReachesTheKernel() {
        List<String> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_TSC_KHZ, call -> {
            seen.add(call.on() + " " + call.value());
            return 0;
        }).answering(Ioctl.KVM_GET_TSC_KHZ, call -> call.on().equals("VM") ? 1000 : 2_000_000_000);
        vcpu.x86().time().setTscKhz(3_000_000);
        vcpu.x86().time().setTscKhz(-1);
        Vm other = kvm.createVm();
        other.x86().time().setTscKhz(2_500_000);
        assertEquals(List.of("vCPU 0 3000000", "vCPU 0 4294967295", "VM 2500000"), seen);
        assertEquals(2_000_000_000, vcpu.x86().time().getTscKhz());
        assertEquals(1000, other.x86().time().getTscKhz());
        assertThrows(IllegalStateException.class, () -> vm.x86().time().setTscKhz(1));
        libc.withoutCapability(kvm_h.KVM_CAP_VM_TSC_CONTROL()).withoutCapability(kvm_h.KVM_CAP_TSC_CONTROL())
                .answering(Ioctl.KVM_SET_TSC_KHZ, () -> -Errno.EINVAL.number());
        assertEquals(Capability.VM_TSC_CONTROL, assertThrows(UnsupportedCapabilityException.class,
                () -> other.x86().time().setTscKhz(1)).capability());
        assertEquals(Capability.TSC_CONTROL, assertThrows(UnsupportedCapabilityException.class,
                () -> vcpu.x86().time().setTscKhz(1)).capability());
    }

    @Test
    void theClockIsSetWithItsRealtimeAlone() {
        List<List<Long>> set = new ArrayList<>();
        libc.answering(Ioctl.KVM_GET_CLOCK, call -> {
            kvm_clock_data.clock(call.argument(), 11);
            kvm_clock_data.realtime(call.argument(), 22);
            kvm_clock_data.host_tsc(call.argument(), 33);
            kvm_clock_data.flags(call.argument(), kvm_h.KVM_CLOCK_TSC_STABLE() | kvm_h.KVM_CLOCK_REALTIME()
                    | kvm_h.KVM_CLOCK_HOST_TSC());
            return 0;
        }).answering(Ioctl.KVM_SET_CLOCK, call -> {
            set.add(List.of(kvm_clock_data.clock(call.argument()), (long) kvm_clock_data.flags(call.argument()),
                    kvm_clock_data.realtime(call.argument()), kvm_clock_data.host_tsc(call.argument())));
            return 0;
        });
        VmClock clock = vm.x86().time().getClock();
        assertEquals(new VmClock(11, Set.of(ClockFlag.values()), 22, 33), clock);
        vm.x86().time().setClock(clock);
        vm.x86().time().setClock(VmClock.of(44));
        assertEquals(List.of(List.of(11L, (long) kvm_h.KVM_CLOCK_REALTIME(), 22L, 0L), List.of(44L, 0L, 0L, 0L)), set);
    }

    @Test
    void machineChecksReachTheKernel() {
        List<Object> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_X86_SETUP_MCE, call -> {
            seen.add(call.argument().get(ValueLayout.JAVA_LONG, 0));
            return 0;
        }).answering(Ioctl.KVM_X86_SET_MCE, call -> {
            MemorySegment mce = call.argument();
            seen.addAll(List.of(kvm_x86_mce.bank(mce), kvm_x86_mce.status(mce), kvm_x86_mce.addr(mce),
                    kvm_x86_mce.misc(mce), kvm_x86_mce.mcg_status(mce)));
            return 0;
        }).answering(Ioctl.KVM_X86_GET_MCE_CAP_SUPPORTED, call -> {
            call.argument().set(ValueLayout.JAVA_LONG, 0, 0x1000100L);
            return 0;
        });
        assertEquals(0x1000100L, kvm.x86().getMceCapSupported());
        vcpu.x86().machineChecks().setup(32, 0x1000100L);
        vcpu.x86().machineChecks().setMce(new MachineCheck(200, -1, 2, 3, 4));
        assertEquals(List.of(0x1000120L, (byte) 200, -1L, 2L, 3L, 4L), seen);
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().machineChecks().setup(256, 0));
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().machineChecks().setup(1, 1));
        assertThrows(IllegalArgumentException.class, () -> new MachineCheck(256, 0, 0, 0, 0));
    }

    /** Intel's, which no machine at hand has, by the generated accessors; and more than a vCPU's buffer has. */
    @Test
    void nestedStateOfVmxReachesTheKernelAndComesBack() {
        NestedState state = new NestedState();
        state.format = NestedState.Format.VMX;
        state.flags = NestedStateFlag.GUEST_MODE.bit() | NestedStateFlag.RUN_PENDING.bit();
        state.vmxonPa = 0x1000;
        state.vmcs12Pa = 0x2000;
        state.smmFlags = kvm_x86_h.KVM_STATE_NESTED_SMM_VMXON();
        state.vmxFlags = kvm_x86_h.KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE();
        state.preemptionTimerDeadline = 0x123456789aL;
        state.data = new byte[20000];
        Arrays.fill(state.data, (byte) 7);
        byte[][] kernel = new byte[1][];
        libc.answering(Ioctl.KVM_SET_NESTED_STATE, call -> {
            MemorySegment to = call.argument();
            MemorySegment header = to.asSlice(kvm_nested_state.hdr$offset());
            assertEquals(3, kvm_nested_state.flags(to));
            assertEquals(kvm_x86_h.KVM_STATE_NESTED_FORMAT_VMX(), kvm_nested_state.format(to));
            assertEquals(kvm_nested_state.sizeof() + 20000, kvm_nested_state.size(to));
            assertEquals(0x1000, kvm_vmx_nested_state_hdr.vmxon_pa(header));
            assertEquals(0x2000, kvm_vmx_nested_state_hdr.vmcs12_pa(header));
            assertEquals(2, kvm_vmx_nested_state_hdr.smm.flags(kvm_vmx_nested_state_hdr.smm(header)));
            assertEquals(1, kvm_vmx_nested_state_hdr.flags(header));
            assertEquals(0x123456789aL, kvm_vmx_nested_state_hdr.preemption_timer_deadline(header));
            kernel[0] = to.asSlice(0, kvm_nested_state.size(to)).toArray(ValueLayout.JAVA_BYTE);
            return 0;
        }).answering(Ioctl.KVM_GET_NESTED_STATE, call -> {
            int room = kvm_nested_state.size(call.argument());
            if (room < kernel[0].length) {
                kvm_nested_state.size(call.argument(), kernel[0].length);
                return -Errno.E2BIG.number();
            }
            MemorySegment.copy(kernel[0], 0, call.argument(), ValueLayout.JAVA_BYTE, 0, kernel[0].length);
            return 0;
        });
        vcpu.x86().nested().setNestedState(state);
        assertEquals(state, vcpu.x86().nested().getNestedState());
        assertEquals(state, state.copy());
        assertEquals(2, libc.count("KVM_GET_NESTED_STATE"));
        assertTrue(state.toString().contains("VMX 3 (GUEST_MODE RUN_PENDING)"), state::toString);
    }

    @Test
    void nestedStateOfSvmHasItsOwnHeader() {
        NestedState state = new NestedState();
        state.format = NestedState.Format.SVM;
        state.vmcbPa = 0x5000;
        state.gpat = 0x0007040600070406L;
        libc.answering(Ioctl.KVM_SET_NESTED_STATE, call -> {
            MemorySegment header = call.argument().asSlice(kvm_nested_state.hdr$offset());
            assertEquals(kvm_x86_h.KVM_STATE_NESTED_FORMAT_SVM(), kvm_nested_state.format(call.argument()));
            assertEquals(0x5000, kvm_svm_nested_state_hdr.vmcb_pa(header));
            assertEquals(0x0007040600070406L, kvm_svm_nested_state_hdr.gpat(header));
            return 0;
        });
        vcpu.x86().nested().setNestedState(state);
        state.format = NestedState.Format.UNKNOWN;
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().nested().setNestedState(state));
        libc.withoutCapability(kvm_h.KVM_CAP_NESTED_STATE()).answering(Ioctl.KVM_GET_NESTED_STATE,
                () -> -Errno.EINVAL.number());
        assertEquals(Capability.NESTED_STATE, assertThrows(UnsupportedCapabilityException.class,
                vcpu.x86().nested()::getNestedState).capability());
    }

    @Test
    void aPmuEventFilterReachesTheKernel() {
        List<List<Object>> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_PMU_EVENT_FILTER, call -> {
            MemorySegment filter = call.argument();
            List<Object> events = new ArrayList<>(List.of(kvm_pmu_event_filter.action(filter),
                    kvm_pmu_event_filter.flags(filter), kvm_pmu_event_filter.fixed_counter_bitmap(filter)));
            for (int i = 0; i < kvm_pmu_event_filter.nevents(filter); i++) {
                events.add(filter.get(ValueLayout.JAVA_LONG, kvm_pmu_event_filter.events$offset() + i * 8L));
            }
            seen.add(events);
            return 0;
        });
        vm.x86().setPmuEventFilter(PmuEventFilter.allowing().event(0xc0, 0).event(0xf2e, 0x41).fixedCounters(3));
        vm.x86().setPmuEventFilter(PmuEventFilter.denying());
        vm.x86().setPmuEventFilter(
                PmuEventFilter.denying().maskedEvents(0x3c, 0xf0, 0x10).exceptMaskedEvents(0x3c, 0xff, 0x11));
        vm.x86().setPmuEventFilter(PmuEventFilter.allowing().maskedEvents(1, 2, 2).fixedCounters(5));
        assertEquals(List.of(List.of(0, 0, 3, 0xc0L, 0xf0000412eL), List.of(1, 0, 0),
                List.of(1, 1, 0, 0xf00000000000103cL, 0xff8000000000113cL), List.of(0, 1, 5, 0x0200000000000201L)),
                seen);
        assertThrows(IllegalArgumentException.class, () -> PmuEventFilter.allowing().event(0x1000, 0));
        assertThrows(IllegalArgumentException.class, () -> PmuEventFilter.allowing().event(0, 0x100));
        assertThrows(IllegalArgumentException.class,
                () -> PmuEventFilter.allowing().event(0, 0).maskedEvents(0, 0, 0));
        assertThrows(IllegalArgumentException.class,
                () -> PmuEventFilter.allowing().maskedEvents(0, 0, 0).event(0, 0));
        libc.withoutCapability(kvm_h.KVM_CAP_PMU_EVENT_MASKED_EVENTS());
        assertEquals(Capability.PMU_EVENT_MASKED_EVENTS, assertThrows(UnsupportedCapabilityException.class,
                () -> vm.x86().setPmuEventFilter(PmuEventFilter.denying().maskedEvents(1, 2, 2))).capability());
    }

    @Test
    void tooFewShadowPagesAreRefused() {
        vm.x86().setNrMmuPages(64);
        assertThrows(IllegalArgumentException.class, () -> vm.x86().setNrMmuPages(63));
        assertEquals(1, libc.count("KVM_SET_NR_MMU_PAGES"));
    }
}
