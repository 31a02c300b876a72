package io.github.kvm4j.programs;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.exit.ExitDecoder;
import io.github.kvm4j.internal.exit.ExitReason;
import io.github.kvm4j.internal.exit.RunPage;
import io.github.kvm4j.testing.CRunPage;

/**
 * Decodes and completes exits of every reason, and of one that the header lacks, each more often than its smallest object
 * would fit into the heap. For a JVM without a garbage collector: it ends well only if nothing is allocated.
 */
public final class DecodeExits {

    /** The smallest object has 16 bytes, the heap that the test gives 24 MiB, of which 11 are used from the start. */
    private static final int ROUNDS = 1_000_000;

    private DecodeExits() {
    }

    public static void main(String[] args) {
        CRunPage c = new CRunPage("x86_64");
        ExitDecoder decoder = new ExitDecoder(new RunPage(c.page));
        int decoded = 0;
        for (ExitReason reason : ExitReason.values()) {
            prepare(c.dirty(0).reason(reason.number()), reason);
            decoded += rounds(decoder);
        }
        strings(c, decoder);
        c.dirty(0).reason(1000);
        decoded += rounds(decoder);
        System.out.println("decoded " + decoded);
    }

    /** What the types with bounds, and those of several kinds, want, and the most that they take. */
    private static void prepare(CRunPage c, ExitReason reason) {
        switch (reason) {
            case KVM_EXIT_IO -> c.put("io.size", 1).put("io.count", 4).put("io.data_offset", 4096);
            case KVM_EXIT_MMIO -> c.put("mmio.len", 8);
            case KVM_EXIT_LOONGARCH_IOCSR -> c.put("iocsr_io.len", 8);
            case KVM_EXIT_XEN -> c.put("xen.type", 1);
            case KVM_EXIT_HYPERV -> c.put("hyperv.type", 2);
            case KVM_EXIT_SYSTEM_EVENT -> c.put("system_event.ndata", 16);
            case KVM_EXIT_INTERNAL_ERROR -> c.put("emulation_failure.suberror", 1).put("emulation_failure.ndata", 16)
                    .put("emulation_failure.flags", 1).put("emulation_failure.insn_size", 15);
            default -> {
            }
        }
    }

    /** Port strings of all lengths, each longer than the one before: an array for each would be 33 MB. */
    private static void strings(CRunPage c, ExitDecoder decoder) {
        prepare(c.dirty(0).reason(ExitReason.KVM_EXIT_IO.number()), ExitReason.KVM_EXIT_IO);
        for (int count = 2; count <= 4096; count++) {
            c.put("io.count", count);
            decoder.decode();
            decoder.complete();
        }
    }

    private static int rounds(ExitDecoder decoder) {
        int decoded = 0;
        for (int i = 0; i < ROUNDS; i++) {
            if (decoder.decode() instanceof Exit exit && exit.runFlags() == 0) {
                decoded++;
            }
            decoder.complete();
        }
        return decoded;
    }
}
