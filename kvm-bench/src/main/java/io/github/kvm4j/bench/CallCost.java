package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What kvm4j's calls are made of, apart from the kernel: the way into a C function that does nothing and back, with and
 * without the errno kept, and the memory barriers of the protocols.
 */
public class CallCost extends KvmBenchmark {

    private static final FunctionDescriptor TYPE = FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);

    /** What is called, and changed. */
    @State(Scope.Thread)
    public static class Target {

        // Safe: it is the type that the C function has.
        @SuppressWarnings("restricted")
        private static final MethodHandle PLAIN = Linker.nativeLinker().downcallHandle(Baselines.nothing(), TYPE);
        @SuppressWarnings("restricted")
        private static final MethodHandle WITH_ERRNO = Linker.nativeLinker().downcallHandle(Baselines.nothing(), TYPE,
                Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(2));
        private static final VarHandle WORD;

        static {
            try {
                WORD = MethodHandles.lookup().findVarHandle(Target.class, "word", int.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private final MemorySegment errno = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());

        @SuppressWarnings("unused")
        private volatile int word;

        /** For JMH. */
        public Target() {
        }
    }

    /**
     * A call of nothing.
     *
     * @param target
     *            the target
     * @return 0
     * @throws Throwable
     *             never
     */
    @Benchmark
    public int downcall(Target target) throws Throwable {
        return (int) Target.PLAIN.invokeExact(0, 0L, 0L);
    }

    /**
     * The same as kvm4j makes it of ioctl.
     *
     * @param target
     *            the target
     * @return 0
     * @throws Throwable
     *             never
     */
    @Benchmark
    public int downcallWithErrno(Target target) throws Throwable {
        return (int) Target.WITH_ERRNO.invokeExact(target.errno, 0, 0L, 0L);
    }

    /**
     * The way into a vCPU and out of it.
     *
     * @param target
     *            the target
     * @return true
     */
    @Benchmark
    public boolean compareAndSetAndVolatileStore(Target target) {
        boolean entered = Target.WORD.compareAndSet(target, 0, 1);
        target.word = 0;
        return entered;
    }

    /**
     * The same with a store that is not ordered before what follows.
     *
     * @param target
     *            the target
     * @return true
     */
    @Benchmark
    public boolean compareAndSetAndReleaseStore(Target target) {
        boolean entered = Target.WORD.compareAndSet(target, 0, 1);
        Target.WORD.setRelease(target, 0);
        return entered;
    }

    /** A barrier. */
    @Benchmark
    public void fullFence() {
        VarHandle.fullFence();
    }
}
