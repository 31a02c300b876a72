package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.CStruct;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Ioapic;
import io.github.kvm4j.x86.Pic;
import io.github.kvm4j.x86.Pit;
import io.github.kvm4j.x86.X86Irqchip;
import io.github.kvm4j.x86.X86VcpuXen;
import io.github.kvm4j.x86.X86Xen;
import io.github.kvm4j.x86.XenConfigFlag;
import io.github.kvm4j.x86.XenRunstate;
import io.github.kvm4j.x86.XenTimer;

/** What x86's calls for interrupt controllers and Xen hand to the kernel, by the structures as C has them. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86ControllerCallsTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final Vcpu vcpu = vm.createVcpu(3);

    @AfterEach
    void close() {
        kvm.close();
    }

    private static CStruct c(String structure, MemorySegment memory) {
        return new CStruct("x86_64", structure, memory);
    }

    /** Each chip by its number, and its registers behind that. */
    @Test
    void theChipsHaveTheirNumbers() {
        List<String> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_GET_IRQCHIP, call -> {
            CStruct chip = c("kvm_irqchip", call.argument());
            seen.add("get " + chip.get("chip_id"));
            if (chip.get("chip_id") == kvm_x86_h.KVM_IRQCHIP_IOAPIC()) {
                chip.put("chip.ioapic.irr", 0x123456);
            } else {
                chip.put("chip.pic.imr", 0x10 + chip.get("chip_id"));
            }
            return 0;
        }).answering(Ioctl.KVM_SET_IRQCHIP, call -> {
            CStruct chip = c("kvm_irqchip", call.argument());
            boolean ioapic = chip.get("chip_id") == kvm_x86_h.KVM_IRQCHIP_IOAPIC();
            seen.add("set " + chip.get("chip_id") + " "
                    + Long.toHexString(chip.get(ioapic ? "chip.ioapic.irr" : "chip.pic.imr")));
            return 0;
        });
        X86Irqchip irqchip = vm.x86().irqchip();
        Pic master = irqchip.getPicMaster();
        Pic slave = irqchip.getPicSlave();
        Ioapic ioapic = irqchip.getIoapic();
        assertEquals(0x10, master.imr);
        assertEquals(0x11, slave.imr);
        assertEquals(0x123456, ioapic.irr);
        irqchip.setPicMaster(slave);
        irqchip.setPicSlave(master);
        irqchip.setIoapic(ioapic);
        assertEquals(List.of("get 0", "get 1", "get 2", "set 0 11", "set 1 10", "set 2 123456"), seen);
    }

    @Test
    void thePitsStateAndReinjectionReachTheKernel() {
        List<Long> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_GET_PIT2, call -> {
            c("kvm_pit_state2", call.argument()).put("flags", 5).put("channels.count", 77);
            return 0;
        }).answering(Ioctl.KVM_SET_PIT2, call -> {
            seen.add(c("kvm_pit_state2", call.argument()).get("flags"));
            seen.add(c("kvm_pit_state2", call.argument()).get("channels.count"));
            return 0;
        }).answering(Ioctl.KVM_REINJECT_CONTROL, call -> {
            seen.add(c("kvm_reinject_control", call.argument()).get("pit_reinject"));
            return 0;
        });
        Pit pit = vm.x86().irqchip().getPit2();
        assertEquals(77, pit.channels.getFirst().count);
        pit.flags++;
        vm.x86().irqchip().setPit2(pit);
        vm.x86().irqchip().setPitReinjection(true);
        vm.x86().irqchip().setPitReinjection(false);
        assertEquals(List.of(6L, 77L, 1L, 0L), seen);
    }

    @Test
    void xensConfigurationReachesTheKernel() {
        List<Long> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_XEN_HVM_CONFIG, call -> {
            CStruct config = c("kvm_xen_hvm_config", call.argument());
            assertEquals(0, config.get("blob_addr_32") | config.get("blob_size_32"));
            seen.add(config.get("flags"));
            seen.add(config.get("msr"));
            return 0;
        });
        vm.x86().xen().setHvmConfig(Set.of(), 0x40000000);
        vm.x86().xen().setHvmConfig(EnumSet.allOf(XenConfigFlag.class), 0xfffffff0);
        assertEquals(List.of(0L, 0x40000000L,
                (long) (kvm_x86_h.KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL() | kvm_x86_h.KVM_XEN_HVM_CONFIG_EVTCHN_SEND()
                        | kvm_x86_h.KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE()),
                0xfffffff0L), seen);
    }

    /** The attribute has this type and this number at this place, and nothing else. */
    private void assertSet(Ioctl ioctl, String structure, int type, String field, long value, Runnable call) {
        libc.answering(ioctl, issued -> {
            MemorySegment attribute = issued.argument();
            CStruct given = c(structure, attribute);
            assertEquals(type, given.get("type"), field);
            assertEquals(value, given.get(field), field);
            given.put("type", 0).put(field, 0);
            long size = given.offset("u") + given.size("u");
            assertEquals(-1, attribute.asSlice(0, size).mismatch(MemorySegment.ofArray(new byte[(int) size])), field);
            return 0;
        });
        long before = libc.count(ioctl.name());
        call.run();
        assertEquals(before + 1, libc.count(ioctl.name()));
    }

    /** The attribute that is asked for has this type, and the number that the kernel puts at this place comes back. */
    private void assertGot(Ioctl ioctl, String structure, int type, String field, long value, Supplier<Object> call) {
        libc.answering(ioctl, issued -> {
            assertEquals(type, c(structure, issued.argument()).get("type"), field);
            c(structure, issued.argument()).put(field, value);
            return 0;
        });
        Object got = call.get();
        assertEquals(value, got instanceof Boolean is
                ? (is ? 1 : 0)
                : got instanceof Integer number
                        ? Integer.toUnsignedLong(number)
                        : (long) got,
                field);
    }

    private void assertVmAttribute(int type, String field, long value, Consumer<X86Xen> set,
            Function<X86Xen, Object> get) {
        X86Xen xen = vm.x86().xen();
        assertSet(Ioctl.KVM_XEN_HVM_SET_ATTR, "kvm_xen_hvm_attr", type, field, value, () -> set.accept(xen));
        assertGot(Ioctl.KVM_XEN_HVM_GET_ATTR, "kvm_xen_hvm_attr", type, field, value, () -> get.apply(xen));
    }

    @Test
    void xensAttributesOfAVmReachTheKernelAndComeBack() {
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_LONG_MODE(), "u.long_mode", 1, xen -> xen.setLongMode(true),
                X86Xen::getLongMode);
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_LONG_MODE(), "u.long_mode", 0, xen -> xen.setLongMode(false),
                X86Xen::getLongMode);
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_SHARED_INFO(), "u.shared_info.gfn", 0xfedcba9876543L,
                xen -> xen.setSharedInfo(0xfedcba9876543L), X86Xen::getSharedInfo);
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_UPCALL_VECTOR(), "u.vector", 0xf3,
                xen -> xen.setUpcallVector(0xf3), X86Xen::getUpcallVector);
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_XEN_VERSION(), "u.xen_version", 0x40011,
                xen -> xen.setVersion(0x40011), X86Xen::getVersion);
        assertVmAttribute(kvm_x86_h.KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG(), "u.runstate_update_flag", 1,
                xen -> xen.setRunstateUpdateFlag(true), X86Xen::getRunstateUpdateFlag);
        assertThrows(IllegalArgumentException.class, () -> vm.x86().xen().setUpcallVector(256));
    }

    @Test
    void xensEventChannelsReachTheKernel() {
        List<List<Long>> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_XEN_HVM_SET_ATTR, call -> {
            CStruct channel = c("kvm_xen_hvm_attr", call.argument());
            assertEquals(kvm_x86_h.KVM_XEN_ATTR_TYPE_EVTCHN(), channel.get("type"));
            seen.add(List.of(channel.get("u.evtchn.send_port"), channel.get("u.evtchn.type"),
                    channel.get("u.evtchn.flags"), channel.get("u.evtchn.deliver.port.port"),
                    channel.get("u.evtchn.deliver.port.vcpu"), channel.get("u.evtchn.deliver.port.priority")));
            return 0;
        }).answering(Ioctl.KVM_XEN_HVM_EVTCHN_SEND, call -> {
            CStruct event = c("kvm_irq_routing_xen_evtchn", call.argument());
            seen.add(List.of(event.get("port"), event.get("vcpu"), event.get("priority")));
            return 0;
        });
        X86Xen xen = vm.x86().xen();
        xen.assignEventChannel(11, 2, 12, 3);
        xen.deassignEventChannel(13);
        xen.resetEventChannels();
        xen.sendEvent(14, 3);
        long priority = Integer.toUnsignedLong(kvm_h.KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL());
        assertEquals(List.of(List.of(11L, 2L, 0L, 12L, 3L, priority),
                List.of(13L, 0L, (long) kvm_x86_h.KVM_XEN_EVTCHN_DEASSIGN(), 0L, 0L, 0L),
                List.of(0L, 0L, (long) kvm_x86_h.KVM_XEN_EVTCHN_RESET(), 0L, 0L, 0L), List.of(14L, 3L, priority)),
                seen);
    }

    private void assertVcpuAttribute(int type, String field, long value, Consumer<X86VcpuXen> set,
            Function<X86VcpuXen, Object> get) {
        X86VcpuXen xen = vcpu.x86().xen();
        assertSet(Ioctl.KVM_XEN_VCPU_SET_ATTR, "kvm_xen_vcpu_attr", type, field, value, () -> set.accept(xen));
        assertGot(Ioctl.KVM_XEN_VCPU_GET_ATTR, "kvm_xen_vcpu_attr", type, field, value, () -> get.apply(xen));
    }

    @Test
    void xensAttributesOfAVcpuReachTheKernelAndComeBack() {
        long address = 0xfedc_ba98_7654_3000L;
        assertVcpuAttribute(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO(), "u.gpa", address,
                xen -> xen.setVcpuInfo(address), X86VcpuXen::getVcpuInfo);
        assertVcpuAttribute(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO(), "u.gpa", address,
                xen -> xen.setVcpuTimeInfo(address), X86VcpuXen::getVcpuTimeInfo);
        assertVcpuAttribute(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR(), "u.gpa", address,
                xen -> xen.setRunstateAddress(address), X86VcpuXen::getRunstateAddress);
        assertVcpuAttribute(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID(), "u.vcpu_id", 0x12345678,
                xen -> xen.setVcpuId(0x12345678), X86VcpuXen::getVcpuId);
        assertVcpuAttribute(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR(), "u.vector", 0xf3,
                xen -> xen.setUpcallVector(0xf3), X86VcpuXen::getUpcallVector);
        libc.answering(Ioctl.KVM_XEN_VCPU_GET_ATTR, () -> -Errno.ENOENT.number());
        assertEquals(-1, vcpu.x86().xen().getRunstateAddress(), "none");
        assertEquals("ENOENT", assertThrows(KvmException.class, vcpu.x86().xen()::getVcpuInfo).errnoName());
        libc.answering(Ioctl.KVM_XEN_VCPU_GET_ATTR, () -> -Errno.EINVAL.number());
        assertEquals("EINVAL", assertThrows(KvmException.class, vcpu.x86().xen()::getRunstateAddress).errnoName());
        assertThrows(IllegalArgumentException.class, () -> vcpu.x86().xen().setUpcallVector(-1));
    }

    @Test
    void xensTimesOfAVcpuReachTheKernelAndComeBack() {
        String[] fields = {"state", "state_entry_time", "time_running", "time_runnable", "time_blocked",
                "time_offline"};
        List<List<Long>> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_XEN_VCPU_SET_ATTR, call -> {
            CStruct attribute = c("kvm_xen_vcpu_attr", call.argument());
            List<Long> numbers = new ArrayList<>(List.of(attribute.get("type")));
            for (String field : fields) {
                numbers.add(attribute.get("u.runstate." + field));
            }
            seen.add(numbers);
            return 0;
        }).answering(Ioctl.KVM_XEN_VCPU_GET_ATTR, call -> {
            CStruct attribute = c("kvm_xen_vcpu_attr", call.argument());
            assertEquals(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA(), attribute.get("type"));
            for (int i = 0; i < fields.length; i++) {
                attribute.put("u.runstate." + fields[i], i + 1L);
            }
            return 0;
        });
        X86VcpuXen xen = vcpu.x86().xen();
        XenRunstate runstate = new XenRunstate(1, 2, 3, 4, 5, 6);
        assertEquals(runstate, xen.getRunstate());
        xen.setRunstate(runstate);
        xen.adjustRunstate(runstate);
        xen.setRunstateCurrent(3);
        assertEquals(List.of(
                List.of((long) kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA(), 1L, 2L, 3L, 4L, 5L, 6L),
                List.of((long) kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADJUST(), 1L, 2L, 3L, 4L, 5L, 6L),
                List.of((long) kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_CURRENT(), 3L, 0L, 0L, 0L, 0L, 0L)), seen);
    }

    @Test
    void xensTimerReachesTheKernelAndComesBack() {
        XenTimer timer = new XenTimer(9, 7, 0x123456789abcdef0L);
        libc.answering(Ioctl.KVM_XEN_VCPU_SET_ATTR, call -> {
            CStruct attribute = c("kvm_xen_vcpu_attr", call.argument());
            assertEquals(kvm_x86_h.KVM_XEN_VCPU_ATTR_TYPE_TIMER(), attribute.get("type"));
            assertEquals(9, attribute.get("u.timer.port"));
            assertEquals(7, attribute.get("u.timer.priority"));
            assertEquals(0x123456789abcdef0L, attribute.get("u.timer.expires_ns"));
            return 0;
        }).answering(Ioctl.KVM_XEN_VCPU_GET_ATTR, call -> {
            c("kvm_xen_vcpu_attr", call.argument()).put("u.timer.port", 9).put("u.timer.priority", 7)
                    .put("u.timer.expires_ns", 0x123456789abcdef0L);
            return 0;
        });
        vcpu.x86().xen().setTimer(timer);
        assertEquals(timer, vcpu.x86().xen().getTimer());
        assertEquals(kvm_h.KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL(), new XenTimer(9, 5).priority());
    }

    @Test
    void xenThatThisKvmLacksIsNamed() {
        libc.withoutCapability(Capability.XEN_HVM.number());
        assertEquals(Capability.XEN_HVM, assertThrows(UnsupportedCapabilityException.class,
                () -> vm.x86().xen().setLongMode(true)).capability());
        assertEquals(0, libc.count("KVM_XEN_HVM_SET_ATTR"));
        libc.answering(Ioctl.KVM_XEN_VCPU_SET_ATTR, () -> -Errno.EINVAL.number());
        assertEquals(Capability.XEN_HVM, assertThrows(UnsupportedCapabilityException.class,
                () -> vcpu.x86().xen().setVcpuId(1)).capability());
    }
}
