package io.github.kvm4j.testing;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vm;
import io.github.kvm4j.internal.sys.Architecture;

/** Decides whether the tests with {@link RequiresKvm} run, and counts them. */
public final class KvmTests implements ExecutionCondition, BeforeTestExecutionCallback, TestWatcher {

    private static final boolean REQUIRED = "required".equals(System.getProperty("kvm.tests"));

    /** Why KVM cannot be used, or empty. */
    private static final Optional<String> OBSTACLE = obstacle();

    /** Asks without the library under test, so that a fault of its own is no reason to skip. */
    private static Optional<String> obstacle() {
        try (FileChannel _ = FileChannel.open(Path.of("/dev/kvm"), READ, WRITE)) {
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("/dev/kvm cannot be opened: " + e);
        }
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        // The class is let through, so that its tests are skipped, and counted, one by one.
        if (context.getTestMethod().isEmpty()) {
            return ConditionEvaluationResult.enabled("its tests are asked one by one");
        }
        if (REQUIRED && OBSTACLE.isPresent()) {
            throw new AssertionError("-Dkvm.tests=required, but: " + OBSTACLE.get());
        }
        Optional<String> obstacle = OBSTACLE.or(() -> lacking(context));
        if (obstacle.isEmpty()) {
            return ConditionEvaluationResult.enabled("nothing against it");
        }
        Count.in(context).skipped.add(context.getUniqueId() + ": " + obstacle.get());
        return ConditionEvaluationResult.disabled(obstacle.get());
    }

    /** What the test and its class need and this host does not have, or empty. */
    private static Optional<String> lacking(ExtensionContext context) {
        List<RequiresKvm> needs = Stream.of(context.getRequiredTestClass(), context.getRequiredTestMethod())
                .map(element -> element.getAnnotation(RequiresKvm.class)).filter(Objects::nonNull).toList();
        for (RequiresKvm need : needs) {
            List<Architecture> architectures = List.of(need.arch());
            if (!architectures.isEmpty() && architectures.stream().noneMatch(Architecture::isHost)) {
                return Optional.of("for " + architectures + " hosts");
            }
            if (!need.kernel().isEmpty() && compareVersions(System.getProperty("os.version"), need.kernel()) < 0) {
                return Optional.of("for kernels from " + need.kernel() + " on");
            }
            for (KvmKind kind : need.notOn()) {
                if (kind.isHost()) {
                    return Optional.of("known not to work on " + kind + ": docs/kvm-notes.md");
                }
            }
        }
        List<Capability> wanted = needs.stream().flatMap(need -> Stream.of(need.capability())).toList();
        if (wanted.isEmpty()) {
            return Optional.empty();
        }
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            return wanted.stream().filter(capability -> !vm.has(capability)).findFirst()
                    .map(capability -> "this KVM lacks " + capability.kernelName());
        }
    }

    /** By major and minor number; "6.1.0-50-cloud-amd64" comes before "6.12". */
    private static int compareVersions(String one, String other) {
        return Arrays.compare(Stream.of(one.split("[^0-9]+")).limit(2).mapToInt(Integer::parseInt).toArray(),
                Stream.of(other.split("[^0-9]+")).limit(2).mapToInt(Integer::parseInt).toArray());
    }

    @Override
    public void beforeTestExecution(ExtensionContext context) {
        Count count = Count.in(context);
        count.run.incrementAndGet();
        count.names.add(name(context));
    }

    private static String name(ExtensionContext context) {
        return context.getRequiredTestClass().getName() + "#" + context.getRequiredTestMethod().getName();
    }

    /** An assumption did not hold: the test began, and then skipped itself. */
    @Override
    public void testAborted(ExtensionContext context, Throwable cause) {
        Count count = Count.in(context);
        count.run.decrementAndGet();
        count.names.remove(name(context));
        count.skipped.add(context.getUniqueId() + ": " + cause.getMessage());
    }

    /** Lives as long as the whole test run, and prints at its end. */
    private static final class Count implements AutoCloseable {

        private static final Path REPORT = Path.of("target", "kvm-tests.txt");

        /** The names of those that ran, to be held against those that must (.ci/expected). */
        private static final Path NAMES = Path.of("target", "kvm-tests-run.txt");

        final AtomicInteger run = new AtomicInteger();
        final Set<String> names = new ConcurrentSkipListSet<>();
        final List<String> skipped = new CopyOnWriteArrayList<>();

        static Count in(ExtensionContext context) {
            return context.getRoot().getStore(ExtensionContext.Namespace.create(KvmTests.class))
                    .getOrComputeIfAbsent(Count.class, _ -> new Count(), Count.class);
        }

        @Override
        public void close() {
            StringBuilder report = new StringBuilder(
                    "KVM tests: " + run.get() + " run, " + skipped.size() + " skipped\n");
            skipped.forEach(skip -> report.append("  skipped ").append(skip).append('\n'));
            System.out.print(report);
            try {
                Files.writeString(REPORT, report);
                Files.write(NAMES, names);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
