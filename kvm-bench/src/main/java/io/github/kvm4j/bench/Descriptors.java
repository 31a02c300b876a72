package io.github.kvm4j.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** This process's open files, as the kernel lists them. */
final class Descriptors {

    private Descriptors() {
    }

    /** The number of the one descriptor that leads to a file of this name. */
    static int find(String target) {
        try (var links = Files.list(Path.of("/proc/self/fd"))) {
            List<Path> found = links.filter(link -> target(link).equals(target)).toList();
            if (found.size() != 1) {
                throw new IllegalStateException(found.size() + " descriptors lead to " + target + ", not one");
            }
            return Integer.parseInt(found.getFirst().getFileName().toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            // The directory's own descriptor is gone by now.
            return "";
        }
    }
}
