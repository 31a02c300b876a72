package io.github.kvm4j.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What /proc says about this process. */
public final class ProcessState {

    private ProcessState() {
    }

    /** The numbers and targets of the open descriptors of KVM: {@code /dev/kvm} and {@code anon_inode:kvm*}. */
    public static List<String> kvmFds() {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path fd : fds) {
                try {
                    String target = Files.readSymbolicLink(fd).toString();
                    if (target.contains("kvm") && (target.startsWith("anon_inode") || target.startsWith("/dev/"))) {
                        found.add(fd.getFileName() + " " + target);
                    }
                } catch (NoSuchFileException e) {
                    // the directory's own descriptor, or somebody else's that is gone
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    /** The lines of /proc/self/maps with a mapping of KVM. */
    public static List<String> kvmMappings() {
        return lines("/proc/self/maps").stream().filter(line -> line.contains("anon_inode:kvm-")).toList();
    }

    /** How many mappings there are in all. */
    public static int mappings() {
        return lines("/proc/self/maps").size();
    }

    /** The flags of an open descriptor, as open(2) takes them. */
    public static int fdFlags(int fd) {
        return lines("/proc/self/fdinfo/" + fd).stream().filter(line -> line.startsWith("flags:"))
                .mapToInt(line -> Integer.parseInt(line.substring(6).trim(), 8)).findFirst().orElseThrow();
    }

    /** Resident memory in KiB. */
    public static long residentKib() {
        return lines("/proc/self/status").stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
    }

    private static List<String> lines(String file) {
        try {
            return Files.readAllLines(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
