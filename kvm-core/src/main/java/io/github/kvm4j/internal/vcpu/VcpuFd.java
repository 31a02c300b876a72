package io.github.kvm4j.internal.vcpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.exit.ExitDecoder;
import io.github.kvm4j.internal.exit.RunPage;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.IoctlTarget;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Backoff;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.sys.Mapping;

/**
 * A vCPU's descriptor, run page and scratch memory, and the state machine that keeps them to one thread at a time.
 * <p>
 * <b>State.</b> {@code state} is {@link #FREE}, {@link #BUSY} (a call other than KVM_RUN), the kernel id of the thread
 * that is in {@link #run()}, or {@link #CLOSED}. Whoever wants to use the descriptor, the page or the scratch memory goes
 * from FREE to BUSY, or to its id, by a compare-and-set, and back by a store. A second thread is refused: the kernel
 * would make it wait, on the mutex that KVM_RUN holds, until the guest exits.
 * <p>
 * <b>Kick.</b> {@link Kicker} has the protocol.
 * <p>
 * <b>Close.</b> {@code closing} refuses new entries; {@link #close()} kicks once and waits until it gets the state from
 * FREE to CLOSED, waits for kicks in flight, and then frees.
 */
public final class VcpuFd implements IoctlTarget, AutoCloseable {

    private static final int FREE = 0;
    private static final int BUSY = -1;
    static final int CLOSED = -2;

    private static final long KVM_RUN = Ioctl.KVM_RUN.number();
    private static final long EINTR = -Errno.EINTR.number();

