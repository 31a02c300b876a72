package io.github.kvm4j.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** More pages in the host's pool of huge pages, of its ordinary size, while a test runs; that takes root. */
public final class HugePages implements AutoCloseable {

    private static final Path COUNT = Path.of("/proc/sys/vm/nr_hugepages");

    private final long before;

    private HugePages(long before) {
        this.before = before;
    }

    /** Gets so many; where the host gives none, the test is skipped. */
    public static HugePages reserve(int count) {
        requirePool();
        assumeTrue(Files.isWritable(COUNT), "huge pages are reserved by root alone");
        HugePages more = new HugePages(number(COUNT));
        try {
            Files.writeString(COUNT, Long.toString(more.before + count));
            long there = number(COUNT);
            assumeTrue(there >= more.before + count,
                    "the host has memory for " + (there - more.before) + " huge pages, not for " + count);
            return more;
        } catch (IOException e) {
            more.close();
            return assumeNever("no huge pages can be reserved: " + e);
        } catch (Throwable t) {
            more.close();
            throw t;
        }
    }

    private static HugePages assumeNever(String reason) {
        assumeTrue(false, reason);
        throw new AssertionError();
    }

    /** Skips the test where the kernel has no pool, or one that grows by itself. */
    public static void requirePool() {
        assumeTrue(Files.exists(COUNT), "this kernel has no huge pages");
        assumeTrue(number(Path.of("/proc/sys/vm/nr_overcommit_hugepages")) == 0,
                "the pool of huge pages grows by itself");
    }

    /** The size of one, in bytes. */
    public static long size() {
        return line("Hugepagesize:") << 10;
    }

    /** How many nobody has, or has been promised. */
    public static long free() {
        return line("HugePages_Free:") - line("HugePages_Rsvd:");
    }

    private static long line(String start) {
        try (var lines = Files.lines(Path.of("/proc/meminfo"))) {
            return lines.filter(line -> line.startsWith(start))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst().orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long number(Path file) {
        try {
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As many as before. */
    @Override
    public void close() {
        try {
            Files.writeString(COUNT, Long.toString(before));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
