package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.MpState;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86RunFlag;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;

/**
 * What the kernel's selftests create_max_vcpus, x86/max_vcpuid_cap_test, x86/set_boot_cpu_id, x86/recalc_apic_map_test,
 * x86/xapic_ipi_test, x86/userspace_io_test, x86/cpuid_test, x86/triple_fault_event_test, x86/smm_test and
 * x86/ucna_injection_test are about.
 */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelSelftestsVcpuTest {

    private static final long MEMORY = 0x40000;
    private static final long SMRAM = 0x30000;
    private static final long APIC_ENABLED = 1 << 11;
    private static final long X2APIC = 1 << 10;

    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void start() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, MEMORY);
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private Vcpu vcpu(int id) {
        Vcpu vcpu = vm.createVcpu(id);
        vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
        return vcpu;
    }

    private static <E extends Exit> E run(Vcpu vcpu, Class<E> type) {
        Exit exit = vcpu.run();
        assertTrue(type.isInstance(exit), exit::toString);
        return type.cast(exit);
    }

    private static String refused(Runnable call) {
        return assertThrows(KvmException.class, call::run).errnoName();
    }

    /** create_max_vcpus: as many as are recommended, numbered from 0 and downwards from the last number. */
    @Test
    void createMaxVcpusByTheNumbersThatThereAre() {
        int count = Math.min(vm.checkExtension(Capability.MAX_VCPUS), Rounds.of(256) + 32);
        int limit = vm.checkExtension(Capability.MAX_VCPU_ID);
        for (int i = 0; i < count / 2; i++) {
            assertEquals(i, vm.createVcpu(i).id());
            assertEquals(limit - 1 - i, vm.createVcpu(limit - 1 - i).id());
        }
        assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(limit));
    }

    /** max_vcpuid_cap_test. */
    @Test
    @RequiresKvm(capability = Capability.MAX_VCPU_ID)
    void maxVcpuidIsSetOnceAndHeld() {
        int most = vm.checkExtension(Capability.MAX_VCPU_ID);
        assertEquals("EINVAL", refused(() -> vm.x86().options().maxVcpuId(most + 1)));
        vm.x86().options().maxVcpuId(9);
        vm.x86().options().maxVcpuId(9);
        assertEquals("EINVAL", refused(() -> vm.x86().options().maxVcpuId(10)));
        assertEquals("EINVAL", refused(() -> vm.createVcpu(9)));
        assertEquals(8, vm.createVcpu(8).id());
        assertThrows(IllegalStateException.class, () -> vm.x86().options().maxVcpuId(9));
    }

    /** set_boot_cpu_id: the one that is chosen is the bootstrap processor and runnable, the other waits. */
    @Test
    @RequiresKvm(capability = Capability.SET_BOOT_CPU_ID)
    void setBootCpuIdTheOtherWaits() {
        vm.x86().createIrqchip();
        vm.x86().setBootCpuId(1);
        assertEquals(MpState.UNINITIALIZED, vm.createVcpu(0).getMpState());
        assertEquals(MpState.RUNNABLE, vm.createVcpu(1).getMpState());
        assertThrows(IllegalStateException.class, () -> vm.x86().setBootCpuId(0));
    }

    /** recalc_apic_map_test: modes and numbers of local APICs change on one thread while they do on another. */
    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void recalcApicMapWhileAnotherChangesIt() throws ExecutionException, InterruptedException {
        vm.x86().createIrqchip();
        List<Vcpu> vcpus = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            vcpus.add(vcpu(i));
        }
        for (Vcpu vcpu : vcpus) {
            toggle(vcpu, APIC_ENABLED | X2APIC);
            assertEquals(vcpu.id(), vcpu.x86().apic().getLapic().get(LapicRegister.ID) >>> 24);
        }
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<?> toggling = other.submit(() -> {
                for (int i = 0; i < Rounds.of(2000); i++) {
                    toggle(vcpus.getLast(), 0);
                    toggle(vcpus.getLast(), APIC_ENABLED);
                    toggle(vcpus.getLast(), APIC_ENABLED | X2APIC);
                }
            });
            for (int i = 0; i < Rounds.of(2000); i++) {
                Vcpu vcpu = vcpus.get(i % 7);
                Lapic lapic = vcpu.x86().apic().getLapic();
                lapic.set(LapicRegister.SVR, i % 2 == 0 ? 0x1ff : 0xff);
                vcpu.x86().apic().setLapic(lapic);
                assertEquals(lapic, vcpu.x86().apic().getLapic());
            }
            toggling.get();
        }
    }

    private static void toggle(Vcpu vcpu, long mode) {
        Sregs sregs = vcpu.x86().getSregs();
        sregs.apicBase = sregs.apicBase & ~(APIC_ENABLED | X2APIC) | mode;
        vcpu.x86().setSregs(sregs);
        assertEquals(sregs.apicBase, vcpu.x86().getSregs().apicBase);
    }

    /** xapic_ipi_test: one vCPU halts, the other wakes it 50 times by an interrupt of its local APIC's, and waits for it. */
    @Test
    @RequiresKvm(capability = Capability.IRQCHIP)
    void xapicIpisWakeAHaltedVcpu() throws ExecutionException, InterruptedException {
        vm.x86().createIrqchip();
        Vcpu sender = vcpu(0);
        Vcpu halter = vcpu(1);
        vm.memory().write(0x20 * 4, new byte[]{0, 0x20, 0, 0});
        // inc word [0x3000]; the end of the interrupt; iret
        vm.memory().write(0x2000, hex("ff 06 00 30 66 bb b0 00 e0 fe 67 66 c7 03 00 00 00 00 cf"));
        // enables its local APIC; cli; until [0x3000] is 50: sti; hlt
        String halts = "66 bb f0 00 e0 fe 67 66 c7 03 ff 01 00 00 fa 83 3e 00 30 32 73 04 fb f4 eb f4 e6 10 f4";
        // enables its local APIC; 50 times: the command to local APIC 1, vector 0x20; until [0x3000] counts
        String sends = "66 bb f0 00 e0 fe 67 66 c7 03 ff 01 00 00 31 f6 66 bb 10 03 e0 fe 67 66 c7 03 00 00 00 01 "
                + "66 bb 00 03 e0 fe 67 66 c7 03 20 00 00 00 39 36 00 30 74 fa 46 83 fe 32 72 d8 e6 11 f4";
        vm.memory().write(0x1800, hex(halts));
        RealModeGuest.load(vm, sender, sends);
        RealModeGuest.flat(sender);
        Sregs sregs = sender.x86().getSregs();
        sregs.apicBase = halter.x86().getSregs().apicBase;
        halter.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = 0x1800;
        regs.rsp = 0x7000;
        halter.x86().setRegs(regs);
        halter.setMpState(MpState.RUNNABLE);
        // An interrupt that comes to a local APIC before it is enabled is lost, and the sender would wait for ever.
        Lapic lapic = halter.x86().apic().getLapic();
        lapic.set(LapicRegister.SVR, 0x1ff);
        halter.x86().apic().setLapic(lapic);
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<?> halted = other.submit(() -> assertEquals(0x10, run(halter, Exit.Io.class).port()));
            assertEquals(0x11, run(sender, Exit.Io.class).port());
            halted.get();
        }
        assertArrayEquals(new byte[]{50, 0}, bytes(0x3000, 2));
    }

    private byte[] bytes(long address, int count) {
        return vm.memory().read(address, count);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    /** userspace_io_test: 4096 bytes in by REP INSB, by as many exits as the kernel makes of it, and out by REP OUTSB. */
    @Test
    void userspaceIoStringsGoInAndOut() {
        Vcpu vcpu = vcpu(0);
        RealModeGuest.load(vm, vcpu, "fc bf 00 20 b9 00 10 ba 80 00 f3 6c b9 00 10 be 00 20 f3 6e f4");
        int in = 0;
        int out = 0;
        for (Exit exit = vcpu.run(); !(exit instanceof Exit.Hlt); exit = vcpu.run()) {
            Exit.Io io = (Exit.Io) exit;
            assertEquals(0x80, io.port());
            assertEquals(1, io.size());
            for (int i = 0; i < io.count(); i++) {
                if (io.isIn()) {
                    io.answer(i, in++ * 7 & 0xff);
                } else {
                    assertEquals(out++ * 7 & 0xff, io.value(i));
                }
            }
        }
        assertEquals(0x1000, in);
        assertEquals(0x1000, out);
    }

    /** cpuid_test: once it has run, a vCPU takes the table that it has and no other. */
    @Test
    void cpuidIsFixedByTheFirstRun() {
        Vcpu vcpu = vcpu(0);
        Cpuid table = vcpu.x86().getCpuid2();
        RealModeGuest.load(vm, vcpu, "f4");
        run(vcpu, Exit.Hlt.class);
        vcpu.x86().setCpuid2(table);
        List<CpuidEntry> other = new ArrayList<>(table.entries());
        other.replaceAll(entry -> entry.function() == 0
                ? new CpuidEntry(0, 0, entry.flags(), entry.eax(), entry.ebx() ^ 1, entry.ecx(), entry.edx())
                : entry);
        assertEquals("EINVAL", refused(() -> vcpu.x86().setCpuid2(new Cpuid(other))));
        assertEquals(table, vcpu.x86().getCpuid2());
    }

    /** triple_fault_event_test: one that is put into the events is the next exit. */
    @Test
    @RequiresKvm(capability = Capability.X86_TRIPLE_FAULT_EVENT)
    void tripleFaultEventIsAnExit() {
        Vcpu vcpu = vcpu(0);
        RealModeGuest.load(vm, vcpu, "f4");
        VcpuEvents events = vcpu.x86().getVcpuEvents();
        events.mark(VcpuEvents.Valid.TRIPLE_FAULT);
        events.tripleFaultPending = true;
        assertEquals("EINVAL", refused(() -> vcpu.x86().setVcpuEvents(events)));
        vm.x86().options().tripleFaultEvent(true);
        vcpu.x86().setVcpuEvents(events);
        assertTrue(vcpu.x86().getVcpuEvents().tripleFaultPending);
        run(vcpu, Exit.Shutdown.class);
    }

    /** smm_test: the interrupt enters system management mode, whose code is at SMBASE + 0x8000, and RSM leaves it. */
    @Test
    @RequiresKvm(capability = {Capability.X86_SMM, Capability.MULTI_ADDRESS_SPACE})
    void smmIsEnteredAndLeft() {
        // Both address spaces have the same memory, but for what is system management mode's alone.
        vm.memory().remove(vm.memory().regions().getFirst());
        MemoryRegion ram = vm.memory().add(0, MEMORY, RegionOptions.of(Backing.memfd("ram")));
        vm.memory().add(0, SMRAM, RegionOptions.of(Backing.sharedFile(ram.sharedFile().orElseThrow(), 0))
                .withAddressSpace(1));
        MemorySegment smram = vm.memory().add(SMRAM, MEMORY - SMRAM, RegionOptions.anonymous().withAddressSpace(1))
                .segment();
        Vcpu vcpu = vcpu(0);
        // out 0x80, 0xa5; mov [0x2000], al; rsm
        smram.asSlice(0x8000).copyFrom(MemorySegment.ofArray(hex("ba 80 00 b0 a5 ee a2 00 20 0f aa")));
        // again: in al, 0x20; jmp again
        RealModeGuest.load(vm, vcpu, "e4 20 eb fc");
        assertEquals(0x20, run(vcpu, Exit.Io.class).port());
        vcpu.x86().interrupts().smi();
        assertTrue(vcpu.x86().getVcpuEvents().smiPending);
        Exit.Io inside = run(vcpu, Exit.Io.class);
        assertEquals(0x80, inside.port());
        assertEquals(0xa5, inside.value());
        assertTrue(X86RunFlag.SMM.in(inside));
        VcpuEvents events = vcpu.x86().getVcpuEvents();
        assertTrue(events.smm && events.has(VcpuEvents.Valid.SMM), events::toString);
        Exit.Io outside = run(vcpu, Exit.Io.class);
        assertEquals(0x20, outside.port());
        assertTrue(!X86RunFlag.SMM.in(outside));
        assertTrue(!vcpu.x86().getVcpuEvents().smm);
        assertEquals((byte) 0xa5, vm.memory().getByte(0x2000));
        assertEquals(-1, ram.segment().asSlice(SMRAM).mismatch(MemorySegment.ofArray(new byte[(int) (MEMORY - SMRAM)])),
                "what the processor saves is where system management mode alone sees it");
    }

    /** ucna_injection_test. */
    @Test
    @RequiresKvm(capability = Capability.MCE)
    void correctedMachineChecksAreInTheirBanks() {
        int banks = 10;
        Vcpu vcpu = vcpu(0);
        X86MachineChecks machineChecks = vcpu.x86().machineChecks();
        long supported = kvm.x86().getMceCapSupported();
        assertEquals("EINVAL", refused(() -> machineChecks.setup(0, supported)));
        assertEquals("EINVAL", refused(() -> machineChecks.setup(255, supported)));
        assertEquals("EINVAL", refused(() -> machineChecks.setup(banks, 1L << 62)));
        machineChecks.setup(banks, supported);
        long given = vcpu.x86().msrs().getMsr(Msr.IA32_MCG_CAP);
        assertEquals(banks, given & 0xff);
        // AMD's KVM leaves out Intel's capabilities.
        assertEquals(given, given & (supported | banks));
        assertEquals(supported & 0x100, given & 0x100);

        long corrected = CORRECTED;
        assertEquals("EINVAL", refused(() -> machineChecks.setMce(new MachineCheck(banks, corrected, 0, 0, 0))));
        assertEquals("EINVAL", refused(() -> machineChecks.setMce(new MachineCheck(3, 0x9f, 0, 0, 0))));
        machineChecks.setMce(new MachineCheck(3, corrected, 0x1234000, 0x8c, 0));
        int bank = Msr.IA32_MC0_STATUS.index() + 3 * 4;
        assertEquals(corrected, vcpu.x86().msrs().getMsr(bank));
        assertEquals(0x1234000, vcpu.x86().msrs().getMsr(bank + 1));
        assertEquals(0x8c, vcpu.x86().msrs().getMsr(bank + 2));
    }

    private static final long CORRECTED = MachineCheck.VALID | MachineCheck.ENABLED | MachineCheck.ADDRESS_VALID | 0x9f;

    /** One that is not corrected. On QEMU's SVM its injection stops the whole machine; on PVM nobody has dared. */
    @Test
    @RequiresKvm(capability = Capability.MCE, notOn = {KvmKind.EMULATED_SVM, KvmKind.PVM})
    void anUncorrectedMachineCheckIsAnExceptionAndASecondOneAShutdown() {
        Vcpu vcpu = vcpu(0);
        X86MachineChecks machineChecks = vcpu.x86().machineChecks();
        machineChecks.setup(10, kvm.x86().getMceCapSupported());
        RealModeGuest.handle(vm, 18, 0x2000, "f4");
        RealModeGuest.load(vm, vcpu, "eb fe");
        Sregs sregs = vcpu.x86().getSregs();
        sregs.cr4 |= Cr4.MCE.bit();
        vcpu.x86().setSregs(sregs);
        machineChecks.setMce(new MachineCheck(2, CORRECTED | MachineCheck.UNCORRECTED, 0x5678000, 0x8c,
                MachineCheck.IN_PROGRESS));
        run(vcpu, Exit.Hlt.class);
        assertEquals(0x2001, vcpu.x86().getRegs().rip);
        assertEquals(MachineCheck.IN_PROGRESS, vcpu.x86().msrs().getMsr(Msr.IA32_MCG_STATUS));
        assertEquals(0x5678000, vcpu.x86().msrs().getMsr(Msr.IA32_MC0_ADDR.index() + 2 * 4));
        // A second one while it is being handled.
        machineChecks.setMce(new MachineCheck(2, CORRECTED | MachineCheck.UNCORRECTED, 0, 0, 0));
        run(vcpu, Exit.Shutdown.class);
    }

    /** What can be chosen before the first vCPU is taken, as far as this KVM has it. */
    @Test
    void optionsAreTakenBeforeTheFirstVcpu() {
        X86VmOptions options = vm.x86().options();
        record Choice(Capability capability, Runnable call) {
        }
        List<Choice> choices = List.of(
                new Choice(Capability.X86_DISABLE_EXITS, () -> options.disableExits(Set.of(DisabledExit.PAUSE))),
                new Choice(Capability.X2APIC_API, () -> options.x2apicApi(
                        Set.of(X2ApicFlag.USE_32BIT_IDS, X2ApicFlag.DISABLE_BROADCAST_QUIRK))),
                new Choice(Capability.EXCEPTION_PAYLOAD, () -> options.exceptionPayload(true)),
                new Choice(Capability.HALT_POLL, () -> options.haltPoll(1000)),
                new Choice(Capability.DISABLE_QUIRKS2, () -> options.disableQuirks(Set.of(Quirk.OUT_7E_INC_RIP))),
                new Choice(Capability.PMU_CAPABILITY, () -> options.pmu(false)),
                new Choice(Capability.X86_TRIPLE_FAULT_EVENT, () -> options.tripleFaultEvent(true)),
                new Choice(Capability.EXIT_ON_EMULATION_FAILURE, () -> options.exitOnEmulationFailure(true)));
        int taken = 0;
        for (Choice choice : choices) {
            int value = vm.checkExtension(choice.capability);
            if (value == 0 || choice.capability == Capability.X86_DISABLE_EXITS
                    && (value & DisabledExit.PAUSE.bit()) == 0) {
                continue;
            }
            choice.call.run();
            taken++;
        }
        assertTrue(taken > 3, "few options: " + taken);
        vcpu(0);
        if (vm.has(Capability.X86_DISABLE_EXITS)) {
            assertThrows(IllegalStateException.class, () -> options.disableExits(Set.of()));
        }
    }
}
