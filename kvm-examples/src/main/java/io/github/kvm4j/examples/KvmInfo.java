package io.github.kvm4j.examples;

import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vm;
import io.github.kvm4j.x86.Cpuid;

/**
 * Prints what this host's KVM can do: its limits, its capabilities, and on x86 the CPUID table that a guest may have.
 * <p>
 * What it teaches: asking for capabilities, of which some depend on the VM, and what the answers mean; reading a CPUID
 * table.
 */
public final class KvmInfo {

    private static final int WIDTH = 120;

    private KvmInfo() {
    }

    /**
     * Runs it.
     *
     * @param args
     *            none
     */
    public static void main(String[] args) {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            limits(kvm, vm);
            capabilities(kvm, vm);
            if (architecture() == Capability.Arch.X86) {
                cpuid(kvm.x86().getSupportedCpuid());
            }
        }
    }

    private static Capability.Arch architecture() {
        return switch (System.getProperty("os.arch")) {
            case "amd64" -> Capability.Arch.X86;
            case "aarch64" -> Capability.Arch.ARM64;
            case "riscv64" -> Capability.Arch.RISCV;
            case String other -> throw new IllegalStateException("unknown architecture: " + other);
        };
    }

    private static void limits(Kvm kvm, Vm vm) {
        System.out.printf("KVM API version %d, Linux %s, %s%n%n", kvm.getApiVersion(), System.getProperty("os.version"),
                System.getProperty("os.arch"));
        limit("vCPUs, recommended", vm.checkExtension(Capability.NR_VCPUS));
        limit("vCPUs, at most", vm.checkExtension(Capability.MAX_VCPUS));
        limit("vCPU ids, below", vm.checkExtension(Capability.MAX_VCPU_ID));
        limit("memory slots", vm.checkExtension(Capability.NR_MEMSLOTS));
        limit("mapping of a vCPU, bytes", kvm.vcpuMmapSize());
    }

    private static void limit(String what, long value) {
        System.out.printf("%-30s%14s%n", what, value == 0 ? "-" : value);
    }

    private static void capabilities(Kvm kvm, Vm vm) {
        List<String> rows = new ArrayList<>();
        List<String> lacking = new ArrayList<>();
        List<String> foreign = new ArrayList<>();
        for (Capability capability : Capability.values()) {
            boolean ofVm = capability.scope() == Capability.Scope.VM;
            int value = ofVm ? vm.checkExtension(capability) : kvm.checkExtension(capability);
            if (value != 0) {
                rows.add("%-30s%14s %-2s  %s".formatted(capability, meaning(capability, value), ofVm ? "VM" : "",
                        capability.description()));
            } else if (capability.architectures().contains(architecture())) {
                lacking.add(capability.name());
            } else {
                foreign.add(capability.name());
            }
        }
        System.out.printf("%n%d of %d capabilities (VM: the VM was asked)%n", rows.size(), Capability.values().length);
        rows.forEach(System.out::println);
        list("\nLacking, though KVM on " + architecture() + " can have them:", lacking);
        list("\nLacking, and for other architectures:", foreign);
    }

    private static String meaning(Capability capability, int value) {
        return switch (capability.valueKind()) {
            case BOOLEAN -> "yes";
            case COUNT -> Integer.toString(value);
            case BYTES -> value + " bytes";
            case BITS -> value + " bits";
            case NANOSECONDS -> value + " ns";
            case FLAGS -> "0x%x".formatted(value);
            case PAGE -> "page " + value;
            case LEVEL -> "level " + value;
            default -> "%d (%s)".formatted(value, capability.valueKind());
        };
    }

    private static void cpuid(Cpuid cpuid) {
        System.out.printf("%nSupported CPUID: %d entries, vendor %s%n%s%n", cpuid.entries().size(), cpuid.vendor(),
                cpuid);
    }

    /** Prints words under a heading, as many in a line as fit. */
    private static void list(String heading, List<String> words) {
        System.out.println(heading);
        StringBuilder line = new StringBuilder("   ");
        for (String word : words.isEmpty() ? List.of("none") : words) {
            if (line.length() + 1 + word.length() > WIDTH) {
                System.out.println(line);
                line.setLength(3);
            }
            line.append(' ').append(word);
        }
        System.out.println(line);
    }
}
