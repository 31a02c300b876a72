package io.github.kvm4j.internal.sys;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns when an object with a descriptor has become unreachable without having been closed. It closes nothing: when the
 * object would be closed is then up to the garbage collector, and such programs work until they do not.
 */
public final class LeakWatch {

    /** Set to true, every such object remembers where it was created. */
    public static final String STACKS = "io.github.kvm4j.leakStacks";

    private static final Cleaner CLEANER = Cleaner.create();

    private final Report report;
    private final Cleaner.Cleanable cleanable;

    private LeakWatch(Report report, Cleaner.Cleanable cleanable) {
        this.report = report;
        this.cleanable = cleanable;
    }

    /** Watches an object; {@code what} names it and must not refer to it. */
    public static LeakWatch of(Object object, String what) {
        Throwable created = Boolean.getBoolean(STACKS) ? new Throwable(what + " was created here") : null;
        Report report = new Report(what, created);
        return new LeakWatch(report, CLEANER.register(object, report));
    }

    /** The object is closed: nothing to warn about. */
    public void closed() {
        report.closed.set(true);
        cleanable.clean();
    }

    private static final class Report implements Runnable {
        private final String what;
        private final @Nullable Throwable created;
        private final AtomicBoolean closed = new AtomicBoolean();

        Report(String what, @Nullable Throwable created) {
            this.what = what;
            this.created = created;
        }

        @Override
        public void run() {
            if (closed.get()) {
                return;
            }
            // Only now: without a logging provider SLF4J complains on stderr when it is first used.
            Logger log = LoggerFactory.getLogger("io.github.kvm4j.leak");
            String message = what
                    + " was forgotten without close(): its descriptors and memory stay until the process ends";
            if (created == null) {
                log.warn("{}; -D{}=true tells where it was created", message, STACKS);
            } else {
                log.warn(message, created);
            }
        }
    }
}
