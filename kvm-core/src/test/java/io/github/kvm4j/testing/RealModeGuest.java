package io.github.kvm4j.testing;

import java.util.HexFormat;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.util.x86.RealMode;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/** A VM with 64 KiB of memory at 0 and one vCPU that starts in 16-bit real mode at {@link #ENTRY}. */
public final class RealModeGuest implements AutoCloseable {

    public static final long ENTRY = 0x1000;
    public static final long STACK = 0x8000;
    public static final long MEMORY_SIZE = 0x10000;

    public final Kvm kvm;
    public final Vm vm;
    public final MemoryRegion memory;
    public final Vcpu vcpu;

    /** @param code the instructions in hexadecimal, blanks between bytes allowed */
    public RealModeGuest(String code) {
        kvm = Kvm.open();
        vm = kvm.createVm();
        memory = vm.memory().add(0, MEMORY_SIZE);
        vcpu = vm.createVcpu(0);
        load(vm, vcpu, code);
    }

    /** Puts code at {@link #ENTRY} and the vCPU in front of it. */
    public static void load(Vm vm, Vcpu vcpu, String code) {
        vm.memory().write(ENTRY, HexFormat.of().parseHex(code.replace(" ", "")));
        RealMode.enter(vcpu, ENTRY, STACK);
    }

    /** Lets real-mode code reach all 4 GiB, as a segment that keeps its limit from protected mode does. */
    public static void flat(Vcpu vcpu) {
        Sregs sregs = vcpu.x86().getSregs();
        for (Segment segment : new Segment[]{sregs.ds, sregs.es}) {
            segment.base = 0;
            segment.selector = 0;
            segment.limit = -1;
            segment.g = 1;
        }
        vcpu.x86().setSregs(sregs);
    }

    /** Puts the handler of an exception or interrupt at an address below 64 KiB, for code in real mode. */
    public static void handle(Vm vm, int vector, int address, String code) {
        RealMode.handler(vm.memory(), vector, address);
        vm.memory().write(address, HexFormat.of().parseHex(code.replace(" ", "")));
    }

    @Override
    public void close() {
        kvm.close();
    }
}
