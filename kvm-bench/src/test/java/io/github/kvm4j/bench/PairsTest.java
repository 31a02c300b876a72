package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;

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
        BenchmarksTest.requireKvm();
        BenchmarksTest.requireC();
        var result = (Map<String, Object>) Json.parse(Pairs.contest(pair, ROUNDS, 0));
        assertEquals((double) ROUNDS, result.get("rounds"));
        var sides = (Map<String, Map<String, Double>>) result.get("sides");
        assertTrue(sides.keySet().containsAll(List.of("kvm4j", Pair.BASELINE, Pair.CONTROL)), sides::toString);
        sides.forEach((side, values) -> {
            assertTrue(side.equals(Pair.BASELINE) || side.equals(Pair.CONTROL) || Pair.WAYS.contains(side), side);
            assertTrue(values.get("ns") > 0, values::toString);
        });
        assertEquals(1, sides.get(Pair.BASELINE).get("ratio"));
        assertEquals(0, sides.get(Pair.BASELINE).get("difference"));
    }

    @Test
    void aPairThatIsNoneIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Pair.of("Nothing"));
    }
}
