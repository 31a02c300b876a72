package io.github.kvm4j.testing;

import java.util.HexFormat;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.arm64.CoreRegister;
import io.github.kvm4j.arm64.VcpuFeature;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.util.x86.RealMode;

/** A VM with 64 KiB of memory at 0 and one vCPU in front of a small program for the host's architecture. */
public final class TestGuest implements AutoCloseable {

    public static final long ENTRY = 0x1000;
    public static final long MEMORY_SIZE = 0x10000;

    /** Where the programs find their device, which is memory-mapped. */
    public static final long DEVICE = 0x20000;

    /** Where {@link Program#SPIN} counts, 2 bytes. */
    public static final long TURNS = 0x8000;

    /** What a guest does. x86's programs are 16-bit code. */
    public enum Program {

        /** Turns in a loop, without an exit, and counts its turns in memory at {@link #TURNS}. */
        // 1: inc word [0x8000]; jmp 1b
        // mov x0, #0x8000; 1: ldr w1, [x0]; add w1, w1, #1; str w1, [x0]; b 1b
        // lui a0, 8; 1: lw a1, 0(a0); addi a1, a1, 1; sw a1, 0(a0); j 1b
        SPIN("ff060080 ebfa", "000090d2 010040b9 21040011 010000b9 fdffff17",
                "37850000 83250500 93851500 2320b500 6ff05fff"),

        /** Writes 0, 1, 2 ... to the device, 4 bytes each, for ever. */
        // mov ax, 0x2000; mov ds, ax; xor eax, eax; 1: mov [0], eax; inc eax; jmp 1b
        // mov x0, #0x20000; mov w1, #0; 1: str w1, [x0]; add w1, w1, #1; b 1b
        // lui a0, 0x20; li a1, 0; 1: sw a1, 0(a0); addi a1, a1, 1; j 1b
        COUNT("b80020 8ed8 6631c0 66a30000 6640 ebf8", "4000a0d2 01008052 010000b9 21040011 feffff17",
                "37050200 93050000 2320b500 93851500 6ff09fff"),

        /** Reads 4 bytes from the device at 4, writes one more to it at 0, and stops: HLT, PSCI or SBI. */
        // mov ax, 0x2000; mov ds, ax; mov eax, [4]; inc eax; mov [0], eax; 1: hlt; jmp 1b
        // mov x0, #0x20000; ldr w1, [x0, #4]; add w1, w1, #1; str w1, [x0]; mov w0, #0x84000008; hvc #0; b .
        // lui a0, 0x20; lw a1, 4(a0); addiw a1, a1, 1; sw a1, 0(a0); li a7, SRST; li a6, 0; li a0, 0; li a1, 0; ecall
        ECHO("b80020 8ed8 66a10400 6640 66a30000 f4 ebfd",
                "4000a0d2 010440b9 21040011 010000b9 0080b052 00200011 020000d4 00000014",
                "37050200 83254500 9b851500 2320b500 b7585253 9b884835 13080000 13050000 93050000 73000000 6f000000"),

        /**
         * Reads a byte from the device at 1 and two from it at 2, without and then with their sign, and writes what each read
         * gave to it at 0, 4 bytes.
         */
        // mov ax, 0x2000; mov ds, ax; xor eax, eax; mov al, [1]; mov [0], eax; xor eax, eax; mov ax, [2]; mov [0], eax
        // movsx eax, byte [1]; mov [0], eax; movsx eax, word [2]; mov [0], eax; 1: hlt; jmp 1b
        // mov x0, #0x20000; ldrb w1, [x0, #1]; str w1, [x0]; ldrh w1, [x0, #2]; str w1, [x0]; ldrsb w1, [x0, #1]
        // str w1, [x0]; ldrsh w1, [x0, #2]; str w1, [x0]; b .
        // lui a0, 0x20; lbu a1, 1(a0); sw a1, 0(a0); lhu a1, 2(a0); sw a1, 0(a0); lb a1, 1(a0); sw a1, 0(a0)
        // lh a1, 2(a0); sw a1, 0(a0); j .
        READ_NARROW(
                "b80020 8ed8 6631c0 a00100 66a30000 6631c0 a10200 66a30000 660fbe060100 66a30000 660fbf060200 66a30000 f4"
                        + "ebfd",
                "4000a0d2 01044039 010000b9 01044079 010000b9 0104c039 010000b9 0104c079 010000b9 00000014",
                "37050200 83451500 2320b500 83552500 2320b500 83051500 2320b500 83152500 2320b500 6f000000"),

        /**
         * Writes 42 to memory at 0x8000, waits for an answer at 0x8008, and writes that to the device at 0. On riscv, where
         * nobody else can, it starts vCPU 1 at 0x2000 before.
         */
        // mov ax, 0x2000; mov es, ax; mov dword [0x8000], 42; 1: mov eax, [0x8008]; test eax, eax; jz 1b; mov es:[0], eax
        // mov x1, #0x8000; mov w2, #42; str w2, [x1]; 1: ldr w3, [x1, #8]; cbz w3, 1b; mov x0, #0x20000; str w3, [x0]
        // li a0, 1; lui a1, 0x2; li a2, 0; li a6, 0; li a7, HSM; ecall
        // lui a0, 0x8; li a1, 42; sw a1, 0(a0); 1: lw a2, 8(a0); beqz a2, 1b; lui a0, 0x20; sw a2, 0(a0); j .
        ASK("b80020 8ec0 66c70600802a000000 66a10880 6685c0 74f7 2666a30000 f4",
                "010090d2 42058052 220000b9 230840b9 e3ffff34 4000a0d2 030000b9 00000014",
                "13051000 b7250000 13060000 13080000 b7584800 9b88d834 73000000 37850000 9305a002 2320b500 03268500 "
                        + "e30e06fe 37050200 2320c500 6f000000"),

