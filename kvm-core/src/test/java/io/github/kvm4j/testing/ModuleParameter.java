package io.github.kvm4j.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the host's kernel modules do on this processor, where no capability tells. */
public final class ModuleParameter {

    private ModuleParameter() {
    }

    /** Whether a parameter of a module is there and on. */
    public static boolean isOn(String module, String parameter) {
        Path path = Path.of("/sys/module", module, "parameters", parameter);
        try {
            return Files.exists(path) && Files.readString(path).matches("(?s)[Y1].*");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
