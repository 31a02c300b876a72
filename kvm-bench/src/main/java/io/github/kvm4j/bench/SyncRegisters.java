package io.github.kvm4j.bench;

import java.util.EnumSet;
import java.util.Set;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.SyncReg;

/**
 * The run loop of {@link PortIoExit} with the general registers read, or read and changed, at each exit: by ioctl, or in
 * the run page.
 */
public class SyncRegisters extends KvmBenchmark {

    /** A guest whose registers are read by ioctl. */
    public static class ByIoctl extends Kvm4jGuest {

        private final Regs regs = new Regs();

        /** For JMH. */
        public ByIoctl() {
            super(GuestCode.WRITE_PORT);
        }
    }

    /** The same, with its registers in the run page. */
    public static class InPage extends Kvm4jGuest {

        private final Regs regs = new Regs();

        /** For JMH. */
        public InPage() {
            super(GuestCode.WRITE_PORT);
        }

        @Override
        void opened() {
            vcpu.x86().syncRegs().enable(EnumSet.of(SyncReg.REGS));
        }
    }

    /** The same guest. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.WRITE_PORT);
        }
    }

    /**
     * Reads through {@link io.github.kvm4j.x86.X86Vcpu#getRegs(Regs)}.
     *
     * @param guest
     *            the guest
     * @return RAX
     */
    @Benchmark
    public long readByIoctlKvm4j(ByIoctl guest) {
        return readByIoctl(guest, guest.regs, 1);
    }

    /**
     * Reads through {@link io.github.kvm4j.x86.SyncRegs#getRegs(Regs)}.
     *
     * @param guest
     *            the guest
     * @return RAX
     */
    @Benchmark
    public long readInPageKvm4j(InPage guest) {
        return readInPage(guest, guest.regs, 1);
    }

    /**
     * Changes through {@link io.github.kvm4j.x86.X86Vcpu#setRegs(Regs)}.
     *
     * @param guest
     *            the guest
     * @return RAX
     */
    @Benchmark
    public long changeByIoctlKvm4j(ByIoctl guest) {
        return changeByIoctl(guest, guest.regs, 1);
    }

    /**
     * Changes through {@link io.github.kvm4j.x86.SyncRegs#setRegs(Regs)}.
     *
     * @param guest
     *            the guest
     * @return RAX
     */
    @Benchmark
    public long changeInPageKvm4j(InPage guest) {
        return changeInPage(guest, guest.regs, 1);
    }

    /**
     * Reads by ioctl in C: a batch in one call.
     *
     * @param guest
     *            the guest
     * @return the sum of RAX
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long readByIoctlC(ByHand guest) {
        return Baselines.registersByIoctl(guest.vcpu, guest.run, false, BATCH);
    }

    /**
     * Reads in the run page in C: a batch in one call.
     *
     * @param guest
     *            the guest
     * @return the sum of RAX
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long readInPageC(ByHand guest) {
        return Baselines.registersInPage(guest.vcpu, guest.run, false, BATCH);
    }

    /**
     * Changes by ioctl in C: a batch in one call.
     *
     * @param guest
     *            the guest
     * @return the sum of RAX
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long changeByIoctlC(ByHand guest) {
        return Baselines.registersByIoctl(guest.vcpu, guest.run, true, BATCH);
    }

    /**
     * Changes in the run page in C: a batch in one call.
     *
     * @param guest
     *            the guest
     * @return the sum of RAX
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long changeInPageC(ByHand guest) {
        return Baselines.registersInPage(guest.vcpu, guest.run, true, BATCH);
    }

    static long readByIoctl(Kvm4jGuest guest, Regs regs, int exits) {
        long sum = 0;
        for (int i = 0; i < exits; i++) {
            int written = written(guest.vcpu.run());
            guest.vcpu.x86().getRegs(regs);
            sum += checked(regs, written);
        }
        return sum;
    }

    static long readInPage(Kvm4jGuest guest, Regs regs, int exits) {
        long sum = 0;
        for (int i = 0; i < exits; i++) {
            int written = written(guest.vcpu.run());
            guest.vcpu.x86().syncRegs().getRegs(regs);
            sum += checked(regs, written);
        }
        return sum;
    }

    static long changeByIoctl(Kvm4jGuest guest, Regs regs, int exits) {
        long sum = 0;
        for (int i = 0; i < exits; i++) {
            int written = written(guest.vcpu.run());
            guest.vcpu.x86().getRegs(regs);
            sum += checked(regs, written);
            regs.rax++;
            guest.vcpu.x86().setRegs(regs);
        }
        return sum;
    }

    static long changeInPage(Kvm4jGuest guest, Regs regs, int exits) {
        long sum = 0;
        for (int i = 0; i < exits; i++) {
            int written = written(guest.vcpu.run());
            guest.vcpu.x86().syncRegs().getRegs(regs);
            sum += checked(regs, written);
            regs.rax++;
            guest.vcpu.x86().syncRegs().setRegs(regs);
        }
        return sum;
    }

    /** What the guest wrote, its AL. */
    private static int written(Exit exit) {
        return switch (exit) {
            case Exit.Io io when io.isOut() -> io.value();
            case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
        };
    }

    private static long checked(Regs regs, int written) {
        if ((regs.rax & 0xff) != written) {
            throw new IllegalStateException("the guest wrote " + written + ": " + regs);
        }
        return regs.rax;
    }

    /** For a guest that is used both ways by turns: which one comes. */
    static void putIntoPage(Kvm4jGuest guest, Set<SyncReg> kinds) {
        guest.vcpu.x86().syncRegs().enable(kinds);
    }
}
