package io.github.kvm4j.programs;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.GuestAddressException;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MissingMemoryException;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.FakeVm;
import io.github.kvm4j.testing.RealMemory;

/**
 * Truncates the file behind guest memory and touches what is gone by every public access, some thousand times each, so that
 * it is compiled on the way. Each must tell what is missing, and where; an atomic one must be refused before.
 */
public final class TruncatedFile {

    private static final int SIZE = 4 << 20;
    private static final int KEPT = 0x3000;
    private static final long START = 0x10_0000;
    private static final long GONE = START + KEPT;
    private static final int BULK = 20 << 10;

    private TruncatedFile() {
    }

    private interface Access {
        void at(GuestMemory memory, long address) throws IOException;
    }

    /** So that the compilers do not find that nobody wants what is read. */
    private static long sum;

    private static Map<String, Access> accesses(Path other) throws IOException {
        byte[] bytes = new byte[100];
        byte[] many = new byte[BULK];
        FileChannel file = FileChannel.open(other, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Map<String, Access> all = new LinkedHashMap<>();
        all.put("getByte", (memory, at) -> sum += memory.getByte(at));
        all.put("getShort", (memory, at) -> sum += memory.getShort(at));
        all.put("getInt", (memory, at) -> sum += memory.getInt(at));
        all.put("getLong", (memory, at) -> sum += memory.getLong(at));
        all.put("putByte", (memory, at) -> memory.putByte(at, (byte) 1));
        all.put("putShort", (memory, at) -> memory.putShort(at, (short) 1));
        all.put("putInt", (memory, at) -> memory.putInt(at, 1));
        all.put("putLong", (memory, at) -> memory.putLong(at, 1));
        all.put("getLong across the edge of a page", (memory, at) -> sum += memory.getLong(at - 4));
        all.put("write 1", (memory, at) -> memory.write(at, bytes, 0, 1));
        all.put("write 100", (memory, at) -> memory.write(at, bytes));
        all.put("write many", (memory, at) -> memory.write(at - 5, many));
        all.put("write segment", (memory, at) -> memory.write(at, MemorySegment.ofArray(many)));
        all.put("read 1", (memory, at) -> memory.read(at, bytes, 0, 1));
        all.put("read 100", (memory, at) -> sum += memory.read(at, 100)[7]);
        all.put("read many", (memory, at) -> memory.read(at - 5, many, 0, BULK));
        all.put("read segment", (memory, at) -> memory.read(at, MemorySegment.ofArray(many)));
        all.put("fill 3", (memory, at) -> memory.fill(at, 3, (byte) 1));
        all.put("fill many", (memory, at) -> memory.fill(at - 5, BULK, (byte) 1));
        all.put("getCString", (memory, at) -> sum += memory.getCString(at, 20).hashCode());
        all.put("putCString", (memory, at) -> sum += memory.putCString(at, "text"));
        all.put("channel in",
                (memory, at) -> memory.write(at, Channels.newChannel(new ByteArrayInputStream(bytes)), 100));
        all.put("channel out",
                (memory, at) -> memory.read(at, Channels.newChannel(new ByteArrayOutputStream()), 100));
        all.put("file in", (memory, at) -> memory.write(at, file.position(0), BULK));
        all.put("file out", (memory, at) -> memory.read(at, file.position(0), BULK));
        return all;
    }

    /** {@code -Dtruncated.before} says how often each access is made before the file is truncated, {@code .after} how often after. */
    public static void main(String[] args) throws IOException {
        int before = Integer.getInteger("truncated.before");
        int after = Integer.getInteger("truncated.after");
        Path folder = Files.createTempDirectory("truncated");
        Path other = folder.resolve("other");
        Files.write(other, new byte[BULK]);
        int checked = 0;
        for (boolean shared : new boolean[]{true, false}) {
            for (Map.Entry<String, Access> entry : accesses(other).entrySet()) {
                Path file = folder.resolve("file");
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
                        FakeVm vm = RealMemory.vm()) {
                    resize(channel, SIZE);
                    Backing backing = shared ? Backing.sharedFile(file, 0) : Backing.privateFile(file, 0);
                    vm.memory.add(START, SIZE, RegionOptions.of(backing));
                    for (int i = 0; i < before; i++) {
                        entry.getValue().at(vm.memory, GONE);
                    }
                    resize(channel, KEPT);
                    for (int i = 0; i < after; i++) {
                        check(entry.getKey(), entry.getValue(), vm.memory);
                        checked++;
                    }
                    atomics(vm.memory);
                    segments(vm.memory, after);
                    vm.memory.putLong(GONE - 8, 42);
                }
            }
        }
        System.out.println("checked " + checked);
    }

    private static void resize(FileChannel channel, long size) throws IOException {
        if (channel.size() > size) {
            channel.truncate(size);
        } else {
            channel.write(ByteBuffer.allocate(1), size - 1);
        }
    }

    private static void check(String name, Access access, GuestMemory memory) throws IOException {
        try {
            access.at(memory, GONE);
        } catch (MissingMemoryException e) {
            if (e.getMessage().contains("truncate") && e.address() - GONE < BULK && e.address() >= GONE - 5) {
                return;
            }
            throw new AssertionError(name, e);
        }
        throw new AssertionError(name + " saw nothing");
    }

    private static void atomics(GuestMemory memory) {
        try {
            memory.atomics().compareAndSetInt(GONE, 0, 1);
        } catch (UnsupportedOperationException e) {
            if (e.getMessage().contains("truncate")) {
                return;
            }
        }
        throw new AssertionError("an atomic access was not refused");
    }

    /** Who takes the segment gets the JVM's own error, and a JVM that goes on. */
    private static void segments(GuestMemory memory, int times) {
        MemorySegment segment = memory.segment(GONE, 64);
        int errors = 0;
        for (int i = 0; i < times; i++) {
            try {
                sum += segment.get(ValueLayout.JAVA_LONG, 0);
                Thread.yield();
            } catch (InternalError e) {
                errors++;
            }
        }
        if (errors != times) {
            throw new AssertionError(errors + " errors of " + times);
        }
        try {
            memory.segment(START + SIZE, 1);
        } catch (GuestAddressException e) {
            return;
        }
        throw new AssertionError("beyond the end");
    }
}
