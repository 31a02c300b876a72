/**
 * What a call costs, measured with JMH, and closer, by turns with C, by {@link io.github.kvm4j.bench.Pairs}.
 * {@code kvm-bench/measure} does all of it and writes {@code docs/performance.md}.
 *
 * <pre>{@code
 * mvn -q package
 * java -jar kvm-bench/target/benchmarks.jar                         # all
 * java -jar kvm-bench/target/benchmarks.jar PortIo -prof gc -r 30   # one, and what it allocates
 * }</pre>
 *
 * {@code -prof gc} adds what JMH itself allocates in an iteration, some kilobytes: hence the longer iterations, for the
 * share of one operation to fall below 0.01 B.
 * <p>
 * A class is a thing to measure; a method of it is one way to do it, and named after that way: {@code kvm4j}, {@code c}
 * for a loop in C, or {@code ffm} for handles called by hand, behind what it does where a class measures two things. All
 * ways run the guests of {@link io.github.kvm4j.bench.GuestCode}, each from a state of its own, so that JMH opens only
 * what is measured.
 */
package io.github.kvm4j.bench;
