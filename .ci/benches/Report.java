import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Says what came of the tests with the tags "kvm" and "host", out of JUnit's Open Test Reporting files, and holds those that ran
 * against the recorded names of those that must:
 *
 * <pre>java Report.java all|quick|quick-kvm|some|record|record-some NAME FILE-WITH-NAMES REPORT.xml [TEST...]</pre>
 *
 * After "all" a name that did not run is a failure, after "quick" one that is not marked slow, after "quick-kvm" one that
 * is not marked host either; so is a test that ran without being recorded, and one of whose invocations some did not run
 * that did. When nothing has failed, "record" writes the file, and "record-some" writes anew what it has of the classes in
 * this report. Each TEST, as .ci/bench takes them, must be there, run or skipped. A parameterized test counts once. Runs
 * on Java 17.
 */
final class Report {

    private static final String HOST = "host";
    private static final String KVM = "kvm";
    private static final Set<String> COUNTED = Set.of(KVM, HOST);
    private static final String PARTLY = "partly";
    private static final String SLOW = "slow";

    /** Which of the recorded names need not have run, by their marks. */
    private static final Map<String, Set<String>> LEFT_OUT = Map.of("all", Set.of(), "quick", Set.of(SLOW), "quick-kvm",
            Set.of(SLOW, HOST));
    private static final String HEADER = "# The tests that must run here, in writing of `.ci/bench --record`; see docs/testing.md.";

    /** A test, with all that became of its invocations. */
    private static final class Test {
        final String name;
        final Set<String> marks = new TreeSet<>();
        int ran;
        Duration time = Duration.ZERO;
        final Set<String> skips = new TreeSet<>();
        final List<String> failures = new ArrayList<>();

        Test(String name) {
            this.name = name;
        }
    }

    /** A node of the report that has begun. */
    private record Begun(String parent, String display, String name, boolean test, Set<String> tags, Instant time) {
    }

