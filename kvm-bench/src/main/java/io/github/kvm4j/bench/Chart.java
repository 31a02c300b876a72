package io.github.kvm4j.bench;

import java.util.ArrayList;
import java.util.List;

/** The pairs that are held against C as bars, in nanoseconds over C, with the intervals as whiskers. */
final class Chart {

    /** All that are near C: what the run page saves would leave nothing of the others. */
    private static final List<String> WAYS = List.of("kvm4j", "ffm", Pair.DEEP, "jni", "jna");
    private static final List<String> COLOURS = List.of("#1f6feb", "#8b949e", "#2da44e", "#bf8700", "#cf222e");
    private static final int LEFT = 250;
    private static final int WIDTH = 520;
    private static final int BAR = 16;
    private static final int GAP = 14;

    private record Bar(String title, String label, String colour, double opacity, Sample difference) {
    }

    private final List<Bar> bars = new ArrayList<>();

    Chart(List<Results.Run> runs) {
        for (Pair pair : Pair.heldAgainst(Baseline.C)) {
            String title = pair.title();
            for (int way = 0; way < WAYS.size(); way++) {
                for (int run = 0; run < runs.size(); run++) {
                    var side = runs.get(run).side(pair.title(), WAYS.get(way));
                    if (side.isPresent()) {
                        bars.add(new Bar(title, WAYS.get(way) + (run == 0 ? "" : ", flag"), COLOURS.get(way),
                                run == 0 ? 1 : 0.55, side.get().difference()));
                        title = "";
                    }
                }
            }
        }
    }

    String svg() {
        double scale = WIDTH / most();
        StringBuilder shapes = new StringBuilder();
        int y = 46;
        for (Bar bar : bars) {
            y += bar.title().isEmpty() ? 0 : GAP;
            draw(shapes, bar, y, scale);
            y += BAR + 2;
        }
        String axis = String.format("<line x1='%d' y1='40' x2='%d' y2='%d' stroke='#57606a'/>%n", LEFT, LEFT, y + 4);
        return String.format(
                """
                        <svg xmlns='http://www.w3.org/2000/svg' width='%1$d' height='%2$d' viewBox='0 0 %1$d %2$d' \
                        font-family='sans-serif' font-size='12' fill='#24292f'>
                        <rect width='100%%' height='100%%' fill='#ffffff'/>
                        <text x='16' y='24' font-size='15' font-weight='bold'>Nanoseconds per operation over the loop in C</text>
                        %3$s%4$s</svg>
                        """,
                LEFT + WIDTH + 130, y + 16, axis, shapes);
    }

    /** What the axis must hold: all bars but JNA's, which would leave nothing of the others. */
    private double most() {
        return bars.stream().filter(bar -> !bar.label().startsWith("jna"))
                .mapToDouble(bar -> bar.difference().median()).max().orElse(1) * 1.25;
    }

    private static void draw(StringBuilder shapes, Bar bar, int y, double scale) {
        double value = at(bar.difference().median(), scale);
        double low = at(bar.difference().low(), scale);
        double high = at(bar.difference().high(), scale);
        int middle = y + BAR / 2;
        shapes.append(String.format("<text x='16' y='%d' font-weight='bold'>%s</text>%n", middle + 4, bar.title()));
        shapes.append(String.format("<text x='%d' y='%d' text-anchor='end'>%s</text>%n", LEFT - 42, middle + 4,
                bar.label()));
        shapes.append(String.format("<rect x='%.1f' y='%d' width='%.1f' height='%d' fill='%s' opacity='%.2f'/>%n",
                Math.min(LEFT, value), y, Math.abs(value - LEFT), BAR, bar.colour(), bar.opacity()));
        shapes.append(String.format("<path d='M%.1f %dH%.1fM%.1f %dv8M%.1f %dv8' stroke='#24292f' fill='none'/>%n", low,
                middle, high, low, middle - 4, high, middle - 4));
        boolean cut = bar.difference().median() * scale > WIDTH;
        shapes.append(String.format("<text x='%.1f' y='%d'>%.0f%s</text>%n", Math.max(high, LEFT) + 6, middle + 4,
                bar.difference().median(), cut ? " (bar cut)" : ""));
    }

    /** Below zero there is room for little, which is noise. */
    private static double at(double nanoseconds, double scale) {
        return LEFT + Math.clamp(nanoseconds * scale, -36, WIDTH);
    }
}
