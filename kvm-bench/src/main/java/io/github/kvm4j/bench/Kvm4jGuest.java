package io.github.kvm4j.bench;

import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;

/** A guest made with kvm4j's public API. A benchmark's own state extends it, with its code. */
@State(Scope.Thread)
public abstract class Kvm4jGuest {

    private final byte[] code;

    Kvm kvm;
    Vcpu vcpu;

    Kvm4jGuest(byte[] code) {
        this.code = code;
    }

    /**
     * Opens everything, twice: JMH counts what the tear-down allocates into the last iteration, and a first close loads
     * classes.
     */
    @Setup
    public final void setUp() {
        open();
        close();
        open();
        opened();
    }

    /** What else there is to set up. JMH would not say whether it calls a set-up of the subclass before this one. */
    void opened() {
    }

    private void open() {
        kvm = Kvm.open();
        vcpu = boot(kvm.createVm(), code);
    }

    /** Closes everything. */
    @TearDown
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
