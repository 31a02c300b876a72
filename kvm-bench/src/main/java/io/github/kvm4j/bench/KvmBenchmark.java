package io.github.kvm4j.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/** How all benchmarks are run, unless the command line says otherwise. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// The second option silences a warning about JMH itself.
@Fork(value = 3, jvmArgs = {KvmBenchmark.NATIVE_ACCESS, KvmBenchmark.UNSAFE})
abstract class KvmBenchmark {

    static final String NATIVE_ACCESS = "--enable-native-access=ALL-UNNAMED";
    static final String UNSAFE = "--sun-misc-unsafe-memory-access=allow";

    /** What a JVM is given that is not given other options. */
    static final List<String> JVM_ARGUMENTS = List.of(NATIVE_ACCESS, UNSAFE);

    /** How many operations a call into C does: enough for the cost of that call to vanish. */
    static final int BATCH = 1000;
}
