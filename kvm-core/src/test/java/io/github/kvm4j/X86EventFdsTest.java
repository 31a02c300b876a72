package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_ioeventfd;
import io.github.kvm4j.bindings.kvm_irq_routing;
import io.github.kvm4j.bindings.kvm_irq_routing_entry;
import io.github.kvm4j.bindings.kvm_irq_routing_irqchip;
import io.github.kvm4j.bindings.kvm_irqfd;
import io.github.kvm4j.bindings.kvm_msi;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.EventFd;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.x86.Pic;

/** Eventfds that guests signal by a write, and that interrupt guests; by raw ioctls, as long as there is no method. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86EventFdsTest {

    private static final int PORT = 0x80;
    private static final long DEVICE = 0x20000;
    private static final int PIN = 5;
    private static final int VECTOR = 0x25;
    private static final int HANDLER = 0x2000;

    private final Arena arena = Arena.ofConfined();
    private final EventFd event = new EventFd();
    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
    }

    @AfterEach
    void close() {
        kvm.close();
        event.close();
        arena.close();
    }

    private MemorySegment ioeventfd(long address, int length, int flags, long match) {
        MemorySegment c = kvm_ioeventfd.allocate(arena);
        kvm_ioeventfd.addr(c, address);
        kvm_ioeventfd.len(c, length);
        kvm_ioeventfd.fd(c, event.number());
        kvm_ioeventfd.flags(c, flags);
        kvm_ioeventfd.datamatch(c, match);
        return c;
    }

    private void register(MemorySegment ioeventfd) {
        vm.unsafe().ioctl("KVM_IOEVENTFD", ioeventfd);
    }

    private static String refused(Runnable call) {
        return assertThrows(KvmException.class, call::run).errnoName();
    }

    private Vcpu vcpu(String code) {
        Vcpu vcpu = vm.createVcpu(0);
        RealModeGuest.load(vm, vcpu, code);
        return vcpu;
    }

    private static <T extends Exit> T run(Vcpu vcpu, Class<T> kind) {
        return assertInstanceOf(kind, vcpu.run());
    }

    @Test
    @RequiresKvm(capability = Capability.IOEVENTFD)
    void aWriteOfTheValueToThePortIsAnEventAndAnotherAnExit() {
        int flags = kvm_h.KVM_IOEVENTFD_FLAG_PIO() | kvm_h.KVM_IOEVENTFD_FLAG_DATAMATCH();
        register(ioeventfd(PORT, 1, flags, 0x7f));
        // mov al, 0x7f; out 0x80, al; out 0x80, al; inc al; out 0x80, al; out 0x81, al; hlt
        Vcpu vcpu = vcpu("b0 7f e6 80 e6 80 fe c0 e6 80 e6 81 f4");
        Exit.Io other = run(vcpu, Exit.Io.class);
        assertEquals(0x80, other.value());
        assertEquals(PORT, other.port());
        assertEquals(2, event.count());
        assertEquals(PORT + 1, run(vcpu, Exit.Io.class).port());
        run(vcpu, Exit.Hlt.class);
        assertEquals(0, event.count());
    }

    /** Length 0 means a write of any. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 4, 8})
    @RequiresKvm(capability = {Capability.IOEVENTFD, Capability.IOEVENTFD_ANY_LENGTH})
    void aWriteOfTheLengthToTheAddressIsAnEvent(int length) {
        register(ioeventfd(DEVICE, length, 0, 0));
        // mov ax, 0x2000; mov ds, ax; mov byte [0], 1; mov word [0], 2; mov dword [0], 4;
        // movq mm0, cs:[0x1000]; movq [0], mm0; hlt
        Vcpu vcpu = vcpu("b8 00 20 8e d8 c6 06 00 00 01 c7 06 00 00 02 00 66 c7 06 00 00 04 00 00 00"
                + "2e 0f 6f 06 00 10 0f 7f 06 00 00 f4");
        List<Integer> exits = new ArrayList<>();
        for (Exit exit = vcpu.run(); exit instanceof Exit.Mmio write; exit = vcpu.run()) {
            exits.add(write.size());
        }
        List<Integer> others = new ArrayList<>(List.of(1, 2, 4, 8));
        others.remove(Integer.valueOf(length));
        assertEquals(length == 0 ? List.of() : others, exits);
        assertEquals(length == 0 ? 4 : 1, event.count());
    }

    @Test
    @RequiresKvm(capability = Capability.IOEVENTFD)
    void whatIsRemovedIsAnExitAgainAndWhatIsNotThereCannotBeRemoved() {
        int flags = kvm_h.KVM_IOEVENTFD_FLAG_PIO() | kvm_h.KVM_IOEVENTFD_FLAG_DATAMATCH();
        int removing = flags | kvm_h.KVM_IOEVENTFD_FLAG_DEASSIGN();
        assertEquals("ENOENT", refused(() -> register(ioeventfd(PORT, 1, removing, 5))));
        register(ioeventfd(PORT, 1, flags, 5));
        assertEquals("EEXIST", refused(() -> register(ioeventfd(PORT, 1, flags, 5))));
        assertEquals("ENOENT", refused(() -> register(ioeventfd(PORT, 1, removing, 6))));
        register(ioeventfd(PORT, 1, removing, 5));
        assertEquals("ENOENT", refused(() -> register(ioeventfd(PORT, 1, removing, 5))));
        // mov al, 5; out 0x80, al
        assertEquals(5, run(vcpu("b0 05 e6 80"), Exit.Io.class).value());
        assertEquals(0, event.count());
    }

    @Test
    @RequiresKvm(capability = Capability.IOEVENTFD)
    void lengthsAndFlagsThatThereAreNotAreRefused() {
        assertEquals("EINVAL", refused(() -> register(ioeventfd(DEVICE, 3, 0, 0))));
        assertEquals("EINVAL", refused(() -> register(ioeventfd(DEVICE, 0, kvm_h.KVM_IOEVENTFD_FLAG_DATAMATCH(), 0))));
        assertEquals("EINVAL", refused(() -> register(ioeventfd(DEVICE, 4, 1 << 20, 0))));
        assertEquals("EINVAL", refused(() -> register(ioeventfd(-1, 4, 0, 0))), "beyond the last address");
        MemorySegment nothing = ioeventfd(DEVICE, 4, 0, 0);
        kvm_ioeventfd.fd(nothing, 1_000_000);
        assertEquals("EBADF", refused(() -> register(nothing)));
    }

    /** A vCPU that halts in the kernel, whose handler of the pin's interrupt ends that and tells. */
    private Vcpu waitsForThePin() {
        vm.x86().createIrqchip();
        Pic pic = vm.x86().irqchip().getPicMaster();
        pic.irqBase = VECTOR - PIN;
        pic.imr = 0xff & ~(1 << PIN);
        vm.x86().irqchip().setPicMaster(pic);
        // mov al, 0x20; out 0x20, al; out 0x10, al; iret
        RealModeGuest.handle(vm, VECTOR, HANDLER, "b0 20 e6 20 e6 10 cf");
        // sti; again: hlt; jmp again
        return vcpu("fb f4 eb fd");
    }

    private void irqfd(int pin, int flags, int resample) {
        MemorySegment c = kvm_irqfd.allocate(arena);
        kvm_irqfd.fd(c, event.number());
        kvm_irqfd.gsi(c, pin);
        kvm_irqfd.flags(c, flags);
        kvm_irqfd.resamplefd(c, resample);
        vm.unsafe().ioctl("KVM_IRQFD", c);
    }

    @Test
    @RequiresKvm(capability = {Capability.IRQFD, Capability.IRQCHIP})
    void anEventInterruptsTheGuestUntilItIsRemoved() {
        Vcpu vcpu = waitsForThePin();
        irqfd(PIN, 0, 0);
        assertEquals("EBUSY", refused(() -> irqfd(PIN, 0, 0)), "the eventfd has a pin");
        for (int i = 0; i < 3; i++) {
            CompletableFuture<Exit> run = Concurrent.call(() -> vcpu.run().copy());
            Concurrent.pause(10);
            event.signal();
            Exit exit = Concurrent.finish(run);
            assertTrue(exit instanceof Exit.Io io && io.port() == 0x10, exit::toString);
        }
        irqfd(PIN, kvm_h.KVM_IRQFD_FLAG_DEASSIGN(), 0);
        irqfd(PIN, kvm_h.KVM_IRQFD_FLAG_DEASSIGN(), 0);
        event.signal();
        CompletableFuture<Exit> run = Concurrent.call(() -> vcpu.run().copy());
        Concurrent.pause(10);
        vcpu.kick();
        assertInstanceOf(Exit.Interrupted.class, Concurrent.finish(run));
    }

    /** The kernel lowers the line when the guest ends the interrupt, and tells, so that who still wants one raises it again. */
    @Test
    @RequiresKvm(capability = {Capability.IRQFD_RESAMPLE, Capability.IRQCHIP})
    void theEndOfALevelInterruptIsAnEvent() {
        Vcpu vcpu = waitsForThePin();
        try (EventFd resample = new EventFd()) {
            irqfd(PIN, kvm_h.KVM_IRQFD_FLAG_RESAMPLE(), resample.number());
            for (int i = 0; i < 3; i++) {
                assertEquals(0, resample.count());
                event.signal();
                assertEquals(0x10, run(vcpu, Exit.Io.class).port());
                assertEquals(1, resample.count());
            }
        }
    }

    @Test
    void withoutAnInterruptControllerNothingInterrupts() {
        assertTrue(List.of("EINVAL", "EAGAIN").contains(refused(() -> irqfd(PIN, 0, 0))));
        MemorySegment msi = kvm_msi.allocate(arena);
        kvm_msi.address_lo(msi, 0xfee0_0000);
        kvm_msi.data(msi, 0x40);
        assertEquals("EINVAL", refused(() -> vm.unsafe().ioctl("KVM_SIGNAL_MSI", msi)));
        assertEquals("EINVAL", refused(() -> vm.unsafe().ioctl("KVM_SET_GSI_ROUTING", route(0, PIN))));
        assertEquals("ENXIO", refused(() -> vm.setIrqLine(PIN, true)));
    }

    /** A table with one line: a number leads to a pin of the first PIC. */
    private MemorySegment route(int number, int pin) {
        MemorySegment table = arena.allocate(kvm_irq_routing.sizeof() + kvm_irq_routing_entry.sizeof(), 8);
        kvm_irq_routing.nr(table, 1);
        MemorySegment entry = table.asSlice(kvm_irq_routing.sizeof());
        kvm_irq_routing_entry.gsi(entry, number);
        kvm_irq_routing_entry.type(entry, kvm_h.KVM_IRQ_ROUTING_IRQCHIP());
        MemorySegment chip = kvm_irq_routing_entry.u.irqchip(kvm_irq_routing_entry.u(entry));
        kvm_irq_routing_irqchip.irqchip(chip, kvm_x86_h.KVM_IRQCHIP_PIC_MASTER());
        kvm_irq_routing_irqchip.pin(chip, pin);
        return table;
    }

    @Test
    @RequiresKvm(capability = {Capability.IRQ_ROUTING, Capability.IRQCHIP})
    void aLineLeadsWhereItsRouteSays() {
        Vcpu vcpu = waitsForThePin();
        int number = 40;
        vm.unsafe().ioctl("KVM_SET_GSI_ROUTING", route(number, PIN));
        vm.setIrqLine(PIN, true);
        vcpu.kick();
        run(vcpu, Exit.Interrupted.class);
        vm.setIrqLine(number, true);
        assertEquals(0x10, run(vcpu, Exit.Io.class).port());
        assertEquals("EINVAL", refused(() -> vm.unsafe().ioctl("KVM_SET_GSI_ROUTING", route(number, 8))),
                "a pin that the PIC does not have");
    }
}
