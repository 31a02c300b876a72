package io.github.kvm4j.util.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.CpuidFeature;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/**
 * Guests run in each mode that the helpers set up, and take exceptions through their tables. What a guest has to say it
 * writes to port 0x10.
 */
@RequiresKvm(arch = Architecture.X86)
class ModesTest {

    private static final long RAM = 0x20_0000;
    private static final long PAGES = 0x1000;
    private static final long TABLES = 0x1_0000;
    private static final long ENTRY = 0x2_0000;
    private static final long STACK = 0x3_0000;
    private static final long HANDLER = 0x4_0000;
    private static final long HANDLER_STACK = 0x5_0000;
    private static final long INTERRUPT_STACK = 0x6_0000;

    private static final Set<PageFlag> USER = EnumSet.of(PageFlag.WRITABLE, PageFlag.USER);
    private static final int RESUME_FLAG = 1 << 16;
    private static final int DIVIDE_ERROR = 0;
    private static final int GENERAL_PROTECTION = 13;
    private static final int PAGE_FAULT = 14;

    // xor ecx, ecx; div ecx
    private static final String DIVIDE = "31c9 f7f1";

    private Kvm kvm;
    private Vm vm;
    private GuestMemory memory;
    private Vcpu vcpu;
    private Cpuid supported;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        memory = vm.memory();
        memory.add(0, RAM);
        vcpu = vm.createVcpu(0);
        supported = kvm.x86().getSupportedCpuid();
        vcpu.x86().setCpuid2(supported);
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private void code(long address, String code) {
        memory.write(address, HexFormat.of().parseHex(code.replace(" ", "")));
    }

    /** Pops so many words, tells them and where the stack is then, and halts. */
    private void handler(int words) {
        code(HANDLER, "58 e710".repeat(words) + "89e0 e710 f4 ebfd");
    }

    private void says(long... values) {
        for (long value : values) {
            Exit.Io io = assertInstanceOf(Exit.Io.class, vcpu.run());
            assertEquals(Long.toHexString(value), Long.toHexString(Integer.toUnsignedLong(io.value())));
        }
    }

    /** What an exception leaves on the stack; that the flags have RF is a processor's own matter. */
    private void saysFrame(long ip, int cs, int flags, long... rest) {
        says(ip, cs);
        assertEquals(flags, assertInstanceOf(Exit.Io.class, vcpu.run()).value() & ~RESUME_FLAG);
        says(rest);
    }

    /** QEMU knows a task state only when it is not busy, which the one that is loaded is on every processor. */
    private void letQemuKnowTheTaskState() {
        if (Rounds.onEmulatedMachine()) {
            Sregs sregs = vcpu.x86().getSregs();
            sregs.tr.type = 9;
            vcpu.x86().setSregs(sregs);
        }
    }

    private void halts() {
        assertInstanceOf(Exit.Hlt.class, vcpu.run());
    }

    @ParameterizedTest
    @CsvSource({"1000, 0, 8000", "20000, 2000, 8000", "f0000, f000, 100000", "12345, 1000, 10000"})
    void realModeRunsAtAnAddress(String address, String selector, String stack) {
        // push cs; pop ax; out 0x10, ax; mov ax, sp; out 0x10, ax; mov ax, ss; out 0x10, ax; hlt
        code(Long.parseLong(address, 16), "0e 58 e710 89e0 e710 8cd0 e710 f4");
        long top = Long.parseLong(stack, 16);
        RealMode.enter(vcpu, Long.parseLong(address, 16), top);
        says(Long.parseLong(selector, 16), top & 0xffff, (top - 1) >> 16 << 12);
        halts();
    }

    @Test
    void realModeTakesAnInterrupt() {
        RealMode.handler(memory, 0x40, HANDLER + 0x123);
        // pop ax; out 0x10, ax; pop ax; out 0x10, ax; hlt
        code(HANDLER + 0x123, "58 e710 58 e710 f4");
        code(0x1000, "cd40");
        RealMode.enter(vcpu, 0x1000);
        says(0x1002, 0);
        halts();
    }

    /** Back in real mode nothing is left of long mode. */
    @Test
    void realModeComesAfterAnyOther() {
        code(ENTRY, "e610 f4");
        longMode(USER).enter(vcpu, ENTRY, STACK);
        says(0);
        halts();
        code(0x1000, "b8aa55 e710 f4");
        RealMode.enter(vcpu, 0x1000);
        says(0x55aa);
        halts();
    }

    private ProtectedMode protectedMode() {
        ProtectedMode mode = new ProtectedMode(memory, TABLES);
        mode.idt().set(DIVIDE_ERROR, Gate.interrupt(Gdt.CODE32, HANDLER));
        mode.tss().kernelStack(HANDLER_STACK);
        return mode;
    }

