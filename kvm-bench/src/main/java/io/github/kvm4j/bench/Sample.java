package io.github.kvm4j.bench;

import java.util.Arrays;
import java.util.Collection;

/**
 * Measured values, described by order alone: the median, and an interval that holds the true median with a probability
 * of 95 % at the least, whatever the distribution. With five values or fewer there is none such, and it is their whole
 * range.
 *
 * @param median
 *            the median
 * @param low
 *            the interval's lower end
 * @param high
 *            its upper end
 */
record Sample(double median, double low, double high) {

    private static final double CONFIDENCE = 0.95;

    static Sample of(Collection<Double> values) {
        return of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    static Sample of(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int count = sorted.length;
        double median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
        int outside = outside(count);
        return new Sample(median, sorted[outside], sorted[count - 1 - outside]);
    }

    /** How many values may be left out at either end: how many are below the median is binomially distributed. */
    private static int outside(int count) {
        double probability = Math.pow(0.5, count);
        double below = probability;
        int outside = 0;
        // Leaving out k at either end is right unless k or fewer are on one side.
        for (int k = 1; k < count / 2; k++) {
            probability *= (double) (count - k + 1) / k;
            below += probability;
            if (1 - 2 * below < CONFIDENCE) {
                break;
            }
            outside = k;
        }
        return outside;
    }
}
