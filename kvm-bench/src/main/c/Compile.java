import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Compiles the C files beside it into one shared library: {@code java Compile.java SOURCES LIBRARY}. Run by the build
 * with the JDK whose JNI headers are meant. Without a C compiler it says so, and leaves no library; the benchmarks that
 * want it then refuse.
 */
void main(String[] arguments) throws IOException, InterruptedException {
    Path sources = Path.of(arguments[0]);
    Path library = Path.of(arguments[1]);
    Files.createDirectories(library.getParent());
    Files.deleteIfExists(library);

    Path headers = Path.of(System.getProperty("java.home"), "include");
    List<String> command = new ArrayList<>(List.of("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC",
            "-shared", "-pthread", "-I" + headers, "-I" + headers.resolve("linux"), "-o", library.toString()));
    try (var files = Files.list(sources)) {
        files.map(Path::toString).filter(file -> file.endsWith(".c")).sorted().forEach(command::add);
    }

    Process compiler;
    try {
        compiler = new ProcessBuilder(command).inheritIO().start();
    } catch (IOException e) {
        IO.println("WARNING: no C compiler (cc) on the PATH: the benchmarks in C and JNI will refuse to run ("
                + e.getMessage() + ")");
        return;
    }
    int status = compiler.waitFor();
    if (status != 0) {
        IO.println(String.join(" ", command));
        System.exit(status);
    }
}
