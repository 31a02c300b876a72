package io.github.kvm4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.x86.CpuTopology;

/**
 * Boots SeaBIOS, the PC firmware that QEMU uses, and prints its log until it has found nothing to boot from.
 * <p>
 * What it teaches: a VM that real software takes for a PC (in-kernel interrupt controllers and timer, CPUID, a read-only
 * memory region), the few ports that the firmware cannot do without, and a time limit that ends a run from another
 * thread, whatever the guest does.
 * <p>
 * Options: {@code -Dfirmware=FILE}, the image; {@code -Dseconds=N}, the time limit.
 */
public final class Firmware {

    private static final long RAM_SIZE = 64 << 20;
    private static final long ONE_MIB = 1 << 20;
    private static final long SIXTEEN_MIB = 16 << 20;
    private static final long FOUR_GIB = 1L << 32;

    /** Four pages for KVM's own use, which Intel's processors may need: where there is no RAM, and below the image. */
    private static final long IDENTITY_MAP = 0xfffb_c000L;
    private static final long TSS = IDENTITY_MAP + 0x1000;

    private static final int CMOS_INDEX_PORT = 0x70;
    private static final int CMOS_DATA_PORT = 0x71;
    private static final int MEMORY_REGISTER = 0x34;

    /** What is written here is the log; that it reads as 0xe9 tells SeaBIOS that somebody listens. */
    private static final int DEBUG_PORT = 0x402;
    private static final int DEBUG_PORT_IS_THERE = 0xe9;

    private static final String LAST_LINE = "No bootable device";

    /** The battery-backed memory of a PC, where SeaBIOS finds the size of the RAM. */
    private final byte[] cmos = new byte[128];
    private int cmosIndex;

    private final StringBuilder line = new StringBuilder();
    private boolean done;

    private Firmware() {
        // In units of 64 KiB. The firmware finds 0 in all other registers, and is content with it.
        int above16Mib = (int) ((RAM_SIZE - SIXTEEN_MIB) >> 16);
        cmos[MEMORY_REGISTER] = (byte) above16Mib;
        cmos[MEMORY_REGISTER + 1] = (byte) (above16Mib >> 8);
    }

    /**
     * Runs it. The status is 0 when the firmware has come to its end, and 1 otherwise.
     *
     * @param args
     *            none
     */
    public static void main(String[] args) {
        try {
            new Firmware().boot(readImage(System.getProperty("firmware", "")), timeLimit());
        } catch (Failure | KvmException e) {
            System.err.println("Firmware: " + e.getMessage());
            System.exit(1);
        }
    }

    private static byte[] readImage(String name) throws Failure {
        if (name.isEmpty()) {
            throw new Failure("say which image to boot, as in -Dfirmware=/usr/share/seabios/bios.bin; "
                    + "on Debian and Ubuntu that file comes with: apt install seabios");
        }
        Path path = Path.of(name).toAbsolutePath();
        try {
            long size = Files.size(path);
            if (Files.isRegularFile(path) && size != 128 << 10 && size != 256 << 10) {
                throw new Failure(path + " is no image of SeaBIOS for a PC: it has " + size
                        + " bytes, not 128 or 256 KiB");
            }
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new Failure("cannot read the firmware image " + path + " (" + e + ")");
        }
    }

    private static long timeLimit() throws Failure {
        String seconds = System.getProperty("seconds", "60");
        try {
            return Long.parseLong(seconds);
        } catch (NumberFormatException e) {
            throw new Failure("-Dseconds=" + seconds + ": the time limit is a whole number of seconds");
        }
    }

    private void boot(byte[] image, long seconds) throws Failure {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().setIdentityMapAddress(IDENTITY_MAP);
            vm.x86().setTssAddress(TSS);
            vm.x86().createIrqchip();
            vm.x86().createPit2();

            GuestMemory memory = vm.memory();
            memory.add(0, RAM_SIZE);
            memory.add(FOUR_GIB - image.length, image.length, Set.of(MemoryFlag.READONLY));
            // The processor starts 16 bytes below 4 GiB; SeaBIOS soon goes on in the copy below 1 MiB, and writes there.
            memory.write(FOUR_GIB - image.length, image);
            memory.write(ONE_MIB - image.length, image);

            Vcpu vcpu = vm.createVcpu(0);
            vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid().forVcpu(CpuTopology.ofCores(1), vcpu.id()));

            // A guest may spin, or halt and wait in the kernel: only another thread can end that run.
            CompletableFuture.delayedExecutor(seconds, TimeUnit.SECONDS).execute(vcpu::kick);
            while (!done) {
                switch (vcpu.run()) {
                    case Exit.Io io when io.port() == DEBUG_PORT -> debugPort(io);
                    case Exit.Io io when io.port() == CMOS_INDEX_PORT && io.isOut() -> cmosIndex = io.value() & 0x7f;
                    case Exit.Io io when io.port() == CMOS_DATA_PORT -> cmosData(io);
                    // Nothing is there: what is written is lost, and without an answer a read gives all ones.
                    case Exit.Io _ -> {
                    }
                    case Exit.Mmio _ -> {
                    }
                    case Exit.Interrupted _ -> throw new Failure(
                            "no line with \"" + LAST_LINE + "\" within the time limit, -Dseconds=" + seconds);
                    case Exit other -> throw new Failure("unexpected exit: " + other);
                }
            }
        } finally {
            System.out.flush();
        }
    }

    private void cmosData(Exit.Io io) {
        if (io.isIn()) {
            io.answer(cmos[cmosIndex]);
        } else {
            cmos[cmosIndex] = (byte) io.value();
        }
    }

    private void debugPort(Exit.Io io) {
        if (io.isIn()) {
            io.answer(DEBUG_PORT_IS_THERE);
            return;
        }
        for (int i = 0; i < io.count(); i++) {
            char c = (char) io.value(i);
            System.out.write(c);
            line.append(c);
            if (c == '\n') {
                System.out.flush();
                done |= line.indexOf(LAST_LINE) >= 0;
                line.setLength(0);
            }
        }
    }

    /** Tells the user why it did not work; nothing else is to be known about it. */
    private static final class Failure extends Exception {

        private static final long serialVersionUID = 1L;

        Failure(String message) {
            super(message);
        }
    }
}
