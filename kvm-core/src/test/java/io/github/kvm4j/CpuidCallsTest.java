package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.CpuidEntry;

/** The four ioctls that give CPUID tables size them by themselves. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CpuidCallsTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vcpu vcpu = kvm.createVm().createVcpu(0);

    /** A call, and where it is issued. */
    private enum Table {
        SUPPORTED(Ioctl.KVM_GET_SUPPORTED_CPUID, "Kvm", Capability.EXT_CPUID), EMULATED(Ioctl.KVM_GET_EMULATED_CPUID,
                "Kvm", Capability.EXT_EMUL_CPUID), HYPERV(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, "Kvm",
                        Capability.SYS_HYPERV_CPUID), HYPERV_VCPU(Ioctl.KVM_GET_SUPPORTED_HV_CPUID, "vCPU 0",
                                Capability.HYPERV_CPUID), VCPU(Ioctl.KVM_GET_CPUID2, "vCPU 0", Capability.EXT_CPUID);

        private final Ioctl ioctl;
        private final String on;
        private final Capability capability;

        Table(Ioctl ioctl, String on, Capability capability) {
            this.ioctl = ioctl;
            this.on = on;
            this.capability = capability;
        }
    }

    private Supplier<Cpuid> call(Table table) {
        return switch (table) {
            case SUPPORTED -> kvm.x86()::getSupportedCpuid;
            case EMULATED -> kvm.x86()::getEmulatedCpuid;
            case HYPERV -> kvm.x86()::getSupportedHvCpuid;
            case HYPERV_VCPU -> vcpu.x86()::getSupportedHvCpuid;
            case VCPU -> vcpu.x86()::getCpuid2;
        };
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    /** Refuses so many times, and then gives one entry; notes for how many there was room. */
    private List<Integer> refusing(Table table, int times) {
        List<Integer> rooms = new ArrayList<>();
        libc.answering(table.ioctl, call -> {
            assertEquals(table.on, call.on());
            rooms.add(kvm_cpuid2.nent(call.argument()));
            assertEquals(kvm_cpuid2.sizeof() + rooms.getLast() * kvm_cpuid_entry2.sizeof(),
                    call.argument().byteSize());
            if (table == Table.EMULATED) {
                MemorySegment entries = call.argument().asSlice(kvm_cpuid2.entries$offset());
                assertEquals(-1, entries.mismatch(Arena.ofAuto().allocate(entries.byteSize())),
                        "the kernel refuses padding");
            }
            if (rooms.size() <= times) {
                return -Errno.E2BIG.number();
            }
            kvm_cpuid2.nent(call.argument(), 1);
            MemorySegment entry = call.argument().asSlice(kvm_cpuid2.entries$offset(), kvm_cpuid_entry2.sizeof());
            kvm_cpuid_entry2.eax(entry.fill((byte) 0), 77);
            return 0;
        });
        return rooms;
    }

    @ParameterizedTest
    @EnumSource
    void aTableIsAskedForAgainWithMoreRoom(Table table) {
        List<Integer> rooms = refusing(table, 2);
        assertEquals(List.of(CpuidEntry.leaf(0, 77, 0, 0, 0)), call(table).get().entries());
        assertEquals(3, rooms.size());
        assertTrue(rooms.get(0) < rooms.get(1) && rooms.get(1) < rooms.get(2), rooms::toString);
        assertTrue(rooms.get(1) >= 256, "what the kernel has at most is among the first tries");
    }

    @ParameterizedTest
    @EnumSource
    void aTableThatNoRoomIsEnoughForIsGivenUp(Table table) {
        List<Integer> rooms = refusing(table, 8);
        KvmException e = assertThrows(KvmException.class, call(table)::get);
        assertEquals("E2BIG", e.errnoName());
        assertEquals(table.ioctl.name(), e.call());
        assertTrue(rooms.size() > 1 && rooms.size() <= 8, rooms::toString);
    }

    @ParameterizedTest
    @EnumSource(names = {"EMULATED", "HYPERV", "HYPERV_VCPU"})
    void aTableThatThisKvmDoesNotHaveIsNamed(Table table) {
        libc.withoutCapability(table.capability.number());
        assertEquals(table.capability,
                assertThrows(UnsupportedCapabilityException.class, call(table)::get).capability());
        assertEquals(0, libc.count(table.ioctl.name()));
    }

    /** So it is before Linux 6.5: the kernel leaves the count of KVM_GET_CPUID2 at the room that there was. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 128})
    void whereTheKernelDoesNotCountTheTableEndsWithWhatItHasWritten(int count) {
        List<CpuidEntry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(CpuidEntry.subleaf(i / 2, i % 2, 0, 0, -i, 0));
        }
        libc.answering(Ioctl.KVM_GET_CPUID2, call -> {
            MemorySegment table = call.argument().asSlice(kvm_cpuid2.entries$offset());
            for (int i = 0; i < count; i++) {
                MemorySegment entry = table.asSlice(i * kvm_cpuid_entry2.sizeof(), kvm_cpuid_entry2.sizeof())
                        .fill((byte) 0);
                kvm_cpuid_entry2.function(entry, i / 2);
                kvm_cpuid_entry2.index(entry, i % 2);
                kvm_cpuid_entry2.flags(entry, kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX());
                kvm_cpuid_entry2.ecx(entry, -i);
            }
            return 0;
        });
        assertEquals(entries, vcpu.x86().getCpuid2().entries());
    }
}
