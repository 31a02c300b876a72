package io.github.kvm4j.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Makes a page of results out of what JMH and {@link Pairs} have written, {@code performance.md} and its chart or, where the
 * first file is of guest memory, {@code memory-performance.md}:
 *
 * <pre>{@code
 * java -cp kvm-bench/target/benchmarks.jar io.github.kvm4j.bench.Report docs pairs.json pairs-flag.json jmh.json
 * }</pre>
 *
 * The first file of pairs is one without flags. The texts are this package's files of the same names; what stands in them
 * in double braces is measured.
 */
public final class Report {

    private static final Pattern PLACE = Pattern.compile("\\{\\{([^}]+)}}");

    /** The ways of JMH's benchmarks, at the end of their names. */
    private static final List<String> WAYS = List.of("kvm4j", "ffm", "c", "jni", "jna", "segment");

    private final Results results;

    Report(Results results) {
        this.results = results;
    }

    /**
     * Writes the page.
     *
     * @param arguments
     *            the folder, and the files of results
     * @throws IOException
     *             when a file cannot be read or written
     */
    public static void main(String... arguments) throws IOException {
        Results results = new Results();
        for (String file : List.of(arguments).subList(1, arguments.length)) {
            results.add(Json.parse(Files.readString(Path.of(file))));
        }
        Locale.setDefault(Locale.ROOT);
        Path folder = Path.of(arguments[0]);
        Set<String> first = results.runs().getFirst().pairs().keySet();
        boolean memory = Pair.heldAgainst(Baseline.SEGMENT).stream().anyMatch(pair -> first.contains(pair.title()));
        String page = memory ? "memory-performance.md" : "performance.md";
        Files.writeString(folder.resolve(page), new Report(results).page(page));
        if (!memory) {
            Files.writeString(folder.resolve("performance.svg"), new Chart(results.runs()).svg());
        }
    }

