package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That the pairs work. How long anything takes is not asked. */
class PairsTest {

    private static final int ROUNDS = 3;

    @ParameterizedTest
    @EnumSource
    @SuppressWarnings("unchecked") // JSON
    void everyPairRuns(Pair pair) {
        if (pair.baseline() == Baseline.C) {
            BenchmarksTest.requireKvm();
            BenchmarksTest.requireC();
        }
        var result = (Map<String, Object>) Json.parse(Pairs.contest(pair, ROUNDS, 0));
        assertEquals((double) ROUNDS, result.get("rounds"));
        var sides = (Map<String, Map<String, Double>>) result.get("sides");
        String baseline = pair.baseline().side();
        String control = pair.baseline().control();
        assertTrue(sides.keySet().containsAll(List.of("kvm4j", baseline, control)), sides::toString);
        sides.forEach((side, values) -> {
            assertTrue(side.equals(baseline) || side.equals(control) || Pair.WAYS.contains(side), side);
            assertTrue(values.get("ns") > 0, values::toString);
        });
        assertEquals(1, sides.get(baseline).get("ratio"));
        assertEquals(0, sides.get(baseline).get("difference"));
    }

    /** Two sides that only count; an operation of the one takes some milliseconds. */
    @Test
    @SuppressWarnings("unchecked") // JSON
    void aLongOperationGetsFewerRoundsAndIsHeldAgainstTheBaseline() {
        Side.Loop slow = operations -> {
            LockSupport.parkNanos(operations * 3_000_000L);
            return operations;
        };
        List<Side> sides = List.of(new Side("kvm4j", slow), new Side("segment", slow), new Side("c", slow));
        var result = (Map<String, Object>) Json.parse(new Contest(sides, Baseline.SEGMENT, 90, 0).run());
        assertEquals(1.0, result.get("operations"));
        double rounds = (double) result.get("rounds");
        assertTrue(rounds >= 20 && rounds <= 30, "rounds: " + rounds);
        var its = (Map<String, Map<String, Double>>) result.get("sides");
        assertEquals(0, its.get("segment").get("difference"));
        assertEquals(1, its.get("segment").get("ratio"));
        assertTrue(its.get("c").get("ratio") != 1, its::toString);
        Map<?, ?> few = (Map<?, ?>) Json.parse(new Contest(sides, Baseline.SEGMENT, 3, 0).run());
        assertEquals(3.0, few.get("rounds"));
    }

    @Test
    void pairsAreNamedOneByOneOrByTheirBenchmark() {
        assertEquals(List.of(Pair.BARE_CALL), Pair.named("BareCall"));
        assertEquals(List.of(Pair.GET_REGS, Pair.SET_REGS), Pair.named("Registers"));
        assertEquals(List.of(Pair.COPY_IN_4_KIB), Pair.named("MemoryCopy.in 4 KiB"));
        assertEquals(List.of(Pair.GET_LONG, Pair.PUT_LONG, Pair.GET_LONG_IN_ONE, Pair.GET_LONG_SEARCHED),
                Pair.named("MemoryAccess"));
        assertThrows(IllegalArgumentException.class, () -> Pair.named("Memory"));
    }

    /** Who adds a pair would otherwise not see that it is never measured. */
    @Test
    void allAreMeasured() throws IOException {
        String script = Files.readString(Path.of("measure"));
        List<Pair> measured = Pattern.compile("(?m)^[a-z_]+=\\(([A-Za-z ]+)\\)$").matcher(script).results()
                .flatMap(list -> Stream.of(list.group(1).split(" "))).flatMap(name -> Pair.named(name).stream())
                .sorted().toList();
        assertEquals(List.of(Pair.values()), measured);
    }

    @Test
    void aPairThatIsNoneIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Pair.of("Nothing"));
    }
}
