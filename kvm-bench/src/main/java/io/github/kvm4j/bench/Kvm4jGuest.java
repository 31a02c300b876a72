package io.github.kvm4j.bench;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/** A guest made with kvm4j's public API. A benchmark's own state extends it, with its code. */
public abstract class Kvm4jGuest extends Opened {

    private final byte[] code;

    Kvm kvm;
    Vcpu vcpu;

    Kvm4jGuest(byte[] code) {
        this.code = code;
    }

    @Override
    void open() {
        kvm = Kvm.open();
        vcpu = boot(kvm.createVm(), code);
    }

    @Override
    public final void close() {
        kvm.close();
    }

    /** Gives a new VM memory with code in it, and a vCPU that is about to execute it. */
    static Vcpu boot(Vm vm, byte[] code) {
        vm.memory().add(GuestCode.ENTRY, GuestCode.MEMORY_SIZE);
        vm.memory().write(GuestCode.ENTRY, code);
        Vcpu vcpu = vm.createVcpu(0);
        Sregs sregs = vcpu.x86().getSregs();
        sregs.cs.base = 0;
        sregs.cs.selector = 0;
        vcpu.x86().setSregs(sregs);
        Regs regs = new Regs();
        regs.rip = GuestCode.ENTRY;
        regs.rax = GuestCode.BYTE;
        regs.rdx = GuestCode.PORT;
        vcpu.x86().setRegs(regs);
        return vcpu;
    }
}
