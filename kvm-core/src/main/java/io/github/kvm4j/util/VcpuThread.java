package io.github.kvm4j.util;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import org.slf4j.LoggerFactory;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.memory.CoalescedIo;

/**
 * The loop that every virtual machine monitor has, on a platform thread of its own: it runs a vCPU and gives each exit to a
 * handler, until the handler ends it, {@link #stop()} does, or the vCPU is closed.
 *
 * <pre>{@code
 * VcpuThread thread = VcpuThread.start("vcpu-0", vcpu, exit -> switch (exit) {
 *     case Exit.Io io -> ports.handle(io);
 *     case Exit.Shutdown _ -> Next.END;
 *     case Exit.Interrupted _ -> Next.RUN;
 *     default -> throw new IllegalStateException("unexpected exit: " + exit);
 * });
 * try (Pause _ = thread.pause()) {
 *     saved = vcpu.x86().getRegs();
 * }
 * }</pre>
 *
 * The thread is a daemon: a JVM that ends does not wait for guests. A handler that is in progress is never interrupted:
 * pausing and stopping wait for it. {@link Thread#interrupt()} disturbs neither the guest nor a pause. A vCPU that waits to
 * be started by another, as a second processor does, is run on: its {@link Exit.NotReady} does not come to the handler.
 * What is in the ring of {@link io.github.kvm4j.memory.CoalescedIo} is delivered before each exit is.
 */
public final class VcpuThread implements AutoCloseable {

    /** Why a thread has ended, when it has not failed. */
    public enum End {
        /** The handler returned {@link ExitHandler.Next#END}; the exit's I/O is not complete. */
        HANDLER,
        /** {@link #stop()} was called; pending I/O is complete. */
        STOPPED,
        /** The vCPU, its VM or the system was closed. */
        CLOSED
    }

    private final Vcpu vcpu;
    private final ExitHandler handler;
    private final Consumer<? super Throwable> onFailure;
    private final Thread thread;
    private final CompletableFuture<End> end = new CompletableFuture<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** How many pauses there are; changed under the lock. */
    private int pauses;

    /** Whether the vCPU is out of the guest because of a pause, its pending I/O complete; changed under the lock. */
    private boolean parked;

    /** Whether a kick for a pause or a stop is on its way, not yet seen by {@link #park()}; changed under the lock. */
    private boolean kicked;

    /** Whether the vCPU is not run any more; changed under the lock. */
    private boolean ended;

    /** Whether the thread is to end when it next sees an {@link Exit.Interrupted}, or at once when it is parked. */
    private boolean stopping;

