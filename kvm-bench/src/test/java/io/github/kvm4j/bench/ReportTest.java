package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The page of results, from files that were recorded on a busy machine in little time. */
class ReportTest {

    private static final List<String> FILES = List.of("pairs.json", "pairs-flag.json", "jmh.json", "memory.json");
    private static final Set<String> TABLES = Set.of("goals", "machine", "pairs", "noise", "memory", "memory noise",
            "benchmarks");

    private final Results results = new Results();
    private final Report report = new Report(results);

    private static String resource(String name) throws IOException {
        try (InputStream stream = ReportTest.class.getResourceAsStream(name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @BeforeEach
    void read() throws IOException {
        for (String file : FILES) {
            results.add(Json.parse(resource(file)));
        }
    }

    @Test
    void pairsAreMediansOverTheJvmsWithTheirIntervals() {
        List<String> rows = report.fill("{{pairs}}").lines().toList();
        assertTrue(rows.contains(
                "| `BareCall` | 305 | kvm4j | none | 1.1468 (1.0414 … 1.3623) | 45 (13 … 108) |"), rows::toString);
        assertTrue(rows.stream().anyMatch(row -> row.contains("c, run page | none | 0.5890 (0.2496 … 0.6346)")),
                rows::toString);
        assertTrue(rows.stream().anyMatch(row -> row.contains("`-XX:+UnlockDiagnosticVMOptions"
                + " -XX:+UseSystemMemoryBarrier` | 1.2466 (1.1768 … 1.9389) | 99 (66 … 887) |")), rows::toString);
    }

    @Test
    void pairsOfMemoryAreHeldAgainstASegment() {
        List<String> rows = report.fill("{{memory}}").lines().toList();
        assertEquals("| | segment, ns | way | flags | × segment | ns over segment |", rows.getFirst());
        assertEquals(List.of(
                "| `MemoryCopy.in 64 MiB` | 2800000 | kvm4j | none | 1.0003 (0.9821 … 1.0348) | 1000 (-50000 … 92916) |",
                "| `MemoryAccess.get 2 regions` | 1.79 | kvm4j | none | 1.7612 (1.6840 … 2.1201) | 1.28 (1.23 … 2.52) |"),
                rows.subList(2, rows.size()));
        assertFalse(report.fill("{{pairs}}").contains("MemoryAccess"), report.fill("{{pairs}}"));
        String noise = report.fill("{{memory noise}}");
        assertTrue(noise.contains("| `MemoryAccess.get 2 regions` | none | 1.0010 (0.9990 … 1.0124) |"), noise);
        assertFalse(report.fill("{{noise}}").contains("MemoryAccess"), report.fill("{{noise}}"));
    }

    @Test
    void noiseIsCAgainstItself() {
        assertTrue(report.fill("{{noise}}").contains("| `PortIoExit` | none | 1.0154 (1.0085 … 1.0672) |"),
                report.fill("{{noise}}"));
    }

    @Test
    void benchmarksHaveARowForAThingAndAColumnForAWay() {
        List<String> rows = report.fill("{{benchmarks}}").lines().toList();
        assertEquals("| | kvm4j | ffm | c | jni | jna | segment | kvm4j, B/op |", rows.get(0));
        assertEquals("| `BareCall` | 1030 (883 … 2386) ns |  | 1312 (567 … 1595) ns |  |  |  | 0.0082 |", rows.get(2));
        assertEquals("| `MemoryAccess.get 2 regions` | 3.2 (3.1 … 4.5) ns |  |  |  |  | 1.7 (1.6 … 2.0) ns | 0.0000 |",
                rows.get(4));
        assertEquals(List.of("| `KickRoundTrip` |", "| `MemoryAccess.get 2 regions` |", "| `Registers.get` |"),
                rows.subList(3, rows.size()).stream().map(row -> row.substring(0, row.indexOf('|', 2) + 1)).toList());
    }

    @Test
    void figuresStandInTheText() {
        assertEquals("12 ns", report.fill("{{CallCost.downcall}}"));
        assertEquals("9 ns", report.fill("{{flag CallCost.downcall}}"));
        assertEquals("45 ns", report.fill("{{BareCall: kvm4j}}"));
        assertEquals("99 ns", report.fill("{{flag BareCall: kvm4j}}"));
        assertEquals("3 ns", report.fill("{{CallCost.downcall - flag CallCost.downcall}}"));
        assertEquals("(CallCost.fullFence: not measured)", report.fill("{{CallCost.fullFence}}"));
    }

    @Test
    void goalsAreKeptOrMissed() {
        List<String> rows = report.fill("{{goals}}").lines().toList();
        assertTrue(rows.contains("| `BareCall` | at most 80 ns over C | 45 (13 to 108) ns | kept by the median |"),
                rows::toString);
        assertTrue(rows.contains("| `PortIoExit` | at most 1.02 × C | 1.0842 (1.0260 to 3.0671) | **missed** |"),
                rows::toString);
        assertTrue(rows.contains(
                "| `MemoryAccess.get 2 regions` | at most 2.00 × segment | 1.7612 (1.6840 to 2.1201) | kept by the median |"),
                rows::toString);
        assertTrue(
                rows.contains("| `MemoryCopy.in 64 MiB` | at most 1.05 × segment | 1.0003 (0.9821 to 1.0348) | kept |"),
                rows::toString);
        assertTrue(rows.contains("| `MemoryAccess.getKvm4j 2 regions` | 0 B/op (below 0.01) | 0.0000 B/op | kept |"),
                rows::toString);
        assertTrue(rows.contains("| `Registers.getKvm4j` | 0 B/op (below 0.01) | 1.5841 B/op | **missed** |"),
                rows::toString);
    }

    private static void report(Path folder, String... files) throws IOException {
        String[] arguments = new String[files.length + 1];
        arguments[0] = folder.toString();
        for (int i = 0; i < files.length; i++) {
            arguments[i + 1] = Files.writeString(folder.resolve(files[i]), resource(files[i])).toString();
        }
        Report.main(arguments);
    }

    @Test
    void thePageNamesTheMachineAndLeavesNoPlaceEmpty(@TempDir Path folder) throws Exception {
        report(folder, "pairs.json", "pairs-flag.json", "jmh.json");

        assertFalse(Files.exists(folder.resolve("memory-performance.md")));
        String page = Files.readString(folder.resolve("performance.md"));
        assertTrue(page.contains("| KVM | kvm_pvm |"), page);
        assertTrue(page
                .contains("| `BareCall`, `PortIoExit`, `SyncRegisters`, flags: none | 3 JVMs for each, 10 rounds a JVM;"
                        + " load average before 5.90 4.32 2.59"),
                page);
        assertFalse(page.contains("{{"), page);
        String chart = Files.readString(folder.resolve("performance.svg"));
        assertTrue(chart.contains(">BareCall</text>") && chart.contains(">kvm4j, flag</text>")
                && chart.endsWith("</svg>\n"), chart);
    }

    @Test
    void guestMemoryHasAPageOfItsOwn(@TempDir Path folder) throws Exception {
        report(folder, "memory.json", "jmh.json");

        assertFalse(Files.exists(folder.resolve("performance.md")) || Files.exists(folder.resolve("performance.svg")));
        String page = Files.readString(folder.resolve("memory-performance.md"));
        assertTrue(page.contains("| `MemoryAccess.get 2 regions` | 1.79 | kvm4j | none |"), page);
        assertTrue(page.contains("\n\nNot measured: there was no KVM.\n\n"), page);
        assertFalse(page.contains("{{"), page);
    }

    @Test
    void whatWasMeasuredElsewhereSaysWhere() throws IOException {
        results.add(Json.parse(resource("memory.json").replace("kvm_pvm", "kvm_amd").replace("AMD EPYC", "QEMU")));
        String last = report.fill("{{machine}}").lines().toList().getLast();
        assertTrue(last.contains("flags: none | CPU: QEMU, 2 online; KVM: kvm_amd; 3 JVMs for each"), last);
    }

    /** A benchmark that is renamed must not leave a hole in the next page. */
    @Test
    void everyFigureOfThePageIsOneThatIsMeasured() throws IOException {
        Set<String> benchmarks = BenchmarkList.defaultList().getAll(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of()).stream()
                .map(BenchmarkListEntry::getUsername)
                .map(name -> name.substring(ReportTest.class.getPackageName().length() + 1))
                .collect(Collectors.toCollection(TreeSet::new));
        List<String> figures = Pattern.compile("\\{\\{([^}]+)}}").matcher(resource("performance.md")
                + resource("memory-performance.md")).results()
                .map(MatchResult::group).map(place -> place.substring(2, place.length() - 2))
                .filter(place -> !TABLES.contains(place)).flatMap(place -> List.of(place.split(" - ")).stream())
                .map(figure -> figure.replaceFirst("^flag ", "")).toList();

        assertTrue(figures.size() > 5, figures::toString);
        for (String figure : figures) {
            String[] pair = figure.split(": ");
            assertTrue(pair.length == 2
                    ? Pair.of(pair[0]) != null && Pair.WAYS.contains(pair[1])
                    : benchmarks.contains(figure), figure);
        }
    }
}