    /** Of the scratch memory: what is somebody's own, and what is anybody's between enter and leave. */
    private static final long OWN_SIZE = 4096;
    private static final long BUFFER_SIZE = 0x4000;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(VcpuFd.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Libc libc;
    private final Fd fd;
    private final int number;
    private final Mapping page;
    private final Mapping scratch;
    private final @Nullable DirtyRing dirtyRing;
    private final SegmentAllocator scratchAllocator;
    private final MemorySegment buffer;
    private final MemorySegment errno;
    private final ExitDecoder decoder;
    private final RunPage runPage;
    private final Kicker kicker;

    private final Object closeMonitor = new Object();

    @SuppressWarnings("unused")
    private volatile int state;
    private volatile boolean closing;

    /** Who is in, for the message to whom is not let in; the state decides, not this. */
    private @Nullable Thread user;

    /** Who ran last. */
    private Runner runner = Runner.NONE;

    private VcpuFd(Host host, Fd fd, int number, Mapping page, Mapping scratch, @Nullable DirtyRing dirtyRing) {
        this.libc = host.libc();
        this.fd = fd;
        this.number = number;
        this.page = page;
        this.scratch = scratch;
        this.dirtyRing = dirtyRing;
        this.scratchAllocator = SegmentAllocator.slicingAllocator(scratch.segment().asSlice(0, OWN_SIZE));
        this.buffer = scratch.segment().asSlice(OWN_SIZE, BUFFER_SIZE);
        this.errno = scratchAllocator.allocate(Libc.ERRNO);
        this.runPage = new RunPage(page.segment());
        this.decoder = new ExitDecoder(runPage);
        this.kicker = new Kicker(host, runPage, scratchAllocator.allocate(Libc.ERRNO), () -> state);
    }

    /**
     * Takes a vCPU's descriptor over, and maps its run page and its dirty ring of so many bytes, or none. On failure nothing
     * is left, the descriptor included.
     */
    public static VcpuFd own(Host host, Fd fd, long mmapSize, long dirtyRingSize) {
        Mapping page = null;
        Mapping scratch = null;
        DirtyRing ring = null;
        try {
            int number = fd.acquire();
            fd.release();
            page = Mapping.shared(host.libc(), fd.what() + "'s run page", number, mmapSize);
            scratch = Mapping.anonymous(host.libc(), fd.what() + "'s scratch memory", OWN_SIZE + BUFFER_SIZE);
            ring = dirtyRingSize > 0 ? DirtyRing.map(host, fd.what(), number, dirtyRingSize) : null;
            return new VcpuFd(host, fd, number, page, scratch, ring);
        } catch (Throwable t) {
            if (ring != null) {
                Cleanup.after(t, ring::close);
            }
            if (scratch != null) {
                Cleanup.after(t, scratch::close);
            }
            if (page != null) {
                Cleanup.after(t, page::close);
            }
            Cleanup.after(t, fd::close);
            throw t;
        }
    }

    /** Scratch memory for one kind of state, for as long as the vCPU is open; used between enter and leave. */
    public SegmentAllocator scratch() {
        return scratchAllocator;
    }

    /** Maps something else that the descriptor offers; any thread may call it. */
    public Mapping map(String what, long length, long offset) {
        fd.acquire();
        try {
            return Mapping.shared(libc, what, number, length, offset);
        } finally {
            fd.release();
        }
    }

    /** The dirty ring, if the VM has them; any thread may use it at any time. */
    public @Nullable DirtyRing dirtyRing() {
        return dirtyRing;
    }

    /**
     * Scratch memory for one call, between enter and leave, with whatever the call before has left in it. All kinds of state
     * that nobody moves in a loop share it: pages that are not touched cost nothing.
     */
    public MemorySegment buffer() {
        return buffer;
    }

    /** The run page; used between enter and leave. */
    public RunPage runPage() {
        return runPage;
    }

    /** Enters, for a call or more. */
    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    public void enter() {
        if (!STATE.compareAndSet(this, FREE, BUSY)) {
            throw refusal();
        }
        if (closing) {
            state = FREE;
            throw new ClosedException(fd.what());
        }
        Thread thread = Thread.currentThread();
        if (user != thread) {
            // Only then: storing a reference costs a barrier of the garbage collector's.
            user = thread;
        }
    }

    /** Refuses to go on when somebody waits to close it; the caller has entered. */
    void requireOpen() {
        if (closing) {
            throw new ClosedException(fd.what());
        }
    }

    /** Leaves what {@link #enter()} entered. */
    public void leave() {
        // Not a VarHandle's weaker store: that is a call, and this must not need more stack than was needed to enter.
        state = FREE;
    }

    /** Issues an ioctl that takes a pointer; the caller has entered. */
    public long call(Ioctl ioctl, MemorySegment argument) {
        return KvmFd.check(ioctl, entered(ioctl, argument));
    }

    /** Issues an ioctl that takes a pointer; the caller has entered. A failure is returned as the negated errno. */
    public long entered(Ioctl ioctl, MemorySegment argument) {
        runPage.sync().outdate();
        return libc.ioctl(errno, number, ioctl.number(), argument);
    }

    @Override
    public FdKind kind() {
        return FdKind.VCPU;
    }

    /** Enters for this one call. */
    @Override
    public long attempt(Ioctl ioctl, long value) {
        enter();
        try {
            runPage.sync().outdate();
            return libc.ioctl(errno, number, ioctl.number(), value);
        } finally {
            leave();
        }
    }

    /** Enters for this one call. */
    @Override
    public long attempt(Ioctl ioctl, MemorySegment argument) {
        enter();
        try {
            runPage.sync().outdate();
            return libc.ioctl(errno, number, ioctl.number(), argument);
        } finally {
            leave();
        }
    }

    /** Runs the guest until its next exit. */
    @SuppressWarnings("ReferenceEquality") // the same thread, not an equal one
    public Exit run() {
        Thread thread = Thread.currentThread();
        Runner me = runner;
        if (me.thread() != thread) {
            if (closing || state != FREE) {
                throw refusal();
            }
            me = Runner.adopt(libc, kicker.signal());
        }
        if (!STATE.compareAndSet(this, FREE, me.id())) {
            throw refusal();
        }
        try {
            if (closing) {
                throw new ClosedException(fd.what());
            }
            // Only what is new: storing a reference costs a barrier of the garbage collector's.
            if (runner != me) {
                runner = me;
            }
            if (user != thread) {
                user = thread;
            }
            decoder.complete();
            // The thread's id must be seen before the kernel looks at immediate_exit (see Kicker), which Java's memory model
            // knows nothing of. On x86 the compare-and-set is a locked instruction, and as such a full barrier already.
            if (!Architecture.ON_X86) {
                VarHandle.fullFence();
            }
            while (true) {
                long result = libc.ioctl(errno, number, KVM_RUN, 0);
                if (result >= 0) {
                    return decoder.decode();
                }
                Exit exit = failed(result);
                if (exit != null) {
                    return exit;
                }
            }
        } finally {
            // Volatile, that is with a barrier behind it: the gate is read after the id is gone. See Kicker.
            state = FREE;
            kicker.awaitKickInFlight();
        }
    }

    /**
     * What a failure of KVM_RUN means: an exit, an exception, or null for a signal of somebody else's. It is apart so that
     * {@link #run()} stays small enough for the compiler to put it into its caller's loop: behind a system call a return
     * is dear (docs/performance.md).
     */
    private @Nullable Exit failed(long result) {
        if (result == EINTR) {
            if (!kicker.takeKick()) {
                return null;
            }
            if (closing) {
                throw new ClosedException(fd.what());
            }
            return decoder.interrupted();
        }
        Exit exit = decoder.decodeFailure(result);
        if (exit == null) {
            throw Explanations.failure(Ioctl.KVM_RUN, result);
        }
        return exit;
    }

    /**
     * Enters KVM_RUN, but not the guest: the kernel takes the answer to the last exit over and completes the guest's
     * instruction with it. Returns the exit that this brings, or null when nothing is left to complete.
     */
    public @Nullable Exit completePending() {
        enter();
        try {
            decoder.complete();
            runPage.requestOwnImmediateExit();
            long result = libc.ioctl(errno, number, KVM_RUN, 0);
            if (result >= 0) {
                return decoder.decode();
            }
            if (result == EINTR || Errno.EAGAIN.is(result)) {
                runPage.sync().arrived();
                return null;
            }
            return failed(result);
        } finally {
            kicker.withdrawImmediateExit();
            state = FREE;
        }
    }

    /** Makes exactly one run, the one in progress or the next, return {@link Exit.Interrupted}. */
    public void kick() {
        kicker.kick();
    }

    /** Whether {@link #close()} has been called. */
    public boolean isClosed() {
        return closing;
    }

    /** Whether nothing runs any more, and nothing will. */
    public boolean isDone() {
        return state == CLOSED;
    }

    private RuntimeException refusal() {
        if (closing) {
            return new ClosedException(fd.what());
        }
        return new IllegalStateException(fd.what() + " is in use by " + user
                + ": a vCPU belongs to the thread that runs it; kick() it and make the call there, or after its run()");
    }

    /**
     * Ends a run in progress, and frees the mappings and the descriptor. Any thread may call it; a second call returns
     * when the first is through. When it throws out of the kick, nothing is freed, and it may be called again.
     */
    @Override
    public void close() {
        synchronized (closeMonitor) {
            if (state == CLOSED) {
                return;
            }
            boolean kicked = false;
            closing = true;
            Backoff backoff = new Backoff();
            while (!STATE.compareAndSet(this, FREE, CLOSED)) {
                if (state > 0 && !kicked) {
                    // One is enough: the run that it meets is the last.
                    kicker.kick();
                    kicked = true;
                }
                backoff.pause();
            }
            kicker.awaitKickInFlight();
            decoder.retire();
            Cleanup cleanup = new Cleanup();
            if (dirtyRing != null) {
                cleanup.step(dirtyRing::close);
            }
            cleanup.step(page::close);
            cleanup.step(scratch::close);
            cleanup.step(fd::close);
            cleanup.finish();
        }
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