        /** Waits for a number at 0x8000, writes one more to memory at 0x8008 and to the device at 4. */
        // mov ax, 0x2000; mov es, ax; 1: mov eax, [0x8000]; test eax, eax; jz 1b; inc eax; mov [0x8008], eax
        // mov es:[4], eax; hlt
        // mov x1, #0x8000; 1: ldr w3, [x1]; cbz w3, 1b; add w3, w3, #1; str w3, [x1, #8]; mov x0, #0x20000
        // str w3, [x0, #4]; b .
        // lui a0, 0x8; 1: lw a1, 0(a0); beqz a1, 1b; addiw a1, a1, 1; sw a1, 8(a0); lui a0, 0x20; sw a1, 4(a0); j .
        REPLY("b80020 8ec0 66a10080 6685c0 74f7 6640 66a30880 2666a30400 f4",
                "010090d2 230040b9 e3ffff34 63040011 230800b9 4000a0d2 030400b9 00000014",
                "37850000 83250500 e38e05fe 9b851500 2324b500 37050200 2322b500 6f000000"),

        /** Waits for an interrupt, in a loop. On x86 that is in the kernel only with its interrupt controller. */
        // 1: hlt; jmp 1b
        // 1: wfi; b 1b
        // 1: wfi; j 1b
        WAIT("f4 ebfd", "7f2003d5 ffffff17", "73005010 6ff0dfff"),

        /**
         * Reads an address from the device at 4 and a count from it at 8, writes the count left to as many pages from there
         * on, 4 KiB apart, and the last word to the device at 0, again and again. On x86 it wants
         * {@link RealModeGuest#flat(Vcpu)}.
         */
        // 1: mov ebx, [0x20004]; mov ecx, [0x20008]; 2: mov [ebx], ecx; add ebx, 0x1000; dec ecx; jnz 2b
        // mov [0x20000], eax; jmp 1b
        // mov x0, #0x20000; 1: ldr w1, [x0, #4]; ldr w2, [x0, #8]; 2: str w2, [x1]; add x1, x1, #0x1000; subs w2, w2, #1
        // b.ne 2b; str w1, [x0]; b 1b
        // lui a0, 0x20; 1: lw a1, 4(a0); lw a2, 8(a0); lui a3, 1; 2: sw a2, 0(a1); add a1, a1, a3; addi a2, a2, -1
        // bnez a2, 2b; sw a1, 0(a0); j 1b
        WRITE_PAGES("6766a104000200 6689c3 6766a108000200 6689c1 6766890b 6681c300100000 6649 75f1 6766a300000200 ebd4",
                "4000a0d2 010440b9 020840b9 220000b9 21044091 42040071 a1ffff54 010000b9 f9ffff17",
                "37050200 83254500 03268500 b7160000 23a0c500 b385d500 1306f6ff e31a06fe 2320b500 6ff01ffe");

        private final String x86;
        private final String arm64;
        private final String riscv;

        Program(String x86, String arm64, String riscv) {
            this.x86 = x86;
            this.arm64 = arm64;
            this.riscv = riscv;
        }

        byte[] code() {
            String code = Architecture.ON_X86 ? x86 : Architecture.ON_ARM64 ? arm64 : riscv;
            return HexFormat.of().parseHex(code.replace(" ", ""));
        }
    }

    public final Kvm kvm;
    public final Vm vm;
    public final MemoryRegion memory;
    public final Vcpu vcpu;

    public TestGuest(Program program) {
        this(program, false);
    }

    /** @param irqchip whether x86's guest has the in-kernel interrupt controller; it means nothing to the others */
    public TestGuest(Program program, boolean irqchip) {
        this(Kvm.open(), program, irqchip);
    }

    /** On an open system, which it closes with itself. */
    public TestGuest(Kvm kvm, Program program, boolean irqchip) {
        this.kvm = kvm;
        vm = kvm.createVm();
        memory = vm.memory().add(0, MEMORY_SIZE);
        if (irqchip && Architecture.ON_X86) {
            vm.x86().createIrqchip();
        }
        vcpu = vm.createVcpu(0);
        load(vm, vcpu, program);
    }

    /** Puts a program at {@link #ENTRY} and a vCPU in front of it. */
    public static void load(Vm vm, Vcpu vcpu, Program program) {
        load(vm, vcpu, program, ENTRY);
    }

    /** Puts a program somewhere below 64 KiB and a vCPU in front of it. */
    public static void load(Vm vm, Vcpu vcpu, Program program, long entry) {
        vm.memory().write(entry, program.code());
        if (Architecture.ON_X86) {
            RealMode.enter(vcpu, entry, RealModeGuest.STACK);
        } else if (Architecture.ON_ARM64) {
            vcpu.arm64().init(vm.arm64().getPreferredTarget().with(VcpuFeature.PSCI_0_2));
            vcpu.arm64().setOneReg(CoreRegister.PC, entry);
        } else {
            vcpu.riscv().setOneReg(io.github.kvm4j.riscv.CoreRegister.PC, entry);
        }
    }

    @Override
    public void close() {
        kvm.close();
    }
}
