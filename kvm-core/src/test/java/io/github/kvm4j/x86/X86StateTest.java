package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** Registers go to the vCPU and come back as they were. */
@RequiresKvm(arch = Architecture.X86)
class X86StateTest {

    /** Gives every field a value of its own, by reflection, so that one that is forgotten shows. */
    private static long fill(Object state, long seed) throws IllegalAccessException {
        long next = seed;
        for (Field field : state.getClass().getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            if (field.getType() == long.class) {
                field.setLong(state, next++);
            } else if (field.getType() == int.class) {
                field.setInt(state, (int) next++);
            } else if (field.get(state) instanceof long[] words) {
                for (int i = 0; i < words.length; i++) {
                    words[i] = next++;
                }
            } else {
                next = fill(field.get(state), next);
            }
        }
        return next;
    }

    @Test
    void everyGeneralRegisterComesBack() throws IllegalAccessException {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Regs regs = new Regs();
            fill(regs, 0x1111_0000_0000_0101L);
            regs.rflags = 0x2 | 0x40;
            guest.vcpu.x86().setRegs(regs);
            assertEquals(regs, guest.vcpu.x86().getRegs());
            assertEquals(regs.hashCode(), guest.vcpu.x86().getRegs().hashCode());
        }
    }

    @Test
    void everyFieldOfAStateCountsInItsEquals() throws IllegalAccessException {
        for (Object[] pair : List.of(new Object[]{new Regs(), new Regs()}, new Object[]{new Sregs(), new Sregs()},
                new Object[]{new Segment(), new Segment()},
                new Object[]{new DescriptorTable(), new DescriptorTable()})) {
            assertEquals(pair[0], pair[1]);
            for (Field field : pair[0].getClass().getFields()) {
                if (field.getType() == long.class) {
                    long before = field.getLong(pair[0]);
                    field.setLong(pair[0], 77);
                    assertNotEquals(pair[0], pair[1], field.getName());
                    field.setLong(pair[0], before);
                } else if (field.getType() == int.class) {
                    field.setInt(pair[0], 77);
                    assertNotEquals(pair[0], pair[1], field.getName());
                    field.setInt(pair[0], 0);
                }
            }
            fill(pair[0], 5);
            assertNotEquals(pair[0], pair[1]);
            assertTrue(pair[0].toString().length() > 10);
        }
    }

    @Test
    void copiesAreEqualAndApart() throws IllegalAccessException {
        Regs regs = new Regs();
        fill(regs, 100);
        Regs copy = regs.copy();
        assertEquals(regs, copy);
        copy.r15++;
        assertNotEquals(regs, copy);
        Sregs sregs = new Sregs();
        fill(sregs, 100);
        Sregs other = sregs.copy();
        assertEquals(sregs, other);
        other.ldt.base++;
        assertNotEquals(sregs, other);
    }

    @Test
    void theSpecialRegistersComeBack() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            X86Vcpu vcpu = guest.vcpu.x86();
            Sregs sregs = vcpu.getSregs();
            long base = 0x10;
            for (Segment segment : List.of(sregs.ds, sregs.es, sregs.fs, sregs.gs)) {
                segment.selector = (int) base;
                segment.base = base << 4;
                base += 8;
            }
            sregs.gdt.base = 0x1234_5000L;
            sregs.gdt.limit = 0x7f;
            sregs.idt.base = 0x1234_6000L;
            sregs.idt.limit = 0xffff;
            sregs.cr2 = 0xdead_beefL;
            sregs.cr3 = 0x5000;
            sregs.cr8 = 3;
            vcpu.setSregs(sregs);
            assertEquals(sregs, vcpu.getSregs());
        }
    }

    @Test
    void theTaskPrioritySurvivesARun() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Sregs sregs = guest.vcpu.x86().getSregs();
            sregs.cr8 = 5;
            guest.vcpu.x86().setSregs(sregs);
            assertTrue(guest.vcpu.run() instanceof Exit.Hlt);
            assertEquals(5, guest.vcpu.x86().getSregs().cr8);
        }
    }

    @Test
    void fieldsOutOfRangeAreRefusedByName() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Sregs before = guest.vcpu.x86().getSregs();
            List<Consumer<Sregs>> mistakes = List.of(s -> s.cs.selector = 0x10000, s -> s.ds.type = 16,
                    s -> s.es.dpl = 4, s -> s.fs.present = 2, s -> s.gs.db = -1, s -> s.gdt.limit = 0x10000,
                    s -> s.idt.limit = -1);
            for (Consumer<Sregs> mistake : mistakes) {
                Sregs sregs = before.copy();
                mistake.accept(sregs);
                assertThrows(IllegalArgumentException.class, () -> guest.vcpu.x86().setSregs(sregs));
            }
            assertEquals(before, guest.vcpu.x86().getSregs());
            guest.vcpu.run();
        }
    }

    @Test
    void specialRegistersThatNoProcessorTakesAreRefused() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Sregs sregs = guest.vcpu.x86().getSregs();
            sregs.cr4 = -1;
            KvmException e = assertThrows(KvmException.class, () -> guest.vcpu.x86().setSregs(sregs));
            assertEquals("KVM_SET_SREGS", e.call());
            assertEquals("EINVAL", e.errnoName());
        }
    }

    @Test
    void theVcpuThatIsChosenBoots() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().createIrqchip();
            vm.x86().setBootCpuId(1);
            long bootstrapProcessor = 1 << 8;
            assertEquals(0, vm.createVcpu(0).x86().getSregs().apicBase & bootstrapProcessor);
            assertEquals(bootstrapProcessor, vm.createVcpu(1).x86().getSregs().apicBase & bootstrapProcessor);
        }
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            assertThrows(IllegalArgumentException.class, () -> vm.x86().setBootCpuId(-1));
            assertThrows(IllegalArgumentException.class, () -> vm.x86().setBootCpuId(1 << 20));
        }
    }
}
