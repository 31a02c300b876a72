package io.github.kvm4j.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.x86.Regs;

/** The general registers read, and written, with one object or structure used again and again. */
public class Registers extends KvmBenchmark {

    private static final long GET_REGS = FfmGuest.number(kvm_x86_h.KVM_GET_REGS());
    private static final long SET_REGS = FfmGuest.number(kvm_x86_h.KVM_SET_REGS());

    /** A guest that does not run. */
    public static class Kvm4j extends Kvm4jGuest {

        private final Regs regs = new Regs();

        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.HALT);
        }
    }

    /** The same guest. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.HALT);
        }
    }

    /**
     * Reads through {@link io.github.kvm4j.x86.X86Vcpu#getRegs(Regs)}.
     *
     * @param guest
     *            the guest
     * @return the instruction pointer
     */
    @Benchmark
    public long getKvm4j(Kvm4j guest) {
        guest.vcpu.x86().getRegs(guest.regs);
        return guest.regs.rip;
    }

    /**
     * Writes through {@link io.github.kvm4j.x86.X86Vcpu#setRegs(Regs)}.
     *
     * @param guest
     *            the guest
     */
    @Benchmark
    public void setKvm4j(Kvm4j guest) {
        guest.regs.rax++;
        guest.vcpu.x86().setRegs(guest.regs);
    }

    /**
     * Reads through a handle, and one register out of the structure.
     *
     * @param guest
     *            the guest
     * @return the instruction pointer
     */
    @Benchmark
    public long getFfm(ByHand guest) {
        Ffm.check("KVM_GET_REGS", guest.errno, Ffm.ioctl(guest.errno, guest.vcpu, GET_REGS, guest.regs));
        return kvm_regs.rip(guest.regs);
    }

    /**
     * Changes one register in the structure, and writes it through a handle.
     *
     * @param guest
     *            the guest
     */
    @Benchmark
    public void setFfm(ByHand guest) {
        kvm_regs.rax(guest.regs, kvm_regs.rax(guest.regs) + 1);
        Ffm.check("KVM_SET_REGS", guest.errno, Ffm.ioctl(guest.errno, guest.vcpu, SET_REGS, guest.regs));
    }

    /**
     * Reads in C: a batch of calls in one.
     *
     * @param guest
     *            the guest
     * @return the sum of the instruction pointers
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long getC(ByHand guest) {
        return Baselines.getRegs(guest.vcpu, BATCH);
    }

    /**
     * Writes in C: a batch of calls in one.
     *
     * @param guest
     *            the guest
     * @return 0
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long setC(ByHand guest) {
        return Baselines.setRegs(guest.vcpu, BATCH);
    }
}
