package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.arm64.Arm64Register;
import io.github.kvm4j.arm64.Arm64Timer;
import io.github.kvm4j.arm64.PmuEventFilter;
import io.github.kvm4j.arm64.VcpuFeature;
import io.github.kvm4j.arm64.VcpuInit;
import io.github.kvm4j.arm64.VgicV3;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.CoalescedIo;
import io.github.kvm4j.memory.CoalescedZone;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.GuestMemfd;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.riscv.IsaExtension;
import io.github.kvm4j.riscv.RiscvRegister;
import io.github.kvm4j.riscv.SbiExtension;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.DebugRegs;
import io.github.kvm4j.x86.Fpu;
import io.github.kvm4j.x86.GuestDebug;
import io.github.kvm4j.x86.Ioapic;
import io.github.kvm4j.x86.Lapic;
import io.github.kvm4j.x86.MachineCheck;
import io.github.kvm4j.x86.Msr;
import io.github.kvm4j.x86.MsrFilter;
import io.github.kvm4j.x86.Msrs;
import io.github.kvm4j.x86.NestedState;
import io.github.kvm4j.x86.Pic;
import io.github.kvm4j.x86.Pit;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.Sregs2;
import io.github.kvm4j.x86.VcpuEvents;
import io.github.kvm4j.x86.VmClock;
import io.github.kvm4j.x86.X86Register;
import io.github.kvm4j.x86.Xcrs;
import io.github.kvm4j.x86.XenRunstate;
import io.github.kvm4j.x86.XenTimer;
import io.github.kvm4j.x86.Xsave;
import io.github.kvm4j.x86.XsaveComponent;

/** Every public method of a closed object throws IllegalStateException, but for the few that need no descriptor. */
@DependsOnHost
class UseAfterCloseTest {

    /** What tells or remembers, without a system call; and close itself. */
    private static final Set<String> HARMLESS = Set.of("close", "isClosed", "kvm", "vm", "id", "type", "memory",
            "dirtyLog", "dirtyRings", "coalescedIo", "zones", "virtualMemory",
            "unsafe", "syncRegs", "interrupts", "device", "fpu", "msrs", "apic", "machineChecks", "nested", "options",
            "time", "irqchip", "xen", "tdx",
            "kick", "vcpuMmapSize", "regions", "slot", "addressSpace", "guestAddress", "size", "flags", "segment()",
            "toString", "sharedFile", "atomics", "builder", "region", "equals", "hashCode");

    /** The parts of one architecture each; the host's is harmless, the others are refused without a word about closing. */
    private static final Set<String> FACETS = Set.of("x86", "arm64", "riscv");

    private final FakeLibc libc = new FakeLibc();
    private final List<Object> closed = new ArrayList<>();
    private final MemoryRegion region;

    UseAfterCloseTest() {
        Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
        Vm vm = kvm.createVm();
        region = vm.memory().add(0, 0x1000);
        Vcpu vcpu = vm.createVcpu(0);
        Device device = vm.createDevice(DeviceType.VFIO);
        VgicV3 vgic = VgicV3.create(vm);
        GuestMemfd memfd = vm.memory().createGuestMemfd(0x1000, Set.of());
        kvm.close();
        closed.add(memfd);
        closed.addAll(List.of(kvm, vm, vm.memory(), vm.memory().atomics(), vm.memory().unsafe(),
                vm.memory().builder().region(0, 0x1000), vm.dirtyLog(), vm.dirtyRings(), vm.coalescedIo(), region, vcpu,
                device, vgic));
        if (Architecture.ON_X86) {
            closed.addAll(List.of(kvm.x86(), vm.x86(), vm.x86().options(), vm.x86().time(), vm.x86().irqchip(),
                    vm.x86().xen(), vcpu.x86().xen()));
            closed.addAll(List.of(vcpu.x86(), vcpu.x86().syncRegs(), vcpu.x86().interrupts(), vcpu.x86().fpu(),
                    vcpu.x86().msrs(), vcpu.x86().apic(), vcpu.x86().time(), vcpu.x86().machineChecks(),
                    vcpu.x86().nested(), vcpu.x86().options(), vcpu.x86().virtualMemory()));
        } else if (Architecture.ON_ARM64) {
            closed.addAll(List.of(vm.arm64(), vcpu.arm64()));
        } else {
            closed.add(vcpu.riscv());
        }
    }

