package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.Capability;
import io.github.kvm4j.x86.CpuidEntry;

class KvmInfoTest {

    @TempDir
    private Path folder;

    @Test
    @RequiresKvm
    void everyCapabilityIsListedOnce() throws Exception {
        String out = run();
        assertTrue(out.startsWith("KVM API version 12,"), out);
        List<String> listed = new ArrayList<>();
        for (String line : out.lines().dropWhile(line -> !line.contains(" capabilities ("))
                .takeWhile(line -> !line.startsWith("Supported CPUID")).skip(1).toList()) {
            List<String> words = List.of(line.strip().split(" +"));
            if (line.startsWith("    ")) {
                listed.addAll(words);
            } else if (!line.isEmpty() && !line.startsWith("Lacking")) {
                listed.add(words.getFirst());
            }
        }
        List<String> names = Arrays.stream(Capability.values()).map(Capability::name).sorted().toList();
        assertEquals(244, names.size());
        assertEquals(names, listed.stream().sorted().toList());
    }

    @Test
    @RequiresKvm
    void valuesAreRenderedByTheirKind() throws Exception {
        String out = run();
        // Every KVM since Linux 3.9 has these, on all three architectures; the second is asked on a VM.
        assertTrue(out.matches("(?s).*\nUSER_MEMORY +yes +KVM_SET_USER_MEMORY_REGION: .*"), out);
        assertTrue(out.matches("(?s).*\nMAX_VCPUS +[1-9][0-9]* VM +Maximum of vCPUs in a VM\n.*"), out);
        assertTrue(out.matches("(?s).*\nCOALESCED_MMIO +page [1-9] .*"), out);
    }

    @Test
    @RequiresKvm
    @EnabledOnOs(architectures = "amd64", disabledReason = "CPUID is x86's")
    void vendorIsTheHosts() throws Exception {
        String vendor = Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("vendor_id"))
                .findFirst().orElseThrow().split(": ")[1];
        String out = run();
        assertTrue(out.contains(" entries, vendor " + vendor + "\n"), out);
        assertTrue(out.contains("Hypervisor leaf 0x40000000: \"KVMKVMKVM\"\n"), out);
        assertTrue(out.matches("(?s).*\nleaf 1 EDX:\n    FPU .*"), out);
    }

    @Test
    void featuresAreNamedByTheirBits() {
        CpuidEntry entry = new CpuidEntry(1, 0, 0, 0, 0, 0x8001_0001, 0x0200_0001);
        assertEquals(List.of("SSE3", "bit16", "HYPERVISOR"), CpuidFeatures.LEAF_1_ECX.in(entry));
        assertEquals(List.of("FPU", "SSE"), CpuidFeatures.LEAF_1_EDX.in(entry));
    }

    private String run() throws Exception {
        ExampleRun run = ExampleRun.of(folder, KvmInfo.class);
        assertEquals(0, run.status(), run::err);
        return run.out();
    }
}
