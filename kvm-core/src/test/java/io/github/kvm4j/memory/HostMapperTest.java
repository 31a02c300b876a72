package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;

/** Which memory can be missing though it is mapped. */
class HostMapperTest {

    private static final int SIZE = 2 << 20;

    @TempDir
    private Path folder;

    private final Host host = new Host(new FakeLibc());

    private String risk(String overcommit, RegionOptions options) throws IOException {
        Path file = Files.writeString(folder.resolve("overcommit_memory"), overcommit);
        HostMemory memory = new HostMapper(host, file).map(0, SIZE, options);
        memory.close();
        return memory.risk();
    }

    @Test
    void aMemfdCanBeMissingWhereTheHostPromisesNoMoreThanItHas() throws IOException {
        RegionOptions memfd = RegionOptions.of(Backing.memfd("ram"));
        assertEquals("", risk("0\n", memfd));
        assertEquals("", risk("1\n", memfd));
        String risk = risk("2\n", memfd);
        assertEquals("vm.overcommit_memory is 2", risk.substring(risk.indexOf('(') + 1, risk.indexOf(')')));
        assertEquals("", risk("2\n", memfd.with(HostOption.PREFAULT)));
        assertEquals("", risk("2\n", RegionOptions.anonymous()), "it is counted when it is mapped");
        assertEquals("", risk("2\n", memfd.withHugetlb(2 << 20)), "its pages are reserved");
    }

    @Test
    void aHostThatDoesNotTellIsTakenForOneThatPromisesMore() throws IOException {
        HostMemory memory = new HostMapper(host, folder.resolve("missing")).map(0, SIZE,
                RegionOptions.of(Backing.memfd("ram")));
        memory.close();
        assertEquals("", memory.risk());
    }
}