    private static boolean harmless(Method method) {
        return HARMLESS.contains(method.getName()) || FACETS.contains(method.getName())
                || method.getParameterCount() == 0 && HARMLESS.contains(method.getName() + "()");
    }

    @Test
    void everyMethodRefuses() {
        assertAll(closed.stream().flatMap(object -> Arrays.stream(object.getClass().getMethods())
                .filter(method -> method.getDeclaringClass() != Object.class
                        && !Modifier.isStatic(method.getModifiers())
                        && (!FACETS.contains(method.getName())
                                || method.getName().equals(Architecture.hostPackage())))
                .map(method -> () -> check(object, method))));
    }

    private void check(Object object, Method method) throws ReflectiveOperationException {
        int before = libc.calls().size();
        Object[] arguments = method.getName().equals("setNrIrqs")
                ? new Object[]{64}
                : object instanceof GuestMemory && method.getParameterCount() == 4
                        && method.getParameterTypes()[1] == byte[].class
                                ? new Object[]{0L, new byte[4], 1, 2}
                                : Arrays.stream(method.getParameterTypes()).map(this::argument).toArray();
        if (harmless(method)) {
            method.invoke(object, arguments);
        } else {
            InvocationTargetException e = assertThrows(InvocationTargetException.class,
                    () -> method.invoke(object, arguments), method::toString);
            assertTrue(e.getCause() instanceof IllegalStateException, () -> method + ": " + e.getCause());
            assertTrue(e.getCause().getMessage().contains("closed"), () -> method + ": " + e.getCause());
        }
        assertEquals(before, libc.calls().size(), () -> method + " made a system call");
    }

