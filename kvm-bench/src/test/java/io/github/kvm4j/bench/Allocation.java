package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.fail;

import java.lang.management.ManagementFactory;
import java.util.function.Consumer;

import com.sun.management.ThreadMXBean;

/** That a call allocates nothing. */
final class Allocation {

    private static final int ROUNDS = 200;
    private static final int CALLS = 1000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {
    }

    /** As soon as it is compiled: the interpreter allocates where the compilers find that nobody would see it. */
    static <G extends Opened> void assertNone(G guest, Consumer<G> call) {
        guest.setUp();
        try {
            long allocated = 0;
            for (int round = 0; round < ROUNDS; round++) {
                long before = THREADS.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < CALLS; i++) {
                    call.accept(guest);
                }
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                if (allocated == 0) {
                    return;
                }
            }
            fail(CALLS + " calls allocate " + allocated + " bytes, after " + ROUNDS * CALLS + " calls to warm up");
        } finally {
            guest.close();
        }
    }
}
