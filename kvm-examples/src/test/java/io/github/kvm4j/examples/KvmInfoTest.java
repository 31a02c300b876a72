package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.MediaType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.Capability;

@Tag("slow")
class KvmInfoTest {

    @TempDir
    private static Path folder;

    /** What it prints on the KVM at hand; one run serves all tests. */
    private static Optional<String> printed = Optional.empty();

    @Test
    @RequiresKvm
    void everyCapabilityIsListedOnce(TestReporter reporter) throws Exception {
        String out = run();
        // Goes to the folder of JUnit's report: one sees what that KVM can do.
        reporter.publishFile("KvmInfo.txt", MediaType.TEXT_PLAIN_UTF_8, file -> Files.writeString(file, out));
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
        String vendor = cpuinfo("vendor_id").strip();
        String out = run();
        assertTrue(out.contains(" entries, vendor " + vendor + "\n"), out);
        assertTrue(out.matches("(?s).*\n40000000/0 [^\n]*\"KVMKVMKVM\"\n.*"), out);
        assertTrue(out.matches("(?s).*\n00000001/0 [^\n]*\n +FPU .*"), out);
    }

    /** What the build machines' paravirtual KVM lacks, and the one of an AMD processor has. */
    @Test
    @RequiresKvm
    void onAmdsVirtualizationThereIsWhatParavirtualKvmLacks() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/sys/module/kvm_amd")) && cpuinfo("flags").contains(" svm "),
                "for AMD's SVM: there is no kvm_amd, or no svm in /proc/cpuinfo");
        List<String> wanted = new ArrayList<>(List.of("NESTED_STATE", "HYPERV", "HYPERV_CPUID", "X86_SMM"));
        if (!System.getProperty("os.version").matches("[0-5]\\..*|6\\.([0-9]|10)\\..*")) {
            wanted.add("PRE_FAULT_MEMORY"); // since Linux 6.11
            wanted.add("XEN_HVM"); // not in Debian's 6.1
        }
        List<String> present = run().lines().dropWhile(line -> !line.contains(" capabilities ("))
                .takeWhile(line -> !line.startsWith("Lacking")).map(line -> line.split(" ")[0]).toList();
        assertEquals(List.of(), wanted.stream().filter(name -> !present.contains(name)).toList(),
                "not listed as present");
    }

    /** The first line of /proc/cpuinfo with a name, behind its colon, with a blank at either end. */
    private static String cpuinfo(String name) throws IOException {
        return Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith(name)).findFirst()
                .orElseThrow().split(":")[1] + " ";
    }

    private static String run() throws Exception {
        if (printed.isEmpty()) {
            ExampleRun run = ExampleRun.of(folder, KvmInfo.class);
            assertEquals(0, run.status(), run::err);
            printed = Optional.of(run.out());
        }
        return printed.get();
    }
}
