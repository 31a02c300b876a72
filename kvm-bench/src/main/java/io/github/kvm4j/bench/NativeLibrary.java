package io.github.kvm4j.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The shared library that the build compiles from {@code src/main/c}: on the class path, and so in the jar. */
final class NativeLibrary {

    private static final String RESOURCE = "/native/libbaselines.so";

    private NativeLibrary() {
    }

    /** Whether a C compiler was there when this was built. */
    static boolean isThere() {
        return NativeLibrary.class.getResource(RESOURCE) != null;
    }

    /**
     * Copies it to a file, to be loaded from there; it is deleted when the JVM ends.
     *
     * @throws IllegalStateException
     *             when it was not compiled
     */
    static Path unpack() {
        try (InputStream library = NativeLibrary.class.getResourceAsStream(RESOURCE)) {
            if (library == null) {
                throw new IllegalStateException(
                        "there is nothing in C to compare with: no C compiler (cc) was found when"
                                + " kvm-bench was built. Install one (Debian: gcc, libc6-dev) and build again");
            }
            Path file = Files.createTempFile("libbaselines", ".so");
            file.toFile().deleteOnExit();
            Files.copy(library, file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
