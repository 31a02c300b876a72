package io.github.kvm4j.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a main class of the tests in a JVM of its own, on the module path as the tests themselves, and waits for its end. */
public record ChildJvm(int status, String output) {

    private static final long LIMIT_SECONDS = 180;
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

    /** The module path that this JVM runs on. */
    public static List<Path> modulePath() {
        return List.of(System.getProperty("jdk.module.path").split(File.pathSeparator)).stream().map(Path::of).toList();
    }

    /** Where the tests' classes are. */
    public static Path testClasses() {
        return Path.of("target", "test-classes").toAbsolutePath();
    }

    /** Runs it with native access granted. */
    public static ChildJvm run(Class<?> main, String... options) {
        List<String> all = new ArrayList<>(
                List.of("--enable-native-access=io.github.kvm4j", "--illegal-native-access=deny"));
        all.addAll(List.of(options));
        return command(List.of(), modulePath(), testClasses(), main, all);
    }

    /** Runs it behind other words of a command line, with these paths and these options and no others. */
    public static ChildJvm command(List<String> prefix, List<Path> modulePath, Path testClasses, Class<?> main,
            List<String> options) {
        List<String> command = new ArrayList<>(prefix);
        command.add(JAVA.toString());
        command.addAll(options);
        command.add("--module-path");
        command.add(String.join(File.pathSeparator, modulePath.stream().map(Path::toString).toList()));
        command.add("--patch-module");
        command.add("io.github.kvm4j=" + testClasses);
        command.add("--module");
        command.add("io.github.kvm4j/" + main.getName());
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
}
