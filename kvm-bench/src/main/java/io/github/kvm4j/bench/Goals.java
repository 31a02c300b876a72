package io.github.kvm4j.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What kvm4j sets itself, and whether the results keep to it. */
final class Goals {

    private static final double EXIT_RATIO = 1.02;
    private static final double CALL_NANOSECONDS = 80;
    private static final double REGISTERS_NANOSECONDS = 100;
    private static final double COPY_NANOSECONDS = 50;
    private static final double COPY_RATIO = 1.05;
    private static final double LONG_RATIO = 2;
    private static final double BYTES = 0.01;

    private final Results results;
    private final List<String> rows = new ArrayList<>(List.of("| | goal | measured | |", "|---|---|---|---|"));

    Goals(Results results) {
        this.results = results;
    }

    String table() {
        ratio(Pair.PORT_IO_EXIT, EXIT_RATIO);
        ratio(Pair.MMIO_EXIT, EXIT_RATIO);
        difference(Pair.IMMEDIATE_EXIT, CALL_NANOSECONDS);
        difference(Pair.COMPLETE_PENDING, CALL_NANOSECONDS);
        difference(Pair.BARE_CALL, CALL_NANOSECONDS);
        difference(Pair.GET_REGS, REGISTERS_NANOSECONDS);
        difference(Pair.SET_REGS, REGISTERS_NANOSECONDS);
        for (Pair pair : List.of(Pair.COPY_IN_4_KIB, Pair.COPY_OUT_4_KIB)) {
            difference(pair, COPY_NANOSECONDS);
        }
        for (Pair pair : List.of(Pair.COPY_IN_64_KIB, Pair.COPY_OUT_64_KIB, Pair.COPY_IN_1_MIB, Pair.COPY_OUT_1_MIB,
                Pair.COPY_IN_16_MIB, Pair.COPY_OUT_16_MIB, Pair.COPY_IN_64_MIB, Pair.COPY_OUT_64_MIB)) {
            ratio(pair, COPY_RATIO);
        }
        ratio(Pair.GET_LONG, LONG_RATIO);
        ratio(Pair.PUT_LONG, LONG_RATIO);
        bytes("PortIoExit.kvm4j");
        bytes("MmioExit.kvm4j");
        bytes("ImmediateExit.kvm4j");
        bytes("Registers.getKvm4j");
        bytes("Registers.setKvm4j");
        bytes("MemoryCopy.inKvm4j 4 KiB");
        bytes("MemoryCopy.outKvm4j 4 KiB");
        bytes("MemoryAccess.getKvm4j 2 regions");
        bytes("MemoryAccess.putKvm4j 2 regions");
        bytes("MemoryDirtyPages.visitKvm4j");
        return String.join("\n", rows);
    }

    /** Without flags. */
    private Optional<Results.Side> kvm4j(Pair pair) {
        return results.runs().stream().filter(run -> run.flags().isEmpty())
                .flatMap(run -> run.side(pair.title(), "kvm4j").stream()).findFirst();
    }

    private void ratio(Pair pair, double most) {
        kvm4j(pair).ifPresent(side -> row(pair.title(),
                String.format("at most %.2f × %s", most, pair.baseline().title()), interval("%.4f", side.ratio()),
                verdict(side.ratio(), most)));
    }

    private void difference(Pair pair, double most) {
        kvm4j(pair).ifPresent(side -> row(pair.title(),
                String.format("at most %.0f ns over %s", most, pair.baseline().title()),
                interval("%.0f", side.difference()) + " ns",
                verdict(side.difference(), most)));
    }

    private void bytes(String benchmark) {
        Results.Benchmark result = results.benchmarks().get(benchmark);
        if (result != null) {
            row(benchmark, String.format("0 B/op (below %.2f)", BYTES), String.format("%.4f B/op", result.bytes()),
                    result.bytes() < BYTES ? "kept" : "**missed**");
        }
    }

    private static String interval(String format, Sample sample) {
        return String.format(format + " (" + format + " to " + format + ")", sample.median(), sample.low(),
                sample.high());
    }

    /** Sure only when the whole interval is on one side. */
    private static String verdict(Sample sample, double most) {
        if (sample.low() > most) {
            return "**missed**";
        }
        if (sample.high() <= most) {
            return "kept";
        }
        return sample.median() <= most ? "kept by the median" : "**missed** by the median";
    }

    private void row(String what, String goal, String measured, String verdict) {
        rows.add("| `" + what + "` | " + goal + " | " + measured + " | " + verdict + " |");
    }
}
