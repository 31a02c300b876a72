package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.programs.ExitWhileRunning;
import io.github.kvm4j.programs.OpenKvm;
import io.github.kvm4j.programs.Soak;
import io.github.kvm4j.testing.ChildJvm;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;

/** What needs a process of its own. */
class ProcessTest {

    @Test
    @Tag("slow")
    @RequiresKvm
    void tenThousandLivesLeaveNothing() {
        // A heap of fixed size, and free native memory given back: what grows then is a leak. Without the trim the JIT
        // compiler's working memory comes and goes by more than the limit (seen: 0 to 15 MB; with C1 alone 3 MB).
        ChildJvm child = ChildJvm.run(Soak.class, "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC",
                "-XX:TrimNativeHeapInterval=200");
        assertEquals(0, child.status(), child::output);
        Map<String, Integer> left = child.output().lines().filter(line -> line.matches(".* -?\\d+"))
                .collect(Collectors.toMap(line -> line.substring(0, line.lastIndexOf(' ')),
                        line -> Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1))));
        System.out.println(
                Rounds.of(10_000) + " lives, and " + Rounds.of(300) + " with irqchip and PIT on x86, leave: " + left);
        assertEquals(0, left.get("fds"));
        assertEquals(0, left.get("kvm mappings"));
        assertTrue(left.get("more mappings") <= 10, () -> "of three a life: " + left);
        assertTrue(left.get("grown KiB") < 10 * 1024, left::toString);
    }

    @Test
    @Tag("slow")
    @RequiresKvm
    void systemExitEndsTheProcessWhileAVcpuRuns() {
        ChildJvm child = ChildJvm.run(ExitWhileRunning.class);
        assertEquals(42, child.status(), child::output);
        assertEquals("leaving", child.output().strip());
    }

    @Test
    void onAnArchitectureWithoutTypesTheMessageSaysSo() {
        ChildJvm child = ChildJvm.run(OpenKvm.class, "-Dos.arch=loongarch64");
        assertEquals(2, child.output().lines()
                .filter(line -> line
                        .contains("knows the architectures amd64, aarch64 and riscv64; this host is loongarch64"))
                .count(), child::output);
    }

    @Test
    void withoutNativeAccessTheMessageHasTheOption() {
        ChildJvm child = ChildJvm.command(List.of(), ChildJvm.paths(), OpenKvm.class,
                List.of("--illegal-native-access=deny"));
        List<String> lines = child.output().lines().toList();
        assertEquals(2, lines.size(), child::output);
        for (String line : lines) {
            assertTrue(line.startsWith("io.github.kvm4j.KvmException"), child::output);
            assertTrue(line.contains("start java with " + ChildJvm.NATIVE_ACCESS), child::output);
        }
    }

    @Test
    @RequiresKvm
    void withoutPermissionTheMessageHasTheRemedy(@TempDir Path copy) throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can become somebody else");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "there is no setpriv (util-linux)");
        assumeTrue(!Files.getPosixFilePermissions(Path.of("/dev/kvm")).toString().contains("OTHERS"),
                "everybody may open /dev/kvm here");
        // Somebody else cannot read the repository, and perhaps not this tree either.
        Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
        List<Path> paths = new ArrayList<>();
        for (Path entry : ChildJvm.paths()) {
            paths.add(copyTo(copy.resolve(paths.size() + entry.getFileName().toString()), entry));
        }
        ChildJvm child = ChildJvm.command(
                List.of("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), paths,
                OpenKvm.class, List.of(ChildJvm.NATIVE_ACCESS));
        assertTrue(child.output().contains("open(/dev/kvm) failed: EACCES (errno 13)"), child::output);
        assertTrue(child.output().contains("group kvm"), child::output);
        assertFalse(child.output().contains("opened"), child::output);
    }

    private static Path copyTo(Path target, Path source) throws IOException {
        Files.walkFileTree(source, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(target.resolve(source.relativize(dir).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, file.equals(source) ? target : target.resolve(source.relativize(file).toString()));
                return FileVisitResult.CONTINUE;
            }
        });
        return target;
    }
}
