package io.github.kvm4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What came of an example that ran in a JVM of its own, started as its users start it: on the module path, or on the
 * class path where the tests are.
 */
record ExampleRun(int status, String out, String err, Duration time) {

    private static final long LIMIT_SECONDS = 90L * Integer.getInteger("kvm.tests.divisor", 1);
    static final boolean MODULAR = Hello.class.getModule().isNamed();

    /** Runs an example with options such as "-Dseconds=1"; the folder takes what it prints. */
    static ExampleRun of(Path folder, Class<?> example, String... options) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of(options));
        arguments.addAll(MODULAR
                ? List.of("--module", example.getModule().getName() + "/" + example.getName())
                : List.of(example.getName()));
        return of(folder, arguments);
    }

    /** Runs java with the tests' module path or class path and native access, and with these arguments. */
    static ExampleRun of(Path folder, List<String> arguments) throws IOException, InterruptedException {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Stream.of(System.getProperty("kvm.tests.java", "").split(" "))
                .filter(option -> !option.isEmpty()).toList());
        command.addAll(MODULAR
                ? List.of("--enable-native-access=io.github.kvm4j", "--module-path",
                        System.getProperty("jdk.module.path"))
                : List.of("--enable-native-access=ALL-UNNAMED", "--class-path", System.getProperty("java.class.path")));
        command.add("--illegal-native-access=deny");
        command.addAll(arguments);
        long start = System.nanoTime();
        Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new AssertionError(
                    arguments + " did not end within " + LIMIT_SECONDS + " s; it printed:\n"
                            + Files.readString(out) + Files.readString(err));
        }
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        return new ExampleRun(process.exitValue(), Files.readString(out), Files.readString(err), time);
    }
}
