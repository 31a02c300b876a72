package io.github.kvm4j.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What JMH and {@link Pairs} have written, any number of files of either. */
@SuppressWarnings("unchecked") // JSON
final class Results {

    /** How a side of a pair compares with the baseline: of the JVMs' medians the median. */
    record Side(Sample nanoseconds, Sample ratio, Sample difference) {
    }

    /** One file of {@link Pairs}, that is one set of flags. */
    record Run(Map<String, Object> machine, List<Object> load, String flags, int forks, int rounds,
            Map<String, Map<String, Side>> pairs) {

        Optional<Side> side(String pair, String side) {
            return Optional.ofNullable(pairs.getOrDefault(pair, Map.of()).get(side));
        }
    }

    /** One benchmark of JMH, over all iterations of all forks; the bytes are NaN when nobody asked for them. */
    record Benchmark(Sample score, String unit, double bytes) {
    }

    private final List<Run> runs = new ArrayList<>();
    private final Map<String, Benchmark> benchmarks = new TreeMap<>();
    private final Map<String, Benchmark> flagged = new TreeMap<>();

    /** Adds a file's content. */
    void add(Object json) {
        if (json instanceof List<?> list) {
            list.forEach(benchmark -> addBenchmark((Map<String, Object>) benchmark));
        } else {
            runs.add(run((Map<String, Object>) json));
        }
    }

    /** In the order of the files; the first is the one without flags. */
    List<Run> runs() {
        return Collections.unmodifiableList(runs);
    }

    /** JMH's, by name, with the values of parameters behind it. */
    Map<String, Benchmark> benchmarks() {
        return Collections.unmodifiableMap(benchmarks);
    }

    /** Those that JMH was given options of the JVM for, by name. */
    Map<String, Benchmark> flagged() {
        return Collections.unmodifiableMap(flagged);
    }

    private void addBenchmark(Map<String, Object> json) {
        String name = (String) json.get("benchmark");
        name = name.substring(Results.class.getPackageName().length() + 1);
        for (String value : ((Map<String, String>) json.getOrDefault("params", Map.of())).values()) {
            name += " " + value;
        }
        Map<String, Object> metric = (Map<String, Object>) json.get("primaryMetric");
        Map<String, Object> others = (Map<String, Object>) json.get("secondaryMetrics");
        Map<String, Object> allocated = (Map<String, Object>) others.get("gc.alloc.rate.norm");
        // Not its score, which is the mean: JMH counts what it takes to close the guest in the last iteration.
        double bytes = allocated == null ? Double.NaN : iterations(allocated).median();
        boolean plain = KvmBenchmark.JVM_ARGUMENTS.containsAll((List<String>) json.get("jvmArgs"));
        (plain ? benchmarks : flagged).put(name,
                new Benchmark(iterations(metric), (String) metric.get("scoreUnit"), bytes));
    }

    private static Sample iterations(Map<String, Object> metric) {
        List<Double> values = new ArrayList<>();
        ((List<List<Double>>) metric.get("rawData")).forEach(values::addAll);
        return Sample.of(values);
    }

    private static Run run(Map<String, Object> json) {
        Map<String, Map<String, List<Map<String, Double>>>> all = new LinkedHashMap<>();
        double rounds = 0;
        for (Object fork : (List<Object>) json.get("forks")) {
            Map<String, Object> result = (Map<String, Object>) ((Map<String, Object>) fork).get("result");
            var sides = all.computeIfAbsent((String) ((Map<String, Object>) fork).get("pair"),
                    _ -> new LinkedHashMap<>());
            rounds = Math.max(rounds, (double) result.get("rounds"));
            ((Map<String, Map<String, Double>>) result.get("sides"))
                    .forEach((side, values) -> sides.computeIfAbsent(side, _ -> new ArrayList<>()).add(values));
        }
        Map<String, Map<String, Side>> pairs = new LinkedHashMap<>();
        int forks = 0;
        for (var pair : all.entrySet()) {
            Map<String, Side> sides = new LinkedHashMap<>();
            pair.getValue().forEach((side, values) -> sides.put(side,
                    new Side(of(values, "ns"), of(values, "ratio"), of(values, "difference"))));
            pairs.put(pair.getKey(), sides);
            forks = pair.getValue().values().iterator().next().size();
        }
        String flags = String.join(" ", (List<String>) json.get("flags"));
        return new Run((Map<String, Object>) json.get("machine"), (List<Object>) json.get("load"), flags, forks,
                (int) rounds, pairs);
    }

    private static Sample of(List<Map<String, Double>> forks, String value) {
        return Sample.of(forks.stream().map(fork -> fork.get(value)).toList());
    }
}
