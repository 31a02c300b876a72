package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.testing.DependsOnHost;

/** What is for one architecture is refused on the others. */
@DependsOnHost
class ArchitectureTest {

    @ParameterizedTest
    @EnumSource
    void whatIsNotThereIsRefusedWithBothNames(Architecture architecture) {
        assertEquals("here", architecture.require("here", "Vm.other()"));
        UnsupportedOperationException e = assertThrows(UnsupportedOperationException.class,
                () -> architecture.require(null, "Vm.other()"));
        assertTrue(e.getMessage().startsWith("Vm.other() is for "), e.getMessage());
        assertTrue(e.getMessage().endsWith(System.getProperty("os.arch")), e.getMessage());
    }

    @Test
    void oneIsTheHosts() {
        assertEquals(1, Arrays.stream(Architecture.values()).filter(Architecture::isHost).count());
    }
}
