package io.github.kvm4j.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import io.github.kvm4j.Kvm;

/**
 * Runs a main class of the tests in a JVM of its own, and waits for its end. Its classes come from where the tests' own
 * do: the module path, with the tests patched into the module, or the class path.
 */
public record ChildJvm(int status, String output) {

    /** At a real machine's speed; see {@link Rounds}. */
    private static final long LIMIT_SECONDS = Rounds.seconds(180);
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    private static final Module MODULE = Kvm.class.getModule();

    /** What native access is granted to. */
    public static final String GRANTEE = MODULE.isNamed() ? MODULE.getName() : "ALL-UNNAMED";

    /** The option that grants native access. */
    public static final String NATIVE_ACCESS = "--enable-native-access=" + GRANTEE;

    /** Options for every child, in {@code -Dkvm.tests.java}: on a slow machine they make it start faster. */
    private static final List<String> OPTIONS = Stream.of(System.getProperty("kvm.tests.java", "").split(" "))
            .filter(option -> !option.isEmpty()).toList();

    /** Where this JVM has its classes from: the module path with the tests' own last, or the class path. */
    public static List<Path> paths() {
        Stream<Path> paths = Stream.of(System.getProperty(MODULE.isNamed() ? "jdk.module.path" : "java.class.path")
                .split(File.pathSeparator)).map(Path::of).map(Path::toAbsolutePath);
        Stream<Path> tests = MODULE.isNamed()
                ? Stream.of(Path.of("target", "test-classes").toAbsolutePath())
                : Stream.of();
        return Stream.concat(paths, tests).toList();
    }

    /** Runs it with native access granted. */
    public static ChildJvm run(Class<?> main, String... options) {
        List<String> all = new ArrayList<>(List.of(NATIVE_ACCESS, "--illegal-native-access=deny"));
        all.addAll(List.of(options));
        return command(List.of(), paths(), main, all);
    }

    /** Runs it behind other words of a command line, with paths as {@link #paths} gives them, and these options. */
    public static ChildJvm command(List<String> prefix, List<Path> paths, Class<?> main, List<String> options) {
        List<String> command = new ArrayList<>(prefix);
        command.add(JAVA.toString());
        command.addAll(OPTIONS);
        command.add("-Dkvm.tests.divisor=" + Rounds.DIVISOR);
        command.addAll(options);
        if (MODULE.isNamed()) {
            command.addAll(List.of("--module-path", joined(paths.subList(0, paths.size() - 1))));
            command.addAll(List.of("--patch-module", MODULE.getName() + "=" + paths.getLast()));
            command.addAll(List.of("--module", MODULE.getName() + "/" + main.getName()));
        } else {
            command.addAll(List.of("--class-path", joined(paths), main.getName()));
        }
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                        process.destroyForcibly();
                    }
                } catch (InterruptedException e) {
                    process.destroyForcibly();
                }
            });
            String output = new String(process.getInputStream().readAllBytes());
            return new ChildJvm(process.waitFor(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String joined(List<Path> paths) {
        return String.join(File.pathSeparator, paths.stream().map(Path::toString).toList());
    }
}
