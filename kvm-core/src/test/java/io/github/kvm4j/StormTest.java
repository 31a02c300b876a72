package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.programs.CloseStorm;
import io.github.kvm4j.programs.KickStorm;
import io.github.kvm4j.testing.ChildJvm;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.testing.TestGuest.Program;

/**
 * Kicks and closes at random moments, by the thousand, each storm in a JVM of its own: one that dies or leaks there is seen.
 * {@code -Dkvm.storm.kicks} and {@code -Dkvm.storm.closes} ask for other numbers.
 */
@RequiresKvm
@Tag("slow")
class StormTest {

    private static final int KICKS = Integer.getInteger("kvm.storm.kicks", Rounds.of(20_000));
    private static final int CLOSES = Integer.getInteger("kvm.storm.closes", Rounds.of(2_000));

    @ParameterizedTest
    @EnumSource(value = Program.class, names = {"SPIN", "COUNT", "WAIT"})
    void everyKickAtARandomMomentIsAnsweredOnce(Program program) {
        ChildJvm child = ChildJvm.run(KickStorm.class, "-Xmx256m", "-Dstorm=" + program + " " + KICKS);
        System.out.print(child.output());
        assertEquals(0, child.status(), child::output);
        assertTrue(child.output().contains(program + ": " + KICKS + " kicks, each answered once"), child::output);
    }

    @Test
    void closingAtARandomMomentLeavesNothing() {
        ChildJvm child = ChildJvm.run(CloseStorm.class, "-Xmx256m", "-Dstorm=" + CLOSES);
        assertEquals(0, child.status(), child::output);
        System.out.print(child.output());
        Matcher output = Pattern.compile("closed (\\d+), in a run (\\d+)\nfds 0\nkvm mappings 0\n")
                .matcher(child.output());
        assertTrue(output.matches(), child::output);
        assertEquals(CLOSES, Integer.parseInt(output.group(1)));
        int inARun = Integer.parseInt(output.group(2));
        assertTrue(inARun > CLOSES / 2, child::output);
    }
}
