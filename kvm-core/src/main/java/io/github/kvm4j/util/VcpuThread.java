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
 * pausing and stopping wait for it. {@link Thread#interrupt()} disturbs neither the guest nor a pause.
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

    /** Whether the thread is to end when it next sees an {@link Exit.Interrupted}, or at once when it is parked. */
    private boolean stopping;

    private VcpuThread(String name, Vcpu vcpu, ExitHandler handler, Consumer<? super Throwable> onFailure) {
        this.vcpu = vcpu;
        this.handler = handler;
        this.onFailure = onFailure;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::live);
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
     * go on.
     *
     * @return the pause
     * @throws IllegalStateException
     *             when called by the handler, which would wait for itself
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
     *             when called by a handler of one of them, which would wait for itself
     */
    public static Pause pauseAll(Collection<VcpuThread> threads) {
        threads.forEach(VcpuThread::refuseOwnThread);
        List<VcpuThread> asked = new ArrayList<>();
        Pause pause = new Pause(asked);
        try {
            for (VcpuThread thread : threads) {
                thread.addPause();
                asked.add(thread);
                if (!thread.end.isDone()) {
                    thread.vcpu.kick();
                }
            }
            asked.forEach(VcpuThread::awaitParked);
            return pause;
        } catch (Throwable t) {
            pause.close();
            throw t;
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
            pauses++;
        } finally {
            lock.unlock();
        }
    }

    private void awaitParked() {
        lock.lock();
        try {
            while (!parked && !end.isDone()) {
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
     */
    public void stop() {
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
            if (parked || end.isDone()) {
                // It does not run any more: a kick would be for whoever runs the vCPU next.
                return;
            }
        } finally {
            lock.unlock();
        }
        vcpu.kick();
    }

    /**
     * Stops the thread and waits for its end, however it ends; called by the handler it does not wait. The vCPU stays open.
     */
    @Override
    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    public void close() {
        stop();
        if (Thread.currentThread() != thread) {
            joinUninterruptibly();
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
            if (vcpu.isClosed()) {
                end(End.CLOSED);
            } else {
                fail(e);
            }
        } catch (Throwable t) {
            fail(t);
        }
    }

    private End loop() throws Exception {
        while (true) {
            Exit exit = vcpu.run();
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
        // Not under the lock: what hangs on the future runs here.
        completion.run();
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return "VcpuThread[" + thread.getName() + ", " + vcpu + "]";
    }
}