    private String page(String name) throws IOException {
        try (InputStream template = Report.class.getResourceAsStream(name)) {
            return fill(new String(template.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    /** Puts what was measured into a text's places. */
    String fill(String text) {
        return PLACE.matcher(text).replaceAll(place -> Matcher.quoteReplacement(measured(place.group(1))));
    }

    private String measured(String place) {
        return switch (place) {
            case "machine" -> machine();
            case "goals" -> new Goals(results).table();
            case "pairs" -> pairs(Baseline.C);
            case "memory" -> pairs(Baseline.SEGMENT);
            case "benchmarks" -> benchmarks();
            case "noise" -> noise(Baseline.C);
            case "memory noise" -> noise(Baseline.SEGMENT);
            default -> figure(place);
        };
    }

    private String machine() {
        List<String> rows = new ArrayList<>(List.of("| | |", "|---|---|"));
        Map<String, Object> machine = results.runs().getFirst().machine();
        machine.forEach((what, value) -> rows.add("| " + what + " | " + value + " |"));
        for (Results.Run run : results.runs()) {
            // What was measured elsewhere says where.
            String other = run.machine().entrySet().stream()
                    .filter(entry -> !entry.getValue().equals(machine.get(entry.getKey())))
                    .map(entry -> entry.getKey() + ": " + entry.getValue() + "; ").collect(Collectors.joining());
            rows.add("| " + names(run) + ", flags: " + flags(run) + " | " + other + run.forks() + " JVMs for each, "
                    + run.rounds() + " rounds a JVM; load average before "
                    + run.load().getFirst() + ", after " + run.load().getLast() + " |");
        }
        return String.join("\n", rows);
    }

    private static String names(Results.Run run) {
        return run.pairs().keySet().stream().map(title -> title.split("[. ]")[0]).distinct()
                .collect(Collectors.joining("`, `", "`", "`"));
    }

    /** All that are held against this. */
    private String pairs(Baseline baseline) {
        List<String> rows = new ArrayList<>();
        rows.add(String.format("| | %1$s, ns | way | flags | × %1$s | ns over %1$s |", baseline.title()));
        rows.add("|---|--:|---|---|--:|--:|");
        for (Pair pair : Pair.heldAgainst(baseline)) {
            String title = "`" + pair.title() + "`";
            for (String way : Pair.WAYS) {
                for (Results.Run run : results.runs()) {
                    if (run.side(pair.title(), way).isEmpty()) {
                        continue;
                    }
                    Results.Side side = run.side(pair.title(), way).orElseThrow();
                    double its = run.side(pair.title(), baseline.side()).orElseThrow().nanoseconds().median();
                    // What takes a nanosecond needs decimals.
                    String format = its < 100 ? "%.2f" : "%.0f";
                    rows.add(String.format("| %s | " + format + " | %s | %s | %s | %s |", title, its, way, flags(run),
                            interval(side.ratio(), "%.4f"), interval(side.difference(), format)));
                    title = "";
                }
            }
        }
        return rows.size() > 2 ? String.join("\n", rows) : "Not measured: there was no KVM.";
    }

    /** What comes out where a baseline is compared with itself. */
    private String noise(Baseline baseline) {
        List<String> rows = new ArrayList<>();
        rows.add(String.format("| | flags | × %1$s | ns over %1$s |", baseline.title()));
        rows.add("|---|---|--:|--:|");
        for (Pair pair : Pair.heldAgainst(baseline)) {
            for (Results.Run run : results.runs()) {
                run.side(pair.title(), baseline.control())
                        .ifPresent(control -> rows.add(String.format("| `%s` | %s | %s | %s |",
                                pair.title(), flags(run), interval(control.ratio(), "%.4f"),
                                interval(control.difference(), "%.1f"))));
            }
        }
        return String.join("\n", rows);
    }

    /** A row for each thing, a column for each way to do it. */
    private String benchmarks() {
        List<String> rows = new ArrayList<>();
        rows.add("| | " + String.join(" | ", WAYS) + " | kvm4j, B/op |");
        rows.add("|---" + "|--:".repeat(WAYS.size() + 1) + "|");
        for (String thing : new TreeSet<>(results.benchmarks().keySet().stream()
                .filter(name -> way(name).isPresent()).map(Report::thing).toList())) {
            rows.add(WAYS.stream().map(way -> find(thing, way).map(Report::time).orElse("")).collect(Collectors.joining(
                    " | ", "| `" + thing + "` | ", " | " + find(thing, "kvm4j").map(Report::bytes).orElse("") + " |")));
        }
        return String.join("\n", rows);
    }

    private Optional<Results.Benchmark> find(String thing, String way) {
        return results.benchmarks().entrySet().stream()
                .filter(entry -> way(entry.getKey()).equals(Optional.of(way)) && thing(entry.getKey()).equals(thing))
                .map(Map.Entry::getValue).findFirst();
    }

    /**
     * Registers.getKvm4j is Registers.get by way of kvm4j, PortIoExit.c is PortIoExit by way of C; what stands behind a name
     * are parameters.
     */
    private static Optional<String> way(String benchmark) {
        String name = benchmark.split(" ", 2)[0];
        return WAYS.stream().filter(way -> name.endsWith("." + way)
                || name.endsWith(way.substring(0, 1).toUpperCase(Locale.ROOT) + way.substring(1))).findFirst();
    }

    private static String thing(String benchmark) {
        String name = benchmark.split(" ", 2)[0];
        String thing = name.substring(0, name.length() - way(name).orElseThrow().length());
        return (thing.endsWith(".") ? thing.substring(0, thing.length() - 1) : thing)
                + benchmark.substring(name.length());
    }

    private static String time(Results.Benchmark benchmark) {
        return interval(benchmark.score(), benchmark.score().median() < 1000 ? "%.1f" : "%.0f") + " "
                + unit(benchmark);
    }

    private static String bytes(Results.Benchmark benchmark) {
        return Double.isNaN(benchmark.bytes()) ? "" : String.format("%.4f", benchmark.bytes());
    }

    private static String unit(Results.Benchmark benchmark) {
        return benchmark.unit().substring(0, benchmark.unit().indexOf('/'));
    }

    /**
     * One figure in the text: a JMH benchmark's name for its time, {@code PAIR: WAY} for a pair's nanoseconds over its baseline,
     * {@code flag} before either for the second set of flags, and {@code A - B} for what lies between two.
     */
    private String figure(String place) {
        String[] parts = place.split(" - ", 2);
        double value = value(parts[0]) - (parts.length == 2 ? value(parts[1]) : 0);
        return Double.isNaN(value) ? "(" + place + ": not measured)" : String.format("%.0f ns", value);
    }

    private double value(String place) {
        boolean flag = place.startsWith("flag ");
        String name = flag ? place.substring("flag ".length()) : place;
        int colon = name.indexOf(": ");
        if (colon < 0) {
            Results.Benchmark benchmark = (flag ? results.flagged() : results.benchmarks()).get(name);
            return benchmark == null ? Double.NaN : benchmark.score().median();
        }
        return results.runs().stream().skip(flag ? 1 : 0).findFirst()
                .flatMap(run -> run.side(name.substring(0, colon), name.substring(colon + 2)))
                .map(side -> side.difference().median()).orElse(Double.NaN);
    }

    private static String flags(Results.Run run) {
        return run.flags().isEmpty() ? "none" : "`" + run.flags() + "`";
    }

    private static String interval(Sample sample, String format) {
        return String.format(format + " (" + format + " … " + format + ")", sample.median(), sample.low(),
                sample.high());
    }
}
