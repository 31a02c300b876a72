package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_interrupt;
import io.github.kvm4j.bindings.kvm_irq_level;
import io.github.kvm4j.bindings.kvm_pit_config;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.GuestDebug;
import io.github.kvm4j.x86.PitFlag;
import io.github.kvm4j.x86.X86Interrupts;

/** What x86's calls hand to the kernel, and what they make of its answers. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86CallsTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));

    @AfterEach
    void close() {
        kvm.close();
    }

    @Test
    void theFlagsOfThePitReachTheKernel() {
        List<Integer> flags = new ArrayList<>();
        libc.answering(Ioctl.KVM_CREATE_PIT2, call -> {
            flags.add(kvm_pit_config.flags(call.argument()));
            return 0;
        });
        Vm vm = kvm.createVm();
        vm.x86().createPit2();
        vm.x86().createPit2(Set.of(PitFlag.SPEAKER_DUMMY));
        assertEquals(List.of(0, kvm_h.KVM_PIT_SPEAKER_DUMMY()), flags);
    }

    @Test
    void anInterruptsVectorReachesTheKernel() {
        List<Integer> vectors = new ArrayList<>();
        libc.answering(Ioctl.KVM_INTERRUPT, call -> {
            vectors.add(kvm_interrupt.irq(call.argument()));
            return 0;
        });
        X86Interrupts interrupts = kvm.createVm().createVcpu(0).x86().interrupts();
        interrupts.inject(0);
        interrupts.inject(255);
        assertThrows(IllegalArgumentException.class, () -> interrupts.inject(256));
        assertThrows(IllegalArgumentException.class, () -> interrupts.inject(-1));
        assertEquals(List.of(0, 255), vectors);
    }

    @Test
    void anNmiThatThisKvmDoesNotHaveIsNamed() {
        libc.withoutCapability(kvm_h.KVM_CAP_USER_NMI()).answering(Ioctl.KVM_NMI, () -> -Errno.ENOTTY.number());
        Vcpu vcpu = kvm.createVm().createVcpu(0);
        assertEquals(Capability.USER_NMI,
                assertThrows(UnsupportedCapabilityException.class, vcpu.x86().interrupts()::nmi).capability());
    }

    /** A kernel that does not know the flag ignores it. */
    @Test
    void blockedInterruptsNeedTheirBitInTheCapability() {
        libc.withCapability(kvm_h.KVM_CAP_SET_GUEST_DEBUG2(), Integer.MAX_VALUE ^ kvm_x86_h.KVM_GUESTDBG_BLOCKIRQ());
        Vcpu vcpu = kvm.createVm().createVcpu(0);
        vcpu.x86().setGuestDebug(GuestDebug.none().withSingleStep());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> vcpu.x86().setGuestDebug(GuestDebug.none().withInterruptsBlocked()));
        assertEquals(Capability.SET_GUEST_DEBUG2, e.capability());
        assertEquals(1, libc.count("KVM_SET_GUEST_DEBUG"));
    }

    @Test
    void aLineOfTheInterruptControllerReachesTheKernel() {
        List<List<Integer>> seen = new ArrayList<>();
        for (Ioctl ioctl : List.of(Ioctl.KVM_IRQ_LINE, Ioctl.KVM_IRQ_LINE_STATUS)) {
            libc.answering(ioctl, call -> {
                seen.add(List.of(kvm_irq_level.irq(call.argument()), kvm_irq_level.level(call.argument())));
                if (ioctl == Ioctl.KVM_IRQ_LINE_STATUS) {
                    kvm_irq_level.status(call.argument(), -1);
                }
                return 0;
            });
        }
        Vm vm = kvm.createVm();
        long asked = libc.count("KVM_CHECK_EXTENSION");
        vm.setIrqLine(5, true);
        vm.setIrqLine(0x1000020, false);
        assertEquals(asked, libc.count("KVM_CHECK_EXTENSION"), "a line is set by one call");
        assertEquals(-1, vm.setIrqLineStatus(6, true));
        assertEquals(List.of(List.of(5, 1), List.of(0x1000020, 0), List.of(6, 1)), seen);
        // An architecture without the capability may know the ioctl, and say nothing: status is where irq was.
        libc.withoutCapability(kvm_h.KVM_CAP_IRQ_INJECT_STATUS());
        for (Errno errno : new Errno[]{Errno.ENOTTY, null}) {
            libc.answering(Ioctl.KVM_IRQ_LINE_STATUS, () -> errno == null ? 0 : -errno.number());
            assertEquals(Capability.IRQ_INJECT_STATUS, assertThrows(UnsupportedCapabilityException.class,
                    () -> vm.setIrqLineStatus(6, true)).capability());
        }
    }
}
