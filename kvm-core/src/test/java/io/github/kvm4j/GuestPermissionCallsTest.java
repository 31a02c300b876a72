package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.bindings.x86.kvm_xsave;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Xsave;
import io.github.kvm4j.x86.XsaveComponent;

/** The permission to give guests AMX: what goes to the kernel, what its refusals say, and the sizes that come of it. */
class GuestPermissionCallsTest {

    private static final int WITHOUT_AMX = 4096;
    private static final int WITH_AMX = 11008;

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));

    @AfterEach
    void close() {
        kvm.close();
    }

    @Test
    void theHeadersHaveTheNumbersOfAmx() {
        assertEquals(kvm_x86_h.ARCH_XCOMP_TILECFG(), XsaveComponent.XTILECFG.number());
        assertEquals(kvm_x86_h.ARCH_XCOMP_TILEDATA(), XsaveComponent.XTILEDATA.number());
    }

    @Test
    void aComponentIsAskedForByItsNumber() {
        List<FakeLibc.ArchPrctl> calls = new ArrayList<>();
        libc.answeringArchPrctl(call -> {
            calls.add(call);
            return 0;
        });
        kvm.x86().requestXcompGuestPerm(XsaveComponent.XTILEDATA);
        kvm.x86().requestXcompGuestPerm(21);
        int request = kvm_x86_h.ARCH_REQ_XCOMP_GUEST_PERM();
        assertEquals(List.of(new FakeLibc.ArchPrctl(request, MemorySegment.NULL, 18),
                new FakeLibc.ArchPrctl(request, MemorySegment.NULL, 21)), calls);
    }

    @Test
    void whatIsPermittedIsRead() {
        libc.answeringArchPrctl(call -> {
            assertEquals(kvm_x86_h.ARCH_GET_XCOMP_GUEST_PERM(), call.code());
            call.argument().set(ValueLayout.JAVA_LONG, 0, 0x8000_0000_0006_02e7L);
            return 0;
        });
        assertEquals(0x8000_0000_0006_02e7L, kvm.x86().getXcompGuestPerm());
    }

    @ParameterizedTest
    @CsvSource({"EBUSY, ask before the first one", "EOPNOTSUPP, this host does not have the component",
            "EINVAL, older than Linux 5.17"})
    void aRefusalIsExplained(Errno errno, String fragment) {
        libc.answeringArchPrctl(_ -> -errno.number());
        KvmException e = assertThrows(KvmException.class,
                () -> kvm.x86().requestXcompGuestPerm(XsaveComponent.XTILEDATA));
        assertEquals("arch_prctl(ARCH_REQ_XCOMP_GUEST_PERM, 18)", e.call());
        assertEquals(errno.number(), e.errno());
        assertTrue(e.getMessage().contains(fragment), e::getMessage);
    }

    @Test
    void aKernelThatKnowsNoPermissionsIsNamedAsOlder() {
        libc.answeringArchPrctl(_ -> -Errno.EINVAL.number());
        KvmException e = assertThrows(KvmException.class, () -> kvm.x86().getXcompGuestPerm());
        assertEquals("arch_prctl(ARCH_GET_XCOMP_GUEST_PERM)", e.call());
        assertTrue(e.getMessage().contains("older than Linux 5.17"), e::getMessage);
    }

    /** The kernel tells a VM's size by what is permitted then: nobody may have asked it before, and kept the answer. */
    @Test
    void theStatesSizeIsTheOneAfterThePermission() {
        libc.withCapability(kvm_h.KVM_CAP_XSAVE2(), WITHOUT_AMX);
        libc.answeringArchPrctl(_ -> {
            libc.withCapability(kvm_h.KVM_CAP_XSAVE2(), WITH_AMX);
            return 0;
        });
        libc.answering(Ioctl.KVM_GET_XSAVE2, call -> {
            assertTrue(call.argument().byteSize() >= WITH_AMX, () -> "room of " + call.argument().byteSize());
            call.argument().set(ValueLayout.JAVA_INT, WITH_AMX - Integer.BYTES, 7);
            return 0;
        });
        libc.answering(Ioctl.KVM_SET_XSAVE, call -> call.argument().get(ValueLayout.JAVA_INT, WITH_AMX - 4) == 7
                ? 0
                : -Errno.EINVAL.number());
        try (Vm vm = kvm.createVm()) {
            assertEquals(WITHOUT_AMX, kvm.checkExtension(Capability.XSAVE2));
            assertEquals(WITHOUT_AMX, vm.checkExtension(Capability.XSAVE2));
            kvm.x86().requestXcompGuestPerm(XsaveComponent.XTILEDATA);
            Vcpu vcpu = vm.createVcpu(0);
            Xsave state = vcpu.x86().fpu().getXsave();
            assertEquals(WITH_AMX, state.size());
            vcpu.x86().fpu().setXsave(state);
        }
        assertEquals(0, libc.count("KVM_GET_XSAVE"));
        assertEquals(1, libc.count("KVM_GET_XSAVE2"));
        assertEquals(kvm_xsave.sizeof(), WITHOUT_AMX);
    }
}
