package io.github.kvm4j.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What kvm4j costs beside C, measured closer than JMH does it, which runs one benchmark after the other: by turns, on one
 * vCPU, in one thread ({@link Contest}), in one JVM after the other.
 *
 * <pre>{@code
 * java -cp kvm-bench/target/benchmarks.jar io.github.kvm4j.bench.Pairs -o pairs.json
 * }</pre>
 *
 * {@code -f} says how many JVMs a pair gets, {@code -r} how many rounds a JVM does, {@code -jvmArg} one option of those
 * JVMs (again for another), {@code -o} where the JSON goes; what follows are the pairs, or benchmarks for all of their pairs, by default all.
 */
public final class Pairs {

    private static final String FORK = "--fork";

    private int forks = 10;
    private int rounds = 600;
    private Path output = Path.of("pairs.json");
    private final List<String> jvmArguments = new ArrayList<>();
    private final List<Pair> pairs = new ArrayList<>();

    private Pairs() {
    }

    /**
     * Runs.
     *
     * @param arguments
     *            see above
     * @throws Exception
     *             when a JVM fails, or the file cannot be written
     */
    public static void main(String... arguments) throws Exception {
        Locale.setDefault(Locale.ROOT);
        if (arguments.length > 0 && arguments[0].equals(FORK)) {
            System.out.println(contest(Pair.of(arguments[1]), Integer.parseInt(arguments[2]), Contest.WARM_UP));
            return;
        }
        Pairs pairs = new Pairs();
        pairs.parse(arguments);
        pairs.run();
    }

    static String contest(Pair pair, int rounds, long warmUp) {
        try (Guests guests = new Guests()) {
            return new Contest(pair.open(guests), pair.baseline(), rounds, warmUp).run();
        }
    }

    private void parse(String... arguments) {
        var rest = Arrays.asList(arguments).iterator();
        while (rest.hasNext()) {
            String argument = rest.next();
            switch (argument) {
                case "-f" -> forks = Integer.parseInt(rest.next());
                case "-r" -> rounds = Integer.parseInt(rest.next());
                case "-o" -> output = Path.of(rest.next());
                case "-jvmArg" -> jvmArguments.add(rest.next());
                default -> pairs.addAll(Pair.named(argument));
            }
        }
        if (pairs.isEmpty()) {
            pairs.addAll(List.of(Pair.values()));
        }
    }

    /** All pairs, and then all again: a machine that gets slower does so for every pair. */
    private void run() throws IOException, InterruptedException {
        String load = Machine.load();
        List<String> results = new ArrayList<>();
        for (int fork = 1; fork <= forks; fork++) {
            for (Pair pair : pairs) {
                String result = fork(pair);
                System.out.println(fork + "/" + forks + " " + pair.title() + ": " + result);
                results.add("  {\"pair\": \"" + pair.title() + "\", \"result\": " + result + "}");
            }
        }
        String flags = jvmArguments.stream().map(Json::quote).collect(Collectors.joining(", "));
        Files.writeString(output, "{\"machine\": " + Machine.json() + ",\n\"load\": [" + Json.quote(load) + ", "
                + Json.quote(Machine.load()) + "],\n\"flags\": [" + flags + "],\n\"forks\": [\n"
                + String.join(",\n", results) + "\n]}\n");
        System.out.println("written to " + output);
    }

    private String fork(Pair pair) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "--enable-native-access=ALL-UNNAMED"));
        command.addAll(jvmArguments);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Pairs.class.getName(), FORK, pair.title(),
                Integer.toString(rounds)));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String output = new String(process.getInputStream().readAllBytes()).strip();
        if (process.waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", command) + " failed: " + output);
        }
        return output;
    }
}
