package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.MpState;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.ModuleParameter;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** Random but valid state of every kind is set and comes back, a thousand times, where it means something with a run between. */
@Tag("slow")
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RoundTripTest extends OneVcpu {

    private static final int ROUNDS = 1000;
    private static final int HLT_SIZE = 1;

    private final Random random = new Random(7);

    @BeforeEach
    void start() {
        x86.setCpuid2(kvm.x86().getSupportedCpuid());
        RealModeGuest.load(vm, vcpu, "f4");
    }

    /** Sets what is made of what is there, a thousand times, and reads it. */
    private <T> void roundTrips(Supplier<T> get, BiConsumer<T, Integer> change, Consumer<T> set, UnaryOperator<T> copy,
            Runnable between, int rounds) {
        T state = get.get();
        List<T> seen = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            change.accept(state, i);
            T before = copy.apply(state);
            set.accept(state);
            assertEquals(before, state, "writing changes nothing here");
            between.run();
            T read = get.get();
            assertEquals(before, read, "round " + i);
            assertEquals(before.hashCode(), read.hashCode());
            assertEquals(before.toString(), read.toString());
            if (seen.size() < 3) {
                seen.add(before);
            }
        }
        assertTrue(seen.stream().distinct().count() > 1, "the states differ");
    }

    private <T> void roundTrips(Supplier<T> get, BiConsumer<T, Integer> change, Consumer<T> set,
            UnaryOperator<T> copy) {
        roundTrips(get, change, set, copy, () -> {
        }, ROUNDS);
    }

    /** Lets the guest execute HLT, in real mode. */
    private void halt() {
        Regs regs = x86.getRegs();
        regs.rip = RealModeGuest.ENTRY;
        x86.setRegs(regs);
        assertTrue(vcpu.run() instanceof Exit.Hlt);
    }

    /** Enters KVM_RUN, which loads and stores the state, without letting the guest do anything. */
    private void enter() {
        vcpu.kick();
        assertTrue(vcpu.run() instanceof Exit.Interrupted);
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private long canonical() {
        return random.nextLong() >> 16;
    }

    private void randomize(Regs regs) {
        regs.rax = random.nextLong();
        regs.rbx = random.nextLong();
        regs.rcx = random.nextLong();
        regs.rdx = random.nextLong();
        regs.rsi = random.nextLong();
        regs.rdi = random.nextLong();
        regs.rsp = random.nextLong();
        regs.rbp = random.nextLong();
        regs.r8 = random.nextLong();
        regs.r9 = random.nextLong();
        regs.r10 = random.nextLong();
        regs.r11 = random.nextLong();
        regs.r12 = random.nextLong();
        regs.r13 = random.nextLong();
        regs.r14 = random.nextLong();
        regs.r15 = random.nextLong();
        // the arithmetic flags, interrupts, direction
        regs.rflags = 2 | random.nextInt() & 0xed5;
    }

    @Test
    void generalRegisters() {
        roundTrips(x86::getRegs, (regs, _) -> {
            randomize(regs);
            regs.rip = random.nextLong();
        }, x86::setRegs, Regs::copy);
    }

    @Test
    void generalRegistersOverARun() {
        Regs read = new Regs();
        for (int i = 0; i < ROUNDS; i++) {
            Regs regs = new Regs();
            randomize(regs);
            regs.rip = RealModeGuest.ENTRY;
            x86.setRegs(regs);
            assertTrue(vcpu.run() instanceof Exit.Hlt);
            regs.rip += HLT_SIZE;
            x86.getRegs(read);
            assertEquals(regs, read, "round " + i);
        }
    }

    private void randomize(SpecialRegisters sregs) {
        for (Segment segment : List.of(sregs.cs, sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss)) {
            segment.selector = random.nextInt(0x2000) << 3;
            segment.g = random.nextInt(2);
            segment.limit = segment.g == 1 ? random.nextInt() | 0x80000fff : random.nextInt(0x10000);
            segment.base = Integer.toUnsignedLong(random.nextInt());
            segment.db = 1;
            segment.s = 1;
            segment.present = 1;
            segment.dpl = 0;
            segment.l = 0;
            segment.avl = random.nextInt(2);
            segment.unusable = 0;
            segment.type = segment == sregs.cs ? 11 : 3;
        }
        for (DescriptorTable table : List.of(sregs.gdt, sregs.idt)) {
            table.base = canonical();
            table.limit = random.nextInt(0x10000);
        }
        sregs.ldt.base = Integer.toUnsignedLong(random.nextInt());
        sregs.ldt.selector = random.nextInt(0x2000) << 3;
        sregs.tr.base = Integer.toUnsignedLong(random.nextInt());
        sregs.tr.selector = random.nextInt(0x2000) << 3;
        sregs.cr0 = Cr0.bits(Cr0.PE, Cr0.ET) | random.nextInt() & Cr0.bits(Cr0.MP, Cr0.NE, Cr0.WP, Cr0.AM);
        sregs.cr2 = canonical();
        sregs.cr3 = (long) random.nextInt(1 << 20) << 12;
        sregs.cr4 = random.nextInt() & Cr4.bits(Cr4.DE, Cr4.PSE, Cr4.PAE, Cr4.MCE, Cr4.PGE, Cr4.OSFXSR,
                Cr4.OSXMMEXCPT);
        sregs.cr8 = random.nextInt(16);
        sregs.efer = random.nextInt() & Efer.bits(Efer.SCE, Efer.NXE);
    }

    @Test
    void specialRegisters() {
        roundTrips(x86::getSregs, (sregs, _) -> {
            randomize(sregs);
            // Another one takes its place, but none does not take it back.
            Arrays.fill(sregs.interruptBitmap, 0);
            sregs.interruptBitmap[random.nextInt(4)] = 1L << random.nextInt(64);
        }, x86::setSregs, Sregs::copy);
    }

    @Test
    void specialRegistersOverAnEntry() {
        roundTrips(x86::getSregs, (sregs, _) -> randomize(sregs), x86::setSregs, Sregs::copy, this::enter, ROUNDS);
    }

    @Test
    @RequiresKvm(capability = Capability.SREGS2)
    void specialRegistersOfTheSecondStructure() {
        roundTrips(x86::getSregs2, (sregs, _) -> randomize(sregs), x86::setSregs2, Sregs2::copy);
    }

    /** They count with PAE paging outside long mode alone, and are not read from memory, which is all zeros here. */
    @Test
    @RequiresKvm(capability = Capability.SREGS2)
    void pageDirectoryPointers() {
        roundTrips(x86::getSregs2, (sregs, _) -> {
            randomize(sregs);
            sregs.cr0 |= Cr0.PG.bit();
            sregs.cr4 |= Cr4.PAE.bit();
            sregs.cr3 = 0x2000;
            sregs.setPdptrsValid(true);
            for (int i = 0; i < sregs.pdptrs.length; i++) {
                // Present, and a page.
                sregs.pdptrs[i] = random.nextInt(0x10000) << 12 | 1;
            }
        }, x86::setSregs2, Sregs2::copy);
    }

    private void randomize(DebugRegs debugRegs) {
        for (int i = 0; i < debugRegs.db.length; i++) {
            debugRegs.db[i] = canonical();
        }
        // What is always set; the breakpoint that was met, debug register access, single step.
        debugRegs.dr6 = 0xffff0ff0L | random.nextInt() & 0x600f;
        // What is always set; kinds and lengths of breakpoints that are not enabled.
        debugRegs.dr7 = 0x400 | random.nextInt() & 0xffff0000L;
    }

    @Test
    @RequiresKvm(capability = Capability.DEBUGREGS)
    void debugRegisters() {
        roundTrips(x86::getDebugRegs, (debugRegs, _) -> randomize(debugRegs), x86::setDebugRegs, DebugRegs::copy);
    }

    @Test
    @RequiresKvm(capability = Capability.DEBUGREGS)
    void debugRegistersOverARun() {
        roundTrips(x86::getDebugRegs, (debugRegs, _) -> randomize(debugRegs), x86::setDebugRegs, DebugRegs::copy,
                this::halt, ROUNDS);
    }

    /** Extended reals have 80 bits. The last addresses are not kept by AMD's XSAVE without an exception. */
    private void randomize(Fpu fpu) {
        for (byte[] register : fpu.fpr) {
            System.arraycopy(bytes(10), 0, register, 0, 10);
        }
        for (byte[] register : fpu.xmm) {
            random.nextBytes(register);
        }
        fpu.fcw = 0x40 | random.nextInt() & 0xf3f;
        // The top of the stack and the condition codes; a pending exception would be one.
        fpu.fsw = random.nextInt() & 0x7f00;
        fpu.ftwx = random.nextInt(0x100);
    }

    @Test
    void floatingPointRegisters() {
        roundTrips(x86.fpu()::getFpu, (fpu, _) -> {
            randomize(fpu);
            fpu.lastOpcode = random.nextInt(0x800);
            fpu.lastIp = random.nextLong();
            fpu.lastDp = random.nextLong();
        }, x86.fpu()::setFpu, Fpu::copy);
    }

    /** KVM_SET_FPU does not say that the components are in use: XRSTOR would give the guest the initial ones. */
    @Test
    void floatingPointRegistersOverARun() {
        Xsave used = x86.fpu().getXsave();
        used.setXmm(0, bytes(16));
        used.setFcw(0x27f);
        x86.fpu().setXsave(used);
        roundTrips(x86.fpu()::getFpu, (fpu, _) -> randomize(fpu), x86.fpu()::setFpu, Fpu::copy, this::halt, ROUNDS);
    }

    private void randomize(Xsave xsave, XsaveLayout layout) {
        for (int i = 0; i < 16; i++) {
            xsave.setXmm(i, bytes(16));
            if (layout.has(XsaveComponent.AVX)) {
                xsave.setYmm(layout, i, bytes(32));
            }
        }
        if (layout.has(XsaveComponent.HI16_ZMM)) {
            for (int i = 0; i < 32; i++) {
                xsave.setZmm(layout, i, bytes(64));
            }
            for (int i = 0; i < 8; i++) {
                xsave.setOpmask(layout, i, random.nextLong() | 1);
            }
        }
        xsave.setFcw(0x40 | random.nextInt() & 0xf3e);
        xsave.setMxcsr(0x1f80 ^ random.nextInt() & 0x7fbf);
    }

    @Test
    @RequiresKvm(capability = Capability.XSAVE)
    void extendedState() {
        XsaveLayout layout = kvm.x86().getXsaveLayout();
        roundTrips(x86.fpu()::getXsave, (xsave, _) -> {
            randomize(xsave, layout);
            if (layout.has(XsaveComponent.PKRU)) {
                xsave.setPkru(layout, random.nextInt());
            }
        }, x86.fpu()::setXsave, Xsave::copy);
    }

    @Test
    @RequiresKvm(capability = Capability.XSAVE)
    void extendedStateOverARun() {
        XsaveLayout layout = kvm.x86().getXsaveLayout();
        roundTrips(x86.fpu()::getXsave, (xsave, _) -> randomize(xsave, layout), x86.fpu()::setXsave, Xsave::copy,
                this::halt, ROUNDS);
    }

    @Test
    @RequiresKvm(capability = Capability.XCRS)
    void extendedControlRegisters() {
        long supported = kvm.x86().getXsaveLayout().components().stream().mapToLong(XsaveComponent::bit).sum();
        long avx = XsaveComponent.AVX.bit() & supported;
        long sse = XsaveComponent.SSE.bit();
        long pkru = XsaveComponent.PKRU.bit() & supported;
        long[] values = {1, 1 | sse, 1 | sse | avx, 1 | pkru, 1 | sse | pkru};
        roundTrips(x86.fpu()::getXcrs, (xcrs, i) -> xcrs.set(0, values[i % values.length]), x86.fpu()::setXcrs,
                Xcrs::copy, this::halt, ROUNDS);
    }

    @Test
    void modelSpecificRegisters() {
        Msr[] addresses = {Msr.LSTAR, Msr.CSTAR, Msr.KERNEL_GS_BASE, Msr.FS_BASE, Msr.GS_BASE};
        int[] indices = {Msr.STAR.index(), Msr.SYSCALL_MASK.index(), Msr.IA32_SYSENTER_CS.index(),
                Msr.IA32_PAT.index(), Msr.LSTAR.index(), Msr.CSTAR.index(), Msr.KERNEL_GS_BASE.index(),
                Msr.IA32_SYSENTER_ESP.index(), Msr.IA32_SYSENTER_EIP.index(), Msr.FS_BASE.index(),
                Msr.GS_BASE.index()};
        int[] memoryTypes = {0, 1, 4, 5, 6, 7};
        roundTrips(() -> x86.msrs().getMsrs(indices), (msrs, _) -> {
            for (Msr address : addresses) {
                msrs.put(address, canonical());
            }
            // AMD's processors have 32 bits of these.
            msrs.put(Msr.IA32_SYSENTER_ESP, Integer.toUnsignedLong(random.nextInt()));
            msrs.put(Msr.IA32_SYSENTER_EIP, Integer.toUnsignedLong(random.nextInt()));
            msrs.put(Msr.STAR, random.nextLong());
            msrs.put(Msr.SYSCALL_MASK, Integer.toUnsignedLong(random.nextInt()));
            msrs.put(Msr.IA32_SYSENTER_CS, random.nextInt(0x10000));
            long pat = 0;
            for (int i = 0; i < 8; i++) {
                pat = pat << 8 | memoryTypes[random.nextInt(memoryTypes.length)];
            }
            msrs.put(Msr.IA32_PAT, pat);
        }, x86.msrs()::setMsrs, Msrs::copy, this::enter, ROUNDS);
    }

    @Test
    @RequiresKvm(capability = Capability.VCPU_EVENTS)
    void events() {
        // With virtual NMIs KVM hands a pending one to the processor, and does not take it back.
        boolean virtual = ModuleParameter.isOn("kvm_amd", "vnmi");
        roundTrips(x86::getVcpuEvents, (events, _) -> {
            events.nmiMasked = random.nextBoolean();
            events.nmiPending = virtual ? 0 : random.nextInt(2);
            events.nmiInjected = false;
            events.exceptionInjected = random.nextBoolean();
            // Those before are not exceptions, or are instructions': they come back as not injected.
            events.exceptionVector = random.nextInt(5, 32);
            events.exceptionHasErrorCode = random.nextBoolean();
            events.exceptionErrorCode = random.nextInt(0x10000);
            events.interruptInjected = random.nextBoolean();
            events.interruptVector = random.nextInt(0x100);
        }, x86::setVcpuEvents, VcpuEvents::copy);
    }

    /** NMIs that are masked, and one that waits for their end; what else the guest takes is gone after a run. */
    @Test
    @RequiresKvm(capability = Capability.VCPU_EVENTS)
    void eventsOverARun() {
        roundTrips(x86::getVcpuEvents, (events, _) -> {
            events.nmiMasked = random.nextBoolean();
            events.nmiPending = events.nmiMasked ? random.nextInt(2) : 0;
        }, x86::setVcpuEvents, VcpuEvents::copy, this::halt, ROUNDS);
    }

    private void randomize(Lapic lapic, int priorities) {
        int priority = random.nextInt() & priorities;
        lapic.set(LapicRegister.TPR, priority);
        // What the processor makes of it, with nothing in service.
        lapic.set(LapicRegister.PPR, priority);
        lapic.set(LapicRegister.LDR, random.nextInt(0x100) << 24);
        lapic.set(LapicRegister.SVR, 0x100 | random.nextInt(0x100));
        lapic.set(LapicRegister.ICR_LOW, random.nextInt(0x100));
        lapic.set(LapicRegister.ICR_HIGH, random.nextInt(0x100) << 24);
        for (LapicRegister local : List.of(LapicRegister.LVT_THERMAL, LapicRegister.LVT_PERFORMANCE,
                LapicRegister.LVT_LINT0, LapicRegister.LVT_LINT1, LapicRegister.LVT_ERROR)) {
            lapic.set(local, 1 << 16 | random.nextInt(0x100));
        }
        for (int vector = 16; vector < 256; vector++) {
            lapic.setVector(LapicVectors.REQUESTED, vector, random.nextBoolean());
            lapic.setVector(LapicVectors.TRIGGER_MODE, vector, random.nextBoolean());
        }
    }

    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void localApic() {
        try (Vm other = kvm.createVm()) {
            other.x86().createIrqchip();
            X86Apic apic = other.createVcpu(0).x86().apic();
            roundTrips(apic::getLapic, (lapic, _) -> randomize(lapic, 0xff), apic::setLapic, Lapic::copy);
        }
    }

    /** The guest takes no interrupts, so that those which are requested wait; and a run keeps what CR8 has of the priority. */
    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void localApicOverARun() {
        try (Vm other = kvm.createVm()) {
            other.x86().createIrqchip();
            other.memory().add(0, RealModeGuest.MEMORY_SIZE);
            Vcpu one = other.createVcpu(0);
            one.x86().setCpuid2(kvm.x86().getSupportedCpuid());
            // again: out 0x10, al; jmp again. A HLT would wait in the kernel.
            RealModeGuest.load(other, one, "e6 10 eb fc");
            X86Apic apic = one.x86().apic();
            roundTrips(apic::getLapic, (lapic, _) -> randomize(lapic, 0xf0), apic::setLapic, Lapic::copy,
                    () -> assertTrue(one.run() instanceof Exit.Io), ROUNDS);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void runState() {
        try (Vm other = kvm.createVm()) {
            other.x86().createIrqchip();
            Vcpu one = other.createVcpu(0);
            List<MpState> states = List.of(MpState.RUNNABLE, MpState.UNINITIALIZED, MpState.INIT_RECEIVED,
                    MpState.HALTED);
            for (int i = 0; i < ROUNDS; i++) {
                MpState state = states.get(random.nextInt(states.size()));
                one.setMpState(state);
                assertEquals(state, one.getMpState());
            }
        }
    }

    private void randomize(Pic pic) {
        pic.lastIrr = random.nextInt(0x100);
        pic.irr = random.nextInt(0x100);
        pic.imr = random.nextInt(0x100);
        pic.isr = random.nextInt(0x100);
        pic.priorityAdd = random.nextInt(8);
        pic.irqBase = random.nextInt(0x20) << 3;
        pic.autoEoi = random.nextInt(2);
        pic.specialMask = random.nextInt(2);
        pic.elcr = random.nextInt(0x100) & pic.elcrMask;
    }

    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void interruptControllers() {
        try (Vm other = kvm.createVm()) {
            other.x86().createIrqchip();
            X86Irqchip irqchip = other.x86().irqchip();
            roundTrips(irqchip::getPicMaster, (pic, _) -> randomize(pic), irqchip::setPicMaster, Pic::copy);
            roundTrips(irqchip::getPicSlave, (pic, _) -> randomize(pic), irqchip::setPicSlave, Pic::copy);
            roundTrips(irqchip::getIoapic, (ioapic, _) -> {
                ioapic.ioregsel = random.nextInt(0x40);
                ioapic.id = random.nextInt(16);
                for (int i = 0; i < ioapic.redirtbl.length; i++) {
                    // Masked: an interrupt that waits would be delivered.
                    ioapic.redirtbl[i] = (long) random.nextInt(0x100) << 56 | 1 << 16 | random.nextInt(0x100);
                }
            }, irqchip::setIoapic, Ioapic::copy);
        }
    }

    @Test
    @RequiresKvm(capability = {Capability.IRQCHIP, Capability.PIT_STATE2})
    void intervalTimer() {
        try (Vm other = kvm.createVm()) {
            other.x86().createIrqchip();
            other.x86().createPit2();
            X86Irqchip irqchip = other.x86().irqchip();
            irqchip.setPitReinjection(false);
            long[] loaded = new long[3];
            for (int i = 0; i < ROUNDS; i++) {
                Pit pit = irqchip.getPit2();
                for (PitChannel channel : pit.channels) {
                    channel.count = random.nextInt(1, 0x10001);
                    channel.latchedCount = random.nextInt(0x10000);
                    channel.writeLatch = random.nextInt(0x100);
                    channel.status = random.nextInt(0x100);
                    channel.bcd = random.nextInt(2);
                    channel.rwMode = random.nextInt(4);
                }
                irqchip.setPit2(pit);
                Pit read = irqchip.getPit2();
                for (int c = 0; c < loaded.length; c++) {
                    // Loaded by this call.
                    assertTrue(read.channels.get(c).countLoadTime >= loaded[c]);
                    loaded[c] = read.channels.get(c).countLoadTime;
                    pit.channels.get(c).countLoadTime = loaded[c];
                }
                assertEquals(pit, read, "round " + i);
                assertEquals(pit.copy(), read);
            }
        }
    }

    /** With SVM enabled the global interrupt flag is the vCPU's to have; without, it is set. */
    @Test
    @RequiresKvm(capability = Capability.NESTED_STATE)
    void nestedState() {
        NestedState fresh = x86.nested().getNestedState();
        if (fresh.format == NestedState.Format.SVM) {
            assertEquals(NestedStateFlag.GIF_SET.bit(), fresh.flags);
            assumeTrue(kvm.x86().getSupportedCpuid().has(CpuidFeature.SVM), "kvm_amd is loaded without nesting");
            Sregs sregs = x86.getSregs();
            sregs.efer |= Efer.SVME.bit();
            x86.setSregs(sregs);
            roundTrips(x86.nested()::getNestedState,
                    (state, i) -> state.flags = i % 2 == 0 ? 0 : NestedStateFlag.GIF_SET.bit(),
                    x86.nested()::setNestedState, NestedState::copy, this::enter, ROUNDS);
        } else {
            x86.nested().setNestedState(fresh);
            assertEquals(fresh, x86.nested().getNestedState());
        }
        NestedState other = fresh.copy();
        other.format = fresh.format == NestedState.Format.SVM ? NestedState.Format.VMX : NestedState.Format.SVM;
        assertEquals("EINVAL",
                assertThrows(KvmException.class, () -> x86.nested().setNestedState(other)).errnoName());
    }
}
