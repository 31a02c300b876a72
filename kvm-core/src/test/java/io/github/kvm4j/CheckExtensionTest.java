package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;

/** What the library makes of capabilities that a kernel does not have, or cannot be asked for. */
class CheckExtensionTest {

    private final FakeLibc libc = new FakeLibc();

    private Kvm open() {
        return Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    }

    @Test
    void theSystemIsAskedWhereTheVmCannotBe() {
        libc.answering(Ioctl.KVM_CHECK_EXTENSION,
                call -> call.on().equals("VM") ? -Errno.ENOTTY.number() : FakeLibc.AS_USUAL);
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            assertEquals(64, vm.checkExtension(Capability.NR_MEMSLOTS));
        }
    }

    @Test
    void anotherFailureOfTheVmsAnswerIsReported() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            libc.answering(Ioctl.KVM_CHECK_EXTENSION,
                    call -> call.on().equals("VM") ? -Errno.EIO.number() : FakeLibc.AS_USUAL);
            assertThrows(KvmException.class, () -> vm.checkExtension(Capability.NR_MEMSLOTS));
        }
    }

    @ParameterizedTest
    @CsvSource({"7, 6, 5, 7", "0, 6, 5, 6", "0, 0, 5, 5", "0, 0, 0, 4"})
    void theLimitOfVcpuIdsIsTheFirstThatTheKernelTells(int maxId, int maxVcpus, int recommended, int limit) {
        libc.withCapability(kvm_h.KVM_CAP_MAX_VCPU_ID(), maxId);
        libc.withCapability(kvm_h.KVM_CAP_MAX_VCPUS(), maxVcpus);
        libc.withCapability(kvm_h.KVM_CAP_NR_VCPUS(), recommended);
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            assertEquals(limit - 1, vm.createVcpu(limit - 1).id());
            assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(limit));
        }
    }

    @Test
    void aKernelThatDoesNotTellHas32MemorySlots() {
        libc.withoutCapability(kvm_h.KVM_CAP_NR_MEMSLOTS());
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            assertEquals(31, vm.memory().add(31, 0, 0x1000, Set.of()).slot());
            assertThrows(IllegalArgumentException.class, () -> vm.memory().add(32, 0x1000, 0x1000, Set.of()));
        }
    }
}