    private Object argument(Class<?> type) {
        if (type == int.class) {
            return 16; // an interrupt's number, and a register's offset
        }
        if (type == long.class) {
            return 0x10000L; // where a page may be, and what of a GICv3
        }
        if (type == byte[].class) {
            return new byte[1]; // the size of the register whose id is the long below
        }
        if (type == MemorySegment.class) {
            return Arena.ofAuto().allocate(0x1000, 0x1000);
        }
        if (type == String.class) {
            return "";
        }
        if (type == ReadableByteChannel.class) {
            return Channels.newChannel(new ByteArrayInputStream(new byte[1]));
        }
        if (type == WritableByteChannel.class) {
            return Channels.newChannel(new ByteArrayOutputStream());
        }
        if (type == byte.class) {
            return (byte) 0;
        }
        if (type == short.class) {
            return (short) 0;
        }
        if (type == RegionOptions.class) {
            return RegionOptions.anonymous();
        }
        if (type == Set.class) {
            return Set.of();
        }
        if (type == Consumer.class) {
            return (Consumer<Object>) exit -> {
            };
        }
        if (type == Capability.class) {
            return Capability.USER_MEMORY;
        }
        if (type == DeviceType.class) {
            return DeviceType.VFIO;
        }
        if (type == Regs.class) {
            return new Regs();
        }
        if (type == X86Register.class) {
            return X86Register.GUEST_SSP;
        }
        if (type == Sregs.class) {
            return new Sregs();
        }
        if (type == Pic.class) {
            return new Pic();
        }
        if (type == Ioapic.class) {
            return new Ioapic();
        }
        if (type == Pit.class) {
            return new Pit();
        }
        if (type == XenRunstate.class) {
            return new XenRunstate(0, 0, 0, 0, 0, 0);
        }
        if (type == XenTimer.class) {
            return new XenTimer(0, 0, 0);
        }
        if (type == Sregs2.class) {
            return new Sregs2();
        }
        if (type == DebugRegs.class) {
            return new DebugRegs();
        }
        if (type == Fpu.class) {
            return new Fpu();
        }
        if (type == Xsave.class) {
            return new Xsave();
        }
        if (type == XsaveComponent.class) {
            return XsaveComponent.XTILEDATA;
        }
        if (type == Xcrs.class) {
            return new Xcrs();
        }
        if (type == Lapic.class) {
            return new Lapic();
        }
        if (type == Msr.class) {
            return Msr.IA32_TSC;
        }
        if (type == Msrs.class) {
            return new Msrs().put(Msr.IA32_TSC, 0);
        }
        if (type == int[].class) {
            return new int[]{1};
        }
        if (type == MpState.class) {
            return MpState.RUNNABLE;
        }
        if (type == MachineCheck.class) {
            return new MachineCheck(0, 0, 0, 0, 0);
        }
        if (type == NestedState.class) {
            return new NestedState();
        }
        if (type == VmClock.class) {
            return VmClock.of(0);
        }
        if (type == io.github.kvm4j.x86.PmuEventFilter.class) {
            return io.github.kvm4j.x86.PmuEventFilter.denying();
        }
        if (type == Cpuid.class) {
            return new Cpuid(List.of());
        }
        if (type == VcpuEvents.class) {
            return new VcpuEvents();
        }
        if (type == MsrFilter.class) {
            return MsrFilter.allowing();
        }
        if (type == io.github.kvm4j.arm64.GuestDebug.class) {
            return io.github.kvm4j.arm64.GuestDebug.none();
        }
        if (type == GuestDebug.class) {
            return GuestDebug.none();
        }
        if (type == MemoryRegion.class) {
            return region;
        }
        if (type == Map.class) {
            return new HashMap<>();
        }
        if (type == CoalescedZone.class) {
            return CoalescedZone.mmio(0, 1);
        }
        if (type == CoalescedIo.Handler.class) {
            return (CoalescedIo.Handler) (address, size, value) -> {
            };
        }
        if (type == DirtyPages.class) {
            return new DirtyPages(region);
        }
        if (type == long[].class) {
            return new long[0];
        }
        if (type == boolean.class) {
            return true;
        }
        if (type == VcpuInit.class) {
            return new VcpuInit(0);
        }
        if (type == VcpuFeature.class) {
            return VcpuFeature.SVE;
        }
        if (type == Arm64Register.class) {
            return new io.github.kvm4j.arm64.OtherRegister(0x1000L);
        }
        if (type == Arm64Timer.class) {
            return Arm64Timer.VIRTUAL;
        }
        if (type == PmuEventFilter.class) {
            return new PmuEventFilter(PmuEventFilter.Action.DENY, 0, 1);
        }
        if (type == RiscvRegister.class) {
            return new io.github.kvm4j.riscv.OtherRegister(0x1000L);
        }
        if (type == IsaExtension.class) {
            return IsaExtension.D;
        }
        if (type == SbiExtension.class) {
            return SbiExtension.DBCN;
        }
        if (type == Object.class) {
            return "";
        }
        throw new AssertionError("no argument of " + type);
    }

    @Test
    void allPublicTypesWithALifeAreLookedAt() {
        List<String> names = closed.stream().map(object -> object.getClass().getSimpleName()).toList();
        assertTrue(names.containsAll(List.of("Kvm", "Vm", "Vcpu", "Device", "VgicV3", "GuestMemory",
                "GuestMemfd", "DirtyLog", "DirtyRings", "CoalescedIo", "GuestAtomics", "MemoryBuilder",
                "ForeignMemory")));
        assertTrue(names.containsAll(Architecture.ON_X86
                ? List.of("X86Kvm", "X86Vm", "X86VmOptions", "X86VmTime", "X86Irqchip", "X86Xen", "X86VcpuXen",
                        "X86Vcpu", "SyncRegs", "VirtualMemory",
                        "X86Interrupts",
                        "X86Fpu",
                        "X86Msrs", "X86Apic", "X86Time", "X86MachineChecks", "X86Nested", "X86VcpuOptions")
                : Architecture.ON_ARM64 ? List.of("Arm64Vm", "Arm64Vcpu") : List.of("RiscvVcpu")));
    }
}
