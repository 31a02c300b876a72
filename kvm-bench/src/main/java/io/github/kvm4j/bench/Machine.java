package io.github.kvm4j.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What was measured on. */
final class Machine {

    private Machine() {
    }

    static String json() {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("CPU", line(Path.of("/proc/cpuinfo"), "model name") + ", "
                + Runtime.getRuntime().availableProcessors() + " online");
        properties.put("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                + System.getProperty("os.arch"));
        properties.put("KVM", modules());
        properties.put("JDK", System.getProperty("java.vendor.version") + ", " + System.getProperty("java.vm.version"));
        properties.put("date", LocalDate.now().toString());
        return properties.entrySet().stream()
                .map(property -> Json.quote(property.getKey()) + ": " + Json.quote(property.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    /** How many threads wanted a CPU in the last one, five and fifteen minutes. */
    static String load() {
        String[] averages = read(Path.of("/proc/loadavg")).split(" ");
        return averages[0] + " " + averages[1] + " " + averages[2];
    }

    /** The part of KVM that is the hardware's, where it is a module. */
    private static String modules() {
        if (!Files.exists(Path.of("/dev/kvm"))) {
            return "no /dev/kvm";
        }
        try (var modules = Files.list(Path.of("/sys/module"))) {
            String names = modules.map(module -> module.getFileName().toString())
                    .filter(name -> name.startsWith("kvm_")).sorted().collect(Collectors.joining(", "));
            return names.isEmpty() ? "no module with its name" : names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(Path file, String key) {
        return read(file).lines().filter(line -> line.startsWith(key))
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst().orElse("unknown");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
