package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.IntStream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleTest {

    /** The values are 1 to count; the ends are those of the tables for the sign test at 95 %. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "2, 1.5, 1, 2", "5, 3, 1, 5", "6, 3.5, 1, 6", "8, 4.5, 1, 8", "9, 5, 2, 8",
            "10, 5.5, 2, 9", "12, 6.5, 3, 10", "20, 10.5, 6, 15", "30, 15.5, 10, 21"})
    void theIntervalHoldsTheMedianWithNinetyFivePercent(int count, double median, double low, double high) {
        double[] values = IntStream.rangeClosed(1, count).map(i -> count + 1 - i).asDoubleStream().toArray();
        assertEquals(new Sample(median, low, high), Sample.of(values));
    }
}