    private VcpuThread(String name, Vcpu vcpu, ExitHandler handler, Consumer<? super Throwable> onFailure) {
        this.vcpu = vcpu;
        this.handler = handler;
        this.onFailure = onFailure;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> HandlerWait.on(this, this::live));
    }

    /**
     * Starts a thread that runs a vCPU, and whose failure is logged as an error (logger
     * {@code io.github.kvm4j.util.VcpuThread}). From now on the vCPU belongs to the thread: another one uses it only during
     * a pause.
     *
     * @param name
     *            the thread's name
     * @param vcpu
     *            the vCPU
     * @param handler
     *            gets each exit
     * @return the running thread
     */
    public static VcpuThread start(String name, Vcpu vcpu, ExitHandler handler) {
        return start(name, vcpu, handler,
                failure -> LoggerFactory.getLogger(VcpuThread.class).error("{} of {} has failed", name, vcpu, failure));
    }

    /**
     * Starts a thread that runs a vCPU. From now on the vCPU belongs to the thread: another one uses it only during a pause.
     *
     * @param name
     *            the thread's name
     * @param vcpu
     *            the vCPU
     * @param handler
     *            gets each exit
     * @param onFailure
     *            gets what the handler or {@link Vcpu#run()} threw, on the thread, when {@link #end()} has been completed
     *            with it
     * @return the running thread
     */
    public static VcpuThread start(String name, Vcpu vcpu, ExitHandler handler, Consumer<? super Throwable> onFailure) {
        VcpuThread started = new VcpuThread(Objects.requireNonNull(name, "name"), Objects.requireNonNull(vcpu, "vcpu"),
                Objects.requireNonNull(handler, "handler"), Objects.requireNonNull(onFailure, "onFailure"));
        started.thread.start();
        return started;
    }

    /**
     * Returns the vCPU.
     *
     * @return the vCPU
     */
    public Vcpu vcpu() {
        return vcpu;
    }

    /**
     * Tells when and how the thread ends: with an {@link End}, or exceptionally with what the handler or
     * {@link Vcpu#run()} threw.
     *
     * @return a future of the caller's own: to complete it has no effect on the thread
     */
    public CompletableFuture<End> end() {
        return end.copy();
    }

    /**
     * Keeps the vCPU out of the guest. When this returns, the guest's last instruction is complete, its I/O included (what
     * exits that took, the handler has had), and the vCPU's state may be read and changed by the calling thread, until the
     * pause is closed. When the thread has ended it returns at once. Pauses may overlap, and the last to close lets the vCPU
     * go on. A handler that calls this is not out of the guest itself while it waits.
     *
     * @return the pause
     * @throws IllegalStateException
     *             when called by the handler, which would wait for itself, or by the handler of a thread that this one's
     *             handler waits for: one of two that pause each other gets this, and lets the other go on by returning
     */
    public Pause pause() {
        return pauseAll(List.of(this));
    }

    /**
     * Pauses several vCPUs, all of a VM for one: each is asked before the first is waited for.
     *
     * @param threads
     *            the threads
     * @return one pause for all
     * @throws IllegalStateException
     *             when called by a handler of one of them, which would wait for itself, or one of them has a handler that
     *             waits for the calling one, as with {@link #pause()}
     */
    public static Pause pauseAll(Collection<VcpuThread> threads) {
        threads.forEach(VcpuThread::refuseOwnThread);
        if (!HandlerWait.begin(threads)) {
            throw new IllegalStateException("pause() of " + threads + " by a handler that one of them waits for:"
                    + " return from the handler, and the other's pause or close goes on");
        }
        List<VcpuThread> asked = new ArrayList<>();
        Pause pause = new Pause(asked);
        try {
            for (VcpuThread thread : threads) {
                thread.addPause();
                asked.add(thread);
            }
            asked.forEach(VcpuThread::awaitParked);
            return pause;
        } catch (Throwable t) {
            pause.close();
            throw t;
        } finally {
            HandlerWait.end();
        }
    }

    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    private void refuseOwnThread() {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException(
                    "pause() of " + this + " by its own handler would wait for itself; call it on another thread");
        }
    }

    private void addPause() {
        lock.lock();
        try {
            kickOut();
            pauses++;
        } finally {
            lock.unlock();
        }
    }

    /** Makes the thread come to {@link #park()}, or sees that it will, or is there, or has ended; under the lock. */
    private void kickOut() {
        if (!parked && !ended && !kicked) {
            vcpu.kick();
            kicked = true;
        }
    }

    private void awaitParked() {
        lock.lock();
        try {
            while (!parked && !ended) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    void resume() {
        lock.lock();
        try {
            pauses--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the thread: the guest leaves, its pending I/O is completed, and {@link #end()} completes with
     * {@link End#STOPPED}. The vCPU stays open. A paused thread ends at once. It does not wait; {@link #close()} does. Any
     * thread may call it, the handler too.
     * <p>
     * When the handler returns {@link ExitHandler.Next#END}, or throws, after this or a pause has asked the guest to leave,
     * that has kicked the vCPU, and whoever runs it next gets an {@link Exit.Interrupted} first. Once the thread has ended as
     * stopped, or is paused, nothing is left behind so, unless somebody else has kicked the vCPU at the same time: that is a
     * kick of its own, and may be the one that is left.
     */
    public void stop() {
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
            kickOut();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Stops the thread and waits for its end, however it ends; called by the handler it does not wait, nor called by a
     * handler that this thread's handler waits for, as when two close each other. The vCPU stays open.
     */
    @Override
    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    public void close() {
        stop();
        if (Thread.currentThread() != thread && HandlerWait.begin(List.of(this))) {
            try {
                joinUninterruptibly();
            } finally {
                HandlerWait.end();
            }
        }
    }

    private void joinUninterruptibly() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void live() {
        try {
            end(loop());
        } catch (ClosedException e) {
            if (vcpu.isClosed() || vcpu.vm().isClosed()) {
                end(End.CLOSED);
            } else {
                fail(e);
            }
        } catch (Throwable t) {
            fail(t);
        }
    }

    private End loop() throws Exception {
        CoalescedIo coalesced = vcpu.vm().coalescedIo();
        while (true) {
            Exit exit = vcpu.run();
            coalesced.drain();
            if (exit instanceof Exit.NotReady) {
                // It is for the next run, which waits in the kernel or enters the guest.
                continue;
            }
            if (exit instanceof Exit.Interrupted && park()) {
                return End.STOPPED;
            }
            if (handler.handle(exit) == ExitHandler.Next.END) {
                return End.HANDLER;
            }
        }
    }

    /**
     * Waits while there are pauses, after an Interrupted, which says that the guest's last instruction is complete. Returns
     * whether to stop.
     */
    private boolean park() {
        lock.lock();
        try {
            kicked = false;
            while (pauses > 0 && !stopping) {
                parked = true;
                changed.signalAll();
                changed.awaitUninterruptibly();
            }
            parked = false;
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    private void end(End how) {
        complete(() -> end.complete(how));
    }

    private void fail(Throwable failure) {
        complete(() -> end.completeExceptionally(failure));
        onFailure.accept(failure);
    }

    private void complete(Runnable completion) {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        // Not under the lock: what hangs on the future runs here.
        completion.run();
    }

    @Override
    public String toString() {
        return "VcpuThread[" + thread.getName() + ", " + vcpu + "]";
    }
}
