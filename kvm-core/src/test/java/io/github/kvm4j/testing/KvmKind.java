package io.github.kvm4j.testing;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which implementation of x86's KVM the tests run on, told by the host and not by what the library makes of it: what one of
 * them is known not to do (docs/kvm-notes.md) is skipped there alone, and must work on every other.
 */
public enum KvmKind {

    /** A paravirtual one, without VT-x or SVM. */
    PVM,
    /** AMD's SVM as QEMU emulates it. */
    EMULATED_SVM,
    /** A processor's own virtualization; also that of another architecture. */
    HARDWARE;

    private static final KvmKind HOST = Files.isDirectory(Path.of("/sys/module/kvm_pvm"))
            ? PVM
            : Rounds.onEmulatedMachine() && Files.isDirectory(Path.of("/sys/module/kvm_amd")) ? EMULATED_SVM : HARDWARE;

    boolean isHost() {
        return this == HOST;
    }
}