    private final Map<String, Test> tests = new TreeMap<>();
    private final List<String> outside = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        if (args.length < 4) {
            throw new IllegalArgumentException("Report.java all|quick|quick-kvm|some|record|record-some NAME FILE-WITH-NAMES REPORT.xml [TEST...]");
        }
        Report report = new Report();
        report.read(Path.of(args[3]));
        report.requireEach(List.of(args).subList(4, args.length));
        System.exit(report.print(args[0], args[1], Path.of(args[2])) ? 0 : 1);
    }

    /** What was asked for must be there; a class that is skipped as a whole says nothing of its methods. */
    private void requireEach(List<String> patterns) {
        for (String pattern : patterns) {
            String[] parts = (pattern.contains("#") ? pattern : pattern + "#*").split("#");
            Pattern type = matching("(.*[.])?", parts[0]);
            Pattern method = matching("", parts[1]);
            if (tests.keySet().stream().map(test -> test.split("#")).noneMatch(test -> type.matcher(test[0]).matches()
                    && (test[1].equals("*") || method.matcher(test[1]).matches()))) {
                outside.add("there is no test " + pattern);
            }
        }
    }

    private static Pattern matching(String before, String pattern) {
        return Pattern.compile(before + Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")));
    }

    private void read(Path file) throws Exception {
        Element events = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile()).getDocumentElement();
        Map<String, Begun> begun = new HashMap<>();
        for (Element event : children(events)) {
            String id = event.getAttribute("id");
            if (event.getTagName().equals("e:started")) {
                begun.put(id, started(event, begun));
            } else if (event.getTagName().equals("e:finished")) {
                finished(begun.get(id), event, begun);
            }
        }
    }

    private static Begun started(Element event, Map<String, Begun> begun) {
        Element method = first(event, "java:methodSource");
        Element type = first(event, "java:classSource");
        String name = method != null
                ? method.getAttribute("className") + "#" + method.getAttribute("methodName")
                : type != null ? type.getAttribute("className") + "#*" : "";
        Begun parent = begun.get(event.getAttribute("parentId"));
        // An invocation, dynamic tests among them, is its method's; where a dynamic test has no source, its parent's name.
        if (name.isEmpty() && parent != null) {
            name = parent.name;
        }
        NodeList tags = event.getElementsByTagName("tag");
        Set<String> all = IntStream.range(0, tags.getLength()).mapToObj(i -> tags.item(i).getTextContent())
                .collect(Collectors.toCollection(TreeSet::new));
        if (parent != null) {
            all.addAll(parent.tags);
        }
        return new Begun(event.getAttribute("parentId"), event.getAttribute("name"), name,
                first(event, "junit:type").getTextContent().equals("TEST"), all, Instant.parse(event.getAttribute("time")));
    }

    private void finished(Begun what, Element event, Map<String, Begun> begun) {
        Element result = first(event, "result");
        String status = result.getAttribute("status");
        boolean skipped = status.equals("SKIPPED") || status.equals("ABORTED");
        if (COUNTED.stream().noneMatch(what.tags::contains)) {
            if (status.equals("FAILED")) {
                outside.add(what.display + ": " + reason(result));
            }
            return;
        }
        // A container counts only by what keeps its tests from running.
        if (!what.test && !skipped && !status.equals("FAILED")) {
            return;
        }
        Test test = tests.computeIfAbsent(what.name, Test::new);
        Stream.of(HOST, SLOW).filter(what.tags::contains).forEach(test.marks::add);
        if (what.tags.contains(KVM)) {
            test.marks.remove(HOST);
        }
        if (skipped) {
            test.skips.add(reason(result));
            return;
        }
        test.ran += what.test ? 1 : 0;
        test.time = test.time.plus(Duration.between(what.time, Instant.parse(event.getAttribute("time"))));
        if (status.equals("FAILED")) {
            Begun parent = begun.get(what.parent);
            boolean invocation = what.test && parent != null && parent.name.equals(what.name);
            test.failures.add((invocation ? what.display + ": " : "") + reason(result));
        }
    }

    /** Why it was skipped, or the failure's first lines. */
    private static String reason(Element result) {
        Element reason = first(result, "reason");
        Element throwable = first(result, "java:throwable");
        String text = (reason != null ? reason : throwable != null ? throwable : result).getTextContent().strip();
        String head = text.lines().takeWhile(line -> !line.startsWith("\tat ")).limit(6).collect(Collectors.joining("\n"));
        return head.replaceFirst("^org\\.opentest4j\\.TestAbortedException: (Assumption failed: )?", "");
    }

    private boolean print(String mode, String name, Path file) throws IOException {
        List<Test> ran = tests.values().stream().filter(test -> test.ran > 0).toList();
        List<Test> failed = tests.values().stream().filter(test -> !test.failures.isEmpty()).toList();
        List<Test> skipped = tests.values().stream().filter(test -> test.ran == 0 && test.failures.isEmpty()).toList();
        System.out.printf("%s: %d tests run (%d with each parameter), %d passed, %d failed, %d skipped%n", name,
                ran.size(), ran.stream().mapToInt(test -> test.ran).sum(),
                ran.stream().filter(test -> test.failures.isEmpty()).count(), failed.size(), skipped.size());
        Map<String, List<String>> reasons = new LinkedHashMap<>();
        for (Test test : tests.values().stream().filter(test -> !test.skips.isEmpty()).toList()) {
            reasons.computeIfAbsent(String.join("; ", test.skips), _reason -> new ArrayList<>()).add(simple(test.name));
        }
        reasons.forEach((reason, names) -> System.out.printf("  skipped, %s: %s%n", reason, grouped(names)));
        System.out.println("  slowest: " + ran.stream().sorted(Comparator.comparing((Test test) -> test.time).reversed())
                .limit(5).map(test -> "%s %.1f s".formatted(simple(test.name), test.time.toMillis() / 1000.0))
                .collect(Collectors.joining(", ")));
        for (Test test : failed) {
            test.failures.forEach(failure -> System.out.printf("  FAILED %s: %s%n", test.name, failure.indent(4).strip()));
        }
        outside.forEach(failure -> System.out.println("  FAILED outside of a test: " + failure));
        boolean right = failed.isEmpty() && outside.isEmpty();
        if (ran.isEmpty()) {
            System.out.println("  FAILED: no test ran");
            right = false;
        }
        return switch (mode) {
            case "record" -> right && record(file, List.of(), ran);
            case "record-some" -> right && record(file, others(file), ran);
            case "some" -> right;
            default -> compare(LEFT_OUT.get(mode), file, ran) && right;
        };
    }

    /** What is recorded of classes that are not in this report. */
    private List<String> others(Path file) throws IOException {
        Set<String> here = tests.keySet().stream().map(Report::type).collect(Collectors.toSet());
        return !Files.exists(file) ? List.of() : recorded(file).stream().filter(line -> !here.contains(type(line))).toList();
    }

    private static String type(String name) {
        return name.substring(0, name.indexOf('#'));
    }

    private static boolean record(Path file, List<String> others, List<Test> ran) throws IOException {
        Set<String> lines = new TreeSet<>(others);
        for (Test test : ran) {
            if (!test.skips.isEmpty()) {
                test.marks.add(PARTLY);
            }
            lines.add(Stream.concat(Stream.of(test.name), test.marks.stream()).collect(Collectors.joining(" ")));
        }
        List<String> all = new ArrayList<>(List.of(HEADER));
        all.addAll(lines);
        Files.createDirectories(file.getParent());
        Files.write(file, all);
        System.out.println("  recorded in " + file);
        return true;
    }

    private static boolean compare(Set<String> leftOut, Path file, List<Test> ran) throws IOException {
        if (!Files.exists(file)) {
            System.out.println("  FAILED: " + file + ", with the tests that must run here, is missing: --record writes it");
            return false;
        }
        List<String> lines = recorded(file);
        Set<String> recorded = lines.stream().map(Report::name).collect(Collectors.toSet());
        Set<String> names = ran.stream().map(test -> test.name).collect(Collectors.toSet());
        Set<String> partly = lines.stream().filter(line -> marked(line, PARTLY)).map(Report::name).collect(Collectors.toSet());
        List<String> missing = lines.stream().filter(line -> leftOut.stream().noneMatch(mark -> marked(line, mark)))
                .map(Report::name).filter(test -> !names.contains(test)).toList();
        List<String> added = ran.stream().map(test -> test.name).filter(test -> !recorded.contains(test)).toList();
        missing.forEach(test -> System.out.println("  FAILED " + test + " is recorded in " + file + ", and did not run"));
        added.forEach(test -> System.out.println("  FAILED " + test + " ran, and is not recorded in " + file
                + ": --record writes it"));
        List<String> less = ran.stream().filter(test -> !test.skips.isEmpty()).map(test -> test.name)
                .filter(test -> recorded.contains(test) && !partly.contains(test)).toList();
        less.forEach(test -> System.out.println("  FAILED " + test + ": some of it was skipped, and ran when it was recorded"));
        return missing.isEmpty() && added.isEmpty() && less.isEmpty();
    }

    private static List<String> recorded(Path file) throws IOException {
        return Files.readAllLines(file).stream().filter(line -> !line.isBlank() && !line.startsWith("#")).toList();
    }

    private static boolean marked(String line, String mark) {
        return List.of(line.split(" ")).contains(mark);
    }

    private static String name(String line) {
        return line.split(" ")[0];
    }

    /** "RunTest (aKick, aHlt), OpenTest (theSystemAnswers)" */
    private static String grouped(List<String> names) {
        Map<String, List<String>> classes = new LinkedHashMap<>();
        for (String name : names) {
            String[] parts = name.split("#");
            classes.computeIfAbsent(parts[0], _class -> new ArrayList<>()).add(parts[1].equals("*") ? "the class" : parts[1]);
        }
        return classes.entrySet().stream()
                .map(entry -> entry.getKey() + " (" + (entry.getValue().size() > 4
                        ? entry.getValue().size() + " tests"
                        : String.join(", ", entry.getValue())) + ")")
                .collect(Collectors.joining(", "));
    }

    private static String simple(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    private static List<Element> children(Element parent) {
        NodeList nodes = parent.getChildNodes();
        return IntStream.range(0, nodes.getLength()).mapToObj(nodes::item).filter(Element.class::isInstance)
                .map(Element.class::cast).toList();
    }

    private static Element first(Element parent, String name) {
        return (Element) parent.getElementsByTagName(name).item(0);
    }
}
