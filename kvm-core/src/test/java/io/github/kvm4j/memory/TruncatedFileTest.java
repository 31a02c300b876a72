package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.programs.TruncatedFile;
import io.github.kvm4j.testing.ChildJvm;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.Rounds;

/** A file that is truncated under guest memory, in JVMs that interpret or compile in one way or the other. */
@DependsOnHost
@Tag("slow")
class TruncatedFileTest {

    private static final int AFTER = 20;
    private static final int INTERPRETED = 20;
    private static final int COMPILED = 12_000;

    @ParameterizedTest
    @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:-TieredCompilation", "-XX:+TieredCompilation",
            "-Xcomp -XX:CompileCommand=compileonly,io.github.kvm4j.*::*"})
    void everyAccessTellsWhatIsMissing(String options) {
        int times = options.contains("-Xint") || options.contains("-Xcomp") ? INTERPRETED : COMPILED;
        ChildJvm child = ChildJvm.run(TruncatedFile.class,
                Stream.concat(Stream.of(options.split(" ")), Stream.of("-Dtruncated.before=" + Rounds.of(times),
                        "-Dtruncated.after=" + AFTER)).toArray(String[]::new));
        assertEquals(0, child.status(), child.output());
        assertTrue(child.output().contains("checked " + 50 * AFTER), child.output());
    }
}
