package io.github.kvm4j.examples;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.util.x86.LongMode;
import io.github.kvm4j.util.x86.PageFlag;
import io.github.kvm4j.util.x86.PageSize;
import io.github.kvm4j.util.x86.PageTables;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.CpuidFeature;
import io.github.kvm4j.x86.Cr4;
import io.github.kvm4j.x86.Xcrs;
import io.github.kvm4j.x86.Xsave;
import io.github.kvm4j.x86.XsaveComponent;

/**
 * A 64-bit guest that computes in ring 3: it adds up the numbers from 1 to n, and leaves the sum in XMM and YMM registers.
 * <p>
 * What it teaches: a vCPU put straight into ring 3, with pages and ports for it; AVX enabled from outside, by CR4 and XCR0;
 * the extended state read by KVM_GET_XSAVE, its parts found where the host has them. And that ring 3 runs at the
 * processor's speed even on a KVM without hardware virtualization, which emulates ring 0: a thousandth of the turns is run
 * there, to compare.
 * <p>
 * Option: {@code -Dturns=N}, 1 to 4294967295.
 */
public final class UserMode {

    private static final long RAM_SIZE = 0x20_0000;
    private static final long PAGE_TABLES = 0x1000;
    private static final long DESCRIPTOR_TABLES = 0x4000;
    private static final long ENTRY = 0x1_0000;
    private static final long STACK = 0x2_0000;
    private static final int PORT = 0x10;

    // @formatter:off
    private static final byte[] SUM = {
        0x31, (byte) 0xc0,                               //       xor eax, eax
        (byte) 0xb9, 0, 0, 0, 0,                         //       mov ecx, turns
        0x48, 0x01, (byte) 0xc8,                         // next: add rax, rcx
        (byte) 0xff, (byte) 0xc9,                        //       dec ecx
        0x75, (byte) 0xf9,                               //       jnz next
        0x66, 0x48, 0x0f, 0x6e, (byte) 0xc0,             //       movq xmm0, rax
    };
    private static final int TURNS = 3;
    private static final byte[] WIDEN = {
        (byte) 0xc5, (byte) 0xf9, 0x6c, (byte) 0xc8,     //       vpunpcklqdq xmm1, xmm0, xmm0
        (byte) 0xc4, (byte) 0xe3, 0x75, 0x18, (byte) 0xc9, 0x01, // vinsertf128 ymm1, ymm1, xmm1, 1
    };
    private static final byte[] TELL = {
        (byte) 0xe6, PORT,                               //       out PORT, al
    };
    // @formatter:on

    private UserMode() {
    }

    /**
     * Runs it.
     *
     * @param args
     *            none
     */
    public static void main(String[] args) {
        long turns = Long.getLong("turns", 1_000_000_000);
        if (turns < 1 || turns > 0xffff_ffffL) {
            throw new IllegalArgumentException("-Dturns=" + turns + ": it goes from 1 to 4294967295");
        }
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, RAM_SIZE);
            Vcpu vcpu = vm.createVcpu(0);
            Cpuid cpuid = kvm.x86().getSupportedCpuid();
            boolean avx = cpuid.has(CpuidFeature.AVX);
            vcpu.x86().setCpuid2(cpuid);
            PageTables pages = new PageTables(vm.memory(), PAGE_TABLES, DESCRIPTOR_TABLES - PAGE_TABLES)
                    .identity(RAM_SIZE, PageSize.SIZE_2M, EnumSet.of(PageFlag.WRITABLE, PageFlag.USER));
            LongMode mode = new LongMode(vm.memory(), pages, DESCRIPTOR_TABLES).withIoPrivilege(3);
            if (avx) {
                mode.withCr4(Cr4.OSXSAVE);
            }

            vm.memory().write(ENTRY, code(turns, avx));
            mode.enterUser(vcpu, ENTRY, STACK);
            if (avx) {
                // What the guest's own XSETBV would do, which is for ring 0 alone.
                vcpu.x86().fpu().setXcrs(Xcrs.ofXcr0(
                        XsaveComponent.X87.bit() | XsaveComponent.SSE.bit() | XsaveComponent.AVX.bit()));
            }
            time(3, turns, vcpu);
            Xsave state = vcpu.x86().fpu().getXsave();
            System.out.println("xmm0: " + numbers(state.xmm(0)));
            check(state.xmm(0), turns, 1);
            if (avx) {
                byte[] ymm1 = state.ymm(kvm.x86().getXsaveLayout(), 1);
                System.out.println("ymm1: " + numbers(ymm1));
                check(ymm1, turns, 4);
            }

            long fewer = Math.max(1, turns / 1000);
            vm.memory().write(ENTRY, code(fewer, false));
            mode.enter(vcpu, ENTRY, STACK);
            time(0, fewer, vcpu);
        }
    }

    private static byte[] code(long turns, boolean avx) {
        byte[] widen = avx ? WIDEN : new byte[0];
        ByteBuffer code = ByteBuffer.allocate(SUM.length + widen.length + TELL.length).order(ByteOrder.LITTLE_ENDIAN);
        code.put(SUM).put(widen).put(TELL).putInt(TURNS, (int) turns);
        return code.array();
    }

    private static void time(int ring, long turns, Vcpu vcpu) {
        long start = System.nanoTime();
        Exit exit = vcpu.run();
        double time = System.nanoTime() - start;
        if (!(exit instanceof Exit.Io io) || io.port() != PORT) {
            throw new IllegalStateException("unexpected exit: " + exit);
        }
        System.out.printf("ring %d: %d turns in %.0f ms, %.2f ns each%n", ring, turns, time / 1e6, time / turns);
    }

    private static long[] longs(byte[] register) {
        long[] longs = new long[register.length / Long.BYTES];
        ByteBuffer.wrap(register).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(longs);
        return longs;
    }

    private static String numbers(byte[] register) {
        return Arrays.toString(longs(register));
    }

    /** The sum, in so many of the register's halves or quarters, and zeros in the others. */
    private static void check(byte[] register, long turns, int copies) {
        long[] wanted = new long[register.length / Long.BYTES];
        Arrays.fill(wanted, 0, copies, turns % 2 == 0 ? turns / 2 * (turns + 1) : (turns + 1) / 2 * turns);
        if (!Arrays.equals(longs(register), wanted)) {
            throw new IllegalStateException(
                    HexFormat.of().formatHex(register) + " is not " + Arrays.toString(wanted));
        }
    }
}
