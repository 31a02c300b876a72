package io.github.kvm4j.riscv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.RiscvExit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.RequiresKvm;

/** riscv's vCPUs on the KVM at hand. */
@RequiresKvm(arch = Architecture.RISCV)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RiscvVcpuTest {

    private static final long ENTRY = 0x1000;

    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private static String errno(Runnable call) {
        return assertThrows(KvmException.class, call::run).errnoName();
    }

    private Vcpu load(String code) {
        vm.memory().add(0, 0x10000);
        vm.memory().write(ENTRY, HexFormat.of().parseHex(code.replace(" ", "")));
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.riscv().setOneReg(CoreRegister.PC, ENTRY);
        return vcpu;
    }

    @Test
    void registersKeepWhatIsWritten() {
        RiscvVcpu vcpu = vm.createVcpu(0).riscv();
        long value = 0x0123_4567_89ab_cdefL;
        for (CoreRegister register : CoreRegister.values()) {
            if (register != CoreRegister.MODE) {
                vcpu.setOneReg(register, value + register.id());
            }
        }
        vcpu.setOneReg(ControlRegister.SSCRATCH, -2);
        FloatRegister f31 = new FloatRegister(FloatRegister.Precision.DOUBLE, 31);
        vcpu.setOneReg(f31, Double.doubleToRawLongBits(Math.PI));
        for (CoreRegister register : CoreRegister.values()) {
            if (register != CoreRegister.MODE) {
                assertEquals(value + register.id(), vcpu.getOneReg(register), register::name);
            }
        }
        assertEquals(1, vcpu.getOneReg(CoreRegister.MODE), "supervisor mode");
        assertEquals(-2, vcpu.getOneReg(ControlRegister.SSCRATCH));
        assertEquals(Math.PI, Double.longBitsToDouble(vcpu.getOneReg(f31)));
        assertArrayEquals(new byte[4],
                vcpu.getOneRegBytes(new FloatRegister(FloatRegister.Precision.DOUBLE, FloatRegister.FCSR)));
    }

    @Test
    @RequiresKvm(arch = Architecture.RISCV, capability = Capability.SET_GUEST_DEBUG)
    void aBreakpointInstructionIsAStopUntilDebuggingEnds() {
        // nop; ebreak; lui a0, 0x20; sw a0, 0(a0)
        Vcpu vcpu = load("13000000 73001000 37050200 2320a500");
        vcpu.riscv().setGuestDebug(true);
        assertInstanceOf(RiscvExit.Debug.class, vcpu.run());
        assertEquals(ENTRY + 4, vcpu.riscv().getOneReg(CoreRegister.PC));
        // Behind it the guest goes on; before it, it would stop again.
        assertInstanceOf(RiscvExit.Debug.class, vcpu.run());
        vcpu.riscv().setOneReg(CoreRegister.PC, ENTRY + 8);
        assertInstanceOf(Exit.Mmio.class, vcpu.run());
        // The store is to be complete before the program counter is set: that is what completing it moves.
        vcpu.completePending(exit -> fail(exit.toString()));
        // Its own exception from now on, whose handler is the MMIO access.
        vcpu.riscv().setOneReg(ControlRegister.STVEC, ENTRY + 8);
        vcpu.riscv().setOneReg(CoreRegister.PC, ENTRY + 4);
        vcpu.riscv().setGuestDebug(false);
        assertInstanceOf(Exit.Mmio.class, vcpu.run());
        assertEquals(3, vcpu.riscv().getOneReg(ControlRegister.SCAUSE), "a breakpoint");
    }

    @Test
    void everyListedRegisterHasATypeAndCanBeRead() {
        Vcpu vcpu = vm.createVcpu(0);
        List<RiscvRegister> list = vcpu.riscv().getRegList();
        assertTrue(list.size() > 100, () -> list.size() + " registers");
        assertEquals(list.size(), vcpu.getRegList().length);
        for (RiscvRegister register : list) {
            assertFalse(register instanceof OtherRegister, register::toString);
            assertEquals(register.size(), vcpu.riscv().getOneRegBytes(register).length);
        }
        assertTrue(list.containsAll(List.of(ConfigRegister.ISA, CoreRegister.PC, CoreRegister.T6, CoreRegister.MODE,
                ControlRegister.SATP, TimerRegister.TIME, IsaExtension.A, SbiExtension.SRST,
                new FloatRegister(FloatRegister.Precision.DOUBLE, 31))), list::toString);
    }

    @Test
    void extensionsAreSwitchedUntilTheFirstRun() {
        Vcpu vcpu = load("37050200 2320b500 6f000000"); // lui a0, 0x20; sw a1, 0(a0); j .
        RiscvVcpu riscv = vcpu.riscv();
        assertTrue(riscv.hasIsaExtension(IsaExtension.M));
        assertEquals("EINVAL", errno(() -> riscv.setIsaExtension(IsaExtension.M, false)), "nothing could enforce it");
        assertTrue(riscv.hasIsaExtension(IsaExtension.D));
        riscv.setIsaExtension(IsaExtension.D, false);
        assertFalse(riscv.hasIsaExtension(IsaExtension.D));
        assertEquals(0, riscv.getOneReg(ConfigRegister.ISA) & 1 << ('d' - 'a'));
        riscv.setIsaExtension(IsaExtension.D, true);
        assertTrue((riscv.getOneReg(ConfigRegister.ISA) & 1 << ('d' - 'a')) != 0);
        assertFalse(riscv.hasIsaExtension(IsaExtension.ZKR));
        assertTrue(Set.of("ENOENT", "EINVAL").contains(errno(() -> riscv.setIsaExtension(IsaExtension.ZKR, true))));
        assertInstanceOf(Exit.Mmio.class, vcpu.run());
        assertEquals("EBUSY", errno(() -> riscv.setIsaExtension(IsaExtension.D, false)));
    }

    /** The debug console is off until it is switched on, and then a call is an exit with an answer. */
    @Test
    void anSbiCallIsAnsweredByTheVmm() {
        // li a0, 'K'; li a6, 2 (write a byte); li a7, DBCN; ecall; lui a2, 0x20; sw a0, 0(a2); sw a1, 4(a2); j .
        Vcpu vcpu = load("1305b004 13082000 b7484244 9b88e834 73000000 37060200 2320a600 2322b600 6f000000");
        assertFalse(vcpu.riscv().hasSbiExtension(SbiExtension.DBCN));
        vcpu.riscv().setSbiExtension(SbiExtension.DBCN, true);
        assertTrue(vcpu.riscv().hasSbiExtension(SbiExtension.DBCN));
        RiscvExit.Sbi call = assertInstanceOf(RiscvExit.Sbi.class, vcpu.run());
        assertEquals(0x4442434e, call.extension());
        assertEquals(2, call.function());
        assertEquals('K', call.argument(0));
        call.answer(-5, 77);
        assertEquals(-5, (int) assertInstanceOf(Exit.Mmio.class, vcpu.run()).value());
        assertEquals(77, assertInstanceOf(Exit.Mmio.class, vcpu.run()).value());
    }

    @Test
    void anSbiCallWithoutAnAnswerIsNotSupported() {
        Vcpu vcpu = load("1305b004 13082000 b7484244 9b88e834 73000000 37060200 2320a600 2322b600 6f000000");
        vcpu.riscv().setSbiExtension(SbiExtension.DBCN, true);
        assertInstanceOf(RiscvExit.Sbi.class, vcpu.run());
        assertEquals(-2, (int) assertInstanceOf(Exit.Mmio.class, vcpu.run()).value(), "SBI_ERR_NOT_SUPPORTED");
    }

    /** Calls of an extension that is switched off are no exits, whatever it is. */
    @Test
    void anSbiCallOfAnExtensionThatIsOffIsNoExit() {
        // lui a7, 0x9000 (VENDOR's first); li a6, 3; li a0, 5; ecall; lui a2, 0x20; sw a0, 0(a2); j .
        Vcpu vcpu = load("b7080009 13083000 13055000 73000000 37060200 2320a600 6f000000");
        assertTrue(vcpu.riscv().hasSbiExtension(SbiExtension.VENDOR));
        vcpu.riscv().setSbiExtension(SbiExtension.VENDOR, false);
        assertFalse(vcpu.riscv().hasSbiExtension(SbiExtension.VENDOR));
        assertEquals(-2, (int) assertInstanceOf(Exit.Mmio.class, vcpu.run()).value(), "SBI_ERR_NOT_SUPPORTED");
        assertEquals("EBUSY", errno(() -> vcpu.riscv().setSbiExtension(SbiExtension.VENDOR, true)));
    }

    @Test
    void anSbiCallOfAVendorsExtensionIsAnExit() {
        Vcpu vcpu = load("b7080009 13083000 13055000 73000000 37060200 2320a600 6f000000");
        RiscvExit.Sbi call = assertInstanceOf(RiscvExit.Sbi.class, vcpu.run());
        assertEquals(0x0900_0000, call.extension());
        assertEquals(3, call.function());
        assertEquals(5, call.argument(0));
    }

    @Test
    void theVcpuThatIsCreatedFirstRunsWhateverItsNumber() {
        vm.memory().add(0, 0x10000);
        // lui a0, 0x20; sw a1, 0(a0); j .
        vm.memory().write(ENTRY, HexFormat.of().parseHex("370502002320b5006f000000"));
        Vcpu first = vm.createVcpu(3);
        Vcpu second = vm.createVcpu(0);
        first.riscv().setOneReg(CoreRegister.PC, ENTRY);
        second.riscv().setOneReg(CoreRegister.PC, ENTRY);
        assertInstanceOf(Exit.Mmio.class, first.run());
        CompletableFuture<Exit> waits = Concurrent.call(() -> second.run().copy());
        Concurrent.pause(50);
        assertFalse(waits.isDone(), "it waits to be started");
        second.kick();
        assertInstanceOf(Exit.Interrupted.class, Concurrent.finish(waits));
    }

    @Test
    void whatNoVcpuCanHaveIsRefused() {
        RiscvVcpu vcpu = vm.createVcpu(0).riscv();
        assertFalse(vcpu.hasIsaExtension(IsaExtension.H));
        assertEquals("EINVAL", errno(() -> vcpu.setIsaExtension(IsaExtension.H, true)));
    }

    /** Vector registers stand behind five control registers and a pointer in the kernel's structure. */
    @Test
    void vectorRegistersKeepWhatIsWritten() {
        RiscvVcpu vcpu = vm.createVcpu(0).riscv();
        assumeTrue(vcpu.hasIsaExtension(IsaExtension.V), "this host has no vectors");
        int size = (int) vcpu.getOneReg(VectorControlRegister.VLENB);
        byte[] value = new byte[size];
        for (int number = 0; number < 32; number++) {
            value[0] = (byte) (number + 1);
            vcpu.setOneRegBytes(new VectorRegister(number, size), value);
        }
        for (int number = 0; number < 32; number++) {
            value[0] = (byte) (number + 1);
            assertArrayEquals(value, vcpu.getOneRegBytes(new VectorRegister(number, size)));
        }
        assertTrue(vcpu.getRegList().containsAll(List.of(new VectorRegister(0, size), new VectorRegister(31, size),
                VectorControlRegister.VLENB)));
    }

    /** vCPU 0 asks the SBI to start vCPU 1 elsewhere, which writes its argument to the device. */
    @Test
    void aVcpuStartsAnother() {
        // li a0, 1; lui a1, 0x2; li a2, 77; li a6, 0; li a7, HSM; ecall; lui a3, 0x20; sw a0, 0(a3); j .
        Vcpu one = load("13051000 b7250000 1306d004 13080000 b7584800 9b88d834 73000000 b7060200 23a0a600 6f000000");
        // lui a3, 0x20; sw a1, 4(a3); j .
        vm.memory().write(0x2000, HexFormat.of().parseHex("b706020023a2b6006f000000"));
        Vcpu two = vm.createVcpu(1);
        CompletableFuture<Exit> second = Concurrent.call(() -> two.run().copy());
        Exit.Mmio started = assertInstanceOf(Exit.Mmio.class, one.run());
        assertEquals(0x20000, started.address());
        assertEquals(0, started.value(), "HART_START's result");
        Exit.Mmio running = assertInstanceOf(Exit.Mmio.class, Concurrent.finish(second));
        assertEquals(0x20004, running.address());
        assertEquals(77, running.value());
    }
}
