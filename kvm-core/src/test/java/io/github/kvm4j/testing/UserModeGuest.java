package io.github.kvm4j.testing;

import java.util.HexFormat;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/**
 * A VM with 64 KiB of memory at 0, mapped to itself, and one vCPU that starts in 64-bit mode at {@link #ENTRY}, in ring 3
 * and with the privilege to use ports: code that a KVM without a hypervisor's processor runs on the real one.
 */
public final class UserModeGuest implements AutoCloseable {

    public static final long ENTRY = 0x8000;
    public static final long STACK = 0xf000;

    private static final long MEMORY_SIZE = 0x10000;
    private static final long PML4 = 0x1000;
    private static final long PDPT = 0x2000;
    private static final long DIRECTORY = 0x3000;

    /** Present, writable, for ring 3; and of 2 MiB. */
    private static final long TABLE = 7;
    private static final long LARGE_PAGE = 0x87;

    public final Kvm kvm;
    public final Vm vm;
    public final Vcpu vcpu;

    /** @param code the instructions in hexadecimal, blanks between bytes allowed */
    public UserModeGuest(String code) {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, MEMORY_SIZE);
        vm.memory().write(ENTRY, HexFormat.of().parseHex(code.replace(" ", "")));
        entry(PML4, PDPT | TABLE);
        entry(PDPT, DIRECTORY | TABLE);
        entry(DIRECTORY, LARGE_PAGE);
        vcpu = vm.createVcpu(0);
        vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
        Sregs sregs = vcpu.x86().getSregs();
        for (Segment segment : new Segment[]{sregs.cs, sregs.ds, sregs.es, sregs.ss}) {
            segment.base = 0;
            segment.limit = -1;
            segment.g = 1;
            segment.dpl = 3;
            segment.s = 1;
            segment.present = 1;
            boolean code64 = segment == sregs.cs;
            segment.selector = code64 ? 0x33 : 0x2b;
            segment.type = code64 ? 11 : 3;
            segment.l = code64 ? 1 : 0;
            segment.db = code64 ? 0 : 1;
        }
        sregs.cr3 = PML4;
        // physical address extension; paging and protection; long mode, enabled and active
        sregs.cr4 |= 1 << 5;
        sregs.cr0 |= 0x8000_0001L;
        sregs.efer |= 0x500;
        vcpu.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = ENTRY;
        regs.rsp = STACK;
        // I/O privilege level 3
        regs.rflags = 0x3002;
        vcpu.x86().setRegs(regs);
    }

    private void entry(long at, long value) {
        byte[] bytes = new byte[Long.BYTES];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (value >> 8 * i);
        }
        vm.memory().write(at, bytes);
    }

    @Override
    public void close() {
        kvm.close();
    }
}