    @Test
    void protectedModeRunsIn32Bits() {
        // push 0x12345678; pop eax; out 0x10, eax; mov eax, cs; out 0x10, eax; mov eax, [0x30000000]; hlt
        code(ENTRY, "6878563412 58 e710 8cc8 e710 a100000030 f4");
        protectedMode().enter(vcpu, ENTRY, STACK);
        says(0x12345678, Gdt.CODE32);
        assertEquals(0x3000_0000, assertInstanceOf(Exit.Mmio.class, vcpu.run()).address());
        halts();
    }

    /** PVM delivers exceptions to an entry of its own, and not by an IDT. */
    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void protectedModeTakesAnException() {
        handler(3);
        code(ENTRY, DIVIDE);
        protectedMode().enter(vcpu, ENTRY, STACK);
        saysFrame(ENTRY + 2, Gdt.CODE32, 0x46, STACK);
        halts();
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void protectedModeTakesAnExceptionOutOfRing3() {
        handler(5);
        code(ENTRY, "8cc8 e710" + DIVIDE);
        protectedMode().withIoPrivilege(3).enterUser(vcpu, ENTRY, STACK);
        letQemuKnowTheTaskState();
        says(Gdt.USER_CODE32);
        saysFrame(ENTRY + 6, Gdt.USER_CODE32, 0x3046, STACK, Gdt.USER_DATA, HANDLER_STACK);
        halts();
    }

    private LongMode longMode(Set<PageFlag> flags) {
        PageTables pages = new PageTables(memory, PAGES, 0x8000).identity(0x4000_0000, PageSize.SIZE_2M, flags);
        return withHandlers(new LongMode(memory, pages, TABLES));
    }

    private static LongMode withHandlers(LongMode mode) {
        mode.idt().set(DIVIDE_ERROR, Gate.interrupt(Gdt.CODE64, HANDLER));
        mode.idt().set(GENERAL_PROTECTION, Gate.interrupt(Gdt.CODE64, HANDLER));
        mode.idt().set(PAGE_FAULT, Gate.interrupt(Gdt.CODE64, HANDLER));
        mode.tss().kernelStack(HANDLER_STACK).interruptStack(3, INTERRUPT_STACK);
        return mode;
    }

    /** The page that the code is on, and one beyond all memory that shows the translation. */
    @ParameterizedTest
    @EnumSource
    void longModeRunsWithPagesOfEachSize(PageSize size) {
        assumeTrue(size != PageSize.SIZE_1G || supported.has(CpuidFeature.PAGE_1GB),
                "this processor has no pages of 1 GiB");
        PageTables pages = new PageTables(memory, PAGES, 0x8000)
                .identity(Math.max(RAM, size.bytes()), size, EnumSet.of(PageFlag.WRITABLE))
                .map(0x80_0000_0000L, 0x8000_0000L, size.bytes(), size, Set.of());
        // mov rax, cs; out 0x10, eax; push rsp; pop rax; out 0x10, eax; mov rbx, 0x8000000123; mov al, [rbx]; hlt
        code(ENTRY, "488cc8 e710 54 58 e710 48bb2301000080000000 8a03 f4");
        new LongMode(memory, pages, TABLES).enter(vcpu, ENTRY, STACK);
        says(Gdt.CODE64, STACK);
        assertEquals(0x8000_0123L, assertInstanceOf(Exit.Mmio.class, vcpu.run()).address());
        halts();
    }

    @ParameterizedTest
    @EnumSource
    void ring3RunsWithPagesOfEachSize(PageSize size) {
        assumeTrue(size != PageSize.SIZE_1G || supported.has(CpuidFeature.PAGE_1GB),
                "this processor has no pages of 1 GiB");
        PageTables pages = new PageTables(memory, PAGES, 0x8000).identity(Math.max(RAM, size.bytes()), size, USER);
        // mov eax, cs; out 0x10, eax; push 5; pop rax; out 0x10, eax; pxor xmm0, xmm0; movd eax, xmm0; out 0x10, eax
        code(ENTRY, "8cc8 e710 6a05 58 e710 660fefc0 660f7ec0 e710");
        new LongMode(memory, pages, TABLES).withIoPrivilege(3).enterUser(vcpu, ENTRY, STACK);
        says(Gdt.USER_CODE64, 5, 0);
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void longModeTakesAnException() {
        handler(5);
        code(ENTRY, DIVIDE);
        longMode(EnumSet.of(PageFlag.WRITABLE)).enter(vcpu, ENTRY, STACK);
        saysFrame(ENTRY + 2, Gdt.CODE64, 0x46, STACK, Gdt.DATA, STACK);
        halts();
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void anExceptionMayHaveAStackOfItsOwn() {
        handler(5);
        code(ENTRY, DIVIDE);
        LongMode mode = longMode(EnumSet.of(PageFlag.WRITABLE));
        mode.idt().set(DIVIDE_ERROR, Gate.interrupt(Gdt.CODE64, HANDLER).onStack(3));
        mode.enter(vcpu, ENTRY, STACK);
        saysFrame(ENTRY + 2, Gdt.CODE64, 0x46, STACK, Gdt.DATA, INTERRUPT_STACK);
        halts();
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void ring3GoesToTheKernelsStack() {
        handler(5);
        code(ENTRY, DIVIDE);
        longMode(USER).enterUser(vcpu, ENTRY, STACK);
        saysFrame(ENTRY + 2, Gdt.USER_CODE64, 0x46, STACK, Gdt.USER_DATA, HANDLER_STACK);
        halts();
    }

    /** What a page does not allow is a page fault, and its error code says what it was. */
    @ParameterizedTest
    @CsvSource({"8a03, 5, 20002", "8803, 7, 20002", "ffe3, 15, 600000"})
    @RequiresKvm(notOn = KvmKind.PVM)
    void aPageAllowsWhatItsFlagsSay(String access, String error, String rip) {
        PageTables pages = new PageTables(memory, PAGES, 0x8000).identity(RAM, PageSize.SIZE_4K, USER)
                .map(0x40_0000, 0, 0x1000, PageSize.SIZE_4K, EnumSet.of(PageFlag.WRITABLE))
                .map(0x50_0000, 0, 0x1000, PageSize.SIZE_4K, EnumSet.of(PageFlag.USER))
                .map(0x60_0000, 0, 0x1000, PageSize.SIZE_4K, EnumSet.of(PageFlag.USER, PageFlag.NO_EXECUTE));
        handler(6);
        code(ENTRY, "9090" + access);
        withHandlers(new LongMode(memory, pages, TABLES)).enterUser(vcpu, ENTRY, STACK);
        Regs regs = vcpu.x86().getRegs();
        regs.rbx = switch (access) {
            case "8a03" -> 0x40_0000;
            case "8803" -> 0x50_0000;
            default -> 0x60_0000;
        };
        vcpu.x86().setRegs(regs);
        says(Long.parseLong(error, 16), Long.parseLong(rip, 16));
        assertEquals(regs.rbx, vcpu.x86().getSregs().cr2);
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void ring3MayUseThePortsThatItsTaskStateAllows() {
        handler(6);
        // out 0x10, eax; out 0x14, al
        code(ENTRY, "e710 e614");
        LongMode mode = longMode(USER);
        mode.tss().allowPorts(0x10, 4);
        mode.enterUser(vcpu, ENTRY, STACK);
        letQemuKnowTheTaskState();
        says(0, 0);
        saysFrame(ENTRY + 2, Gdt.USER_CODE64, 2, STACK, Gdt.USER_DATA, HANDLER_STACK);
        halts();
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void ring3MayCallTheGatesThatAreForIt() {
        handler(5);
        code(ENTRY, "cd80");
        LongMode mode = longMode(USER);
        mode.idt().set(0x80, Gate.trap(Gdt.CODE64, HANDLER).fromUser());
        mode.enterUser(vcpu, ENTRY, STACK);
        saysFrame(ENTRY + 2, Gdt.USER_CODE64, 2, STACK, Gdt.USER_DATA, HANDLER_STACK);
        halts();
        mode.idt().set(0x80, Gate.trap(Gdt.CODE64, HANDLER));
        mode.enterUser(vcpu, ENTRY, STACK);
        // The vector, and that it is one of the IDT; QEMU has the vector times 16.
        says(0x80 * (Rounds.onEmulatedMachine() ? 16 : 8) + 2, ENTRY);
    }

    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void anExceptionWithoutAGateEndsTheGuest() {
        code(ENTRY, DIVIDE);
        PageTables pages = new PageTables(memory, PAGES, 0x8000).identity(RAM, PageSize.SIZE_2M, USER);
        new LongMode(memory, pages, TABLES).enter(vcpu, ENTRY, STACK);
        assertInstanceOf(Exit.Shutdown.class, vcpu.run());
    }

    @Test
    void tablesBeyondAllMemoryAreRefused() {
        PageTables pages = new PageTables(memory, PAGES, 0x8000).identity(RAM, PageSize.SIZE_2M, USER);
        assertThrows(IndexOutOfBoundsException.class,
                () -> new LongMode(memory, pages, RAM - 0x1000).enter(vcpu, ENTRY, STACK));
    }
}
