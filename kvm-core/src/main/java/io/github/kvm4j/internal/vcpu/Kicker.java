package io.github.kvm4j.internal.vcpu;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.IntSupplier;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.exit.RunPage;
import io.github.kvm4j.internal.sys.Backoff;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;

/**
 * Makes KVM_RUN return with EINTR, from any thread.
 * <p>
 * The kicker sets {@code pending}, then {@code immediate_exit} in the run page, and then, if a thread is in
 * {@link VcpuFd#run()}, sends it the kick signal. On EINTR the runner clears {@code immediate_exit} first and takes
 * {@code pending} second: a kick that falls between the two leaves the flag set, which costs the next KVM_RUN one more
 * turn, and is not lost. A signal alone would be: it can arrive just before the system call.
 * <p>
 * {@code gate} is odd while a kicker is at it. It keeps the errno segment to one kicker at a time, the run page mapped,
 * and a thread from leaving {@code run()}, and maybe ending, while a signal is on its way to it.
 * <p>
 * <b>Memory order.</b> All of {@code pending}, {@code gate}, the flag and VcpuFd's {@code state} and {@code closing} are
 * read and written as volatile only, so that there is one order of all these accesses in which each thread's are in the
 * order of its program. Each side writes one and then reads another, and by that order not both can come too early:
 * <ul>
 * <li>The kicker sets the flag and reads {@code state}; the runner sets {@code state} to its thread's id and enters
 * KVM_RUN, where the flag is read. So the kernel sees the flag, or the kicker sees whom to signal. The kernel's is no
 * volatile read of Java's: the runner has a full barrier before it, {@link VcpuFd#run()} says where.
 * <li>The kicker sets {@code pending} and then the flag; the runner clears the flag and then takes {@code pending}. So a
 * flag that is cleared has its kick taken. {@link #withdrawImmediateExit()} relies on the same.
 * <li>The kicker makes {@code gate} odd and reads {@code state}; the runner makes {@code state} free, or the closer
 * closed, and reads {@code gate}. So they wait for the kicker, or it touches neither the thread nor the page.
 * <li>The closer sets {@code closing} and looks at {@code state}; who enters sets {@code state} and looks at
 * {@code closing}. So the closer sees whom to kick, or that thread sees that it must not run.
 * </ul>
 */
final class Kicker {

    /** How often the signal is sent while the limit of pending signals is reached. */
    private static final int SEND_TRIES = 1000;

    private static final VarHandle PENDING;
    private static final VarHandle GATE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            PENDING = lookup.findVarHandle(Kicker.class, "pending", int.class);
            GATE = lookup.findVarHandle(Kicker.class, "gate", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Libc libc;
    private final RunPage runPage;
    private final MemorySegment errno;
    private final IntSupplier state;
    private final int processId;
    private final int signal;

    private volatile int pending;
    private volatile int gate;

    /**
     * @param state
     *            the id of the thread that is in run(), or {@link VcpuFd#CLOSED}, or something else below 1
     */
    Kicker(Host host, RunPage runPage, MemorySegment errno, IntSupplier state) {
        this.libc = host.libc();
        this.runPage = runPage;
        this.errno = errno;
        this.state = state;
        this.processId = host.kickSignal().processId();
        this.signal = host.kickSignal().number();
    }

    int signal() {
        return signal;
    }

    void kick() {
        pending = 1;
        int closed = enterGate();
        try {
            if (state.getAsInt() != VcpuFd.CLOSED) {
                runPage.requestImmediateExit();
                interrupt(state.getAsInt());
            }
        } finally {
            gate = closed + 2;
        }
    }

    private void interrupt(int thread) {
        long result = 0;
        for (int i = 0; i < SEND_TRIES && thread > 0 && state.getAsInt() == thread; i++) {
            result = libc.tgkill(errno, processId, thread, signal);
            if (!Errno.EAGAIN.is(result)) {
                break;
            }
            Thread.onSpinWait();
        }
        if (result < 0) {
            throw new KvmException("tgkill(" + thread + ", " + signal + ")", (int) -result, Errno.EAGAIN.is(result)
                    ? "the user's limit of pending signals is exhausted; raise it (ulimit -i)"
                    : "");
        }
    }

    /** Returns the gate's value before. */
    private int enterGate() {
        int now = gate;
        if ((now & 1) != 0 || !GATE.compareAndSet(this, now, now + 1)) {
            now = enterBusyGate();
        }
        return now;
    }

    private int enterBusyGate() {
        int round = 0;
        while (true) {
            int now = gate;
            if ((now & 1) == 0 && GATE.compareAndSet(this, now, now + 1)) {
                return now;
            }
            round = Backoff.pause(round);
        }
    }

    /** By the runner, after EINTR: whether a kick was the cause. It is then answered. */
    boolean takeKick() {
        runPage.clearImmediateExit();
        return (int) PENDING.getAndSet(this, 0) != 0;
    }

    /**
     * By the holder of the vCPU, after a KVM_RUN for which it has set {@code immediate_exit} itself: clears it, but for a kick
     * that is pending. The order is that of {@link #takeKick()}, for the same reason.
     */
    void withdrawImmediateExit() {
        runPage.clearImmediateExit();
        if (pending != 0) {
            runPage.requestImmediateExit();
        }
    }

    /**
     * By the runner and the closer, after the state says that nobody runs: waits for the kicker that saw it otherwise. It
     * only spins: a virtual thread that yields or parks gives its carrier away, and the signal would come to whom that
     * carries next. What it waits for is a system call at most.
     */
    void awaitKickInFlight() {
        int now = gate;
        if ((now & 1) != 0) {
            while (gate == now) {
                Thread.onSpinWait();
            }
        }
    }
}
