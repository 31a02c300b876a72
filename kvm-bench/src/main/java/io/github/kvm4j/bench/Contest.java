package io.github.kvm4j.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * The sides of a {@link Pair} by turns, in one thread: a round is a short block of operations of each, one straight after
 * the other, so that what slows the machine slows all of them alike. Of the rounds the medians count: a block in which
 * the thread lost its CPU is an outlier.
 */
final class Contest {

    /** How long there is to be compiled, in nanoseconds. */
    static final long WARM_UP = 2_000_000_000L;

    private static final int WARM_UP_OPERATIONS = 4;
    private static final long BLOCK = 1_000_000;

    /** However long an operation takes. */
    private static final int LEAST_ROUNDS = 20;

    private final List<Side> sides;
    private final Baseline baseline;
    private final long warmUp;
    private int rounds;
    private int operations;

    /** What the loops returned, so that none is optimised away. */
    private long blackHole;

    Contest(List<Side> sides, Baseline baseline, int rounds, long warmUp) {
        this.sides = sides;
        this.baseline = baseline;
        this.rounds = rounds;
        this.warmUp = warmUp;
    }

    /** Returns a JSON object: of each side the nanoseconds per operation, their ratio to the baseline's, and the difference. */
    String run() {
        warmUp();
        Map<Side, double[]> times = new LinkedHashMap<>();
        sides.forEach(side -> times.put(side, new double[rounds]));
        for (int round = 0; round < rounds; round++) {
            for (Side side : turn(round)) {
                times.get(side)[round] = (double) time(side) / operations;
            }
        }
        double[] compared = times.entrySet().stream().filter(entry -> entry.getKey().name().equals(baseline.side()))
                .findFirst().orElseThrow().getValue();
        StringJoiner json = new StringJoiner(", ", "{\"operations\": " + operations + ", \"rounds\": " + rounds
                + ", \"sides\": {", "}}");
        times.forEach((side, its) -> json.add(result(side.name(), its, compared)));
        if (blackHole == System.nanoTime()) {
            System.err.println(blackHole);
        }
        return json.toString();
    }

    private String result(String name, double[] times, double[] compared) {
        double[] ratios = new double[rounds];
        double[] differences = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            ratios[i] = times[i] / compared[i];
            differences[i] = times[i] - compared[i];
        }
        return String.format("\"%s\": {\"ns\": %.2f, \"ratio\": %.6f, \"difference\": %.3f}", name,
                Sample.of(times).median(), Sample.of(ratios).median(), Sample.of(differences).median());
    }

    /**
     * All sides until they are compiled, and then as many operations to a block as take its time; fewer rounds where one
     * operation takes longer. The blocks are short here: a loop that is called often is compiled as a whole, one that is
     * called seldom stays half compiled for long.
     */
    private void warmUp() {
        long end = System.nanoTime() + warmUp;
        long fastest = Long.MAX_VALUE;
        operations = WARM_UP_OPERATIONS;
        do {
            for (Side side : sides) {
                fastest = Math.min(fastest, Math.max(1, time(side) / operations));
            }
        } while (System.nanoTime() < end);
        operations = (int) Math.max(1, BLOCK / fastest);
        if (fastest > BLOCK) {
            rounds = (int) Math.min(rounds, Math.max(LEAST_ROUNDS, rounds * BLOCK / fastest));
        }
    }

    /** The sides in another order each round, each as often before another as behind it. */
    private List<Side> turn(int round) {
        List<Side> turn = new ArrayList<>(sides);
        Collections.rotate(turn, round / 2);
        return round % 2 == 0 ? turn : turn.reversed();
    }

    private long time(Side side) {
        side.before().run();
        long start = System.nanoTime();
        blackHole += side.loop().run(operations);
        return System.nanoTime() - start;
    }
}
