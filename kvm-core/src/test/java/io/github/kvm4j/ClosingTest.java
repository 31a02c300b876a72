package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;

/** Closing while other threads are at work. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@DependsOnHost
class ClosingTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));

    @Test
    void aVmThatIsCreatedWhileItsKvmIsClosedIsClosedToo() {
        CompletableFuture<?>[] closer = {null};
        libc.onIoctl(Ioctl.KVM_CREATE_VM, () -> {
            closer[0] = Concurrent.start(kvm::close);
            Concurrent.await(kvm::isClosed);
        });
        assertThrows(ClosedException.class, kvm::createVm);
        closer[0].join();
        assertTrue(libc.calls().contains("close(VM)"), libc.calls()::toString);
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aVmIsClosedToOthersWhileItWaitsForItsVcpu() {
        CountDownLatch inTheGuest = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        libc.onIoctl(Ioctl.KVM_RUN, () -> {
            inTheGuest.countDown();
            Concurrent.await(leave);
        });
        Vm vm = kvm.createVm();
        Vcpu vcpu = vm.createVcpu(0);
        CompletableFuture<Void> runner = Concurrent.start(vcpu::run);
        Concurrent.await(inTheGuest);
        CompletableFuture<Void> closer = Concurrent.start(vm::close);
        Concurrent.await(vm::isClosed);
        assertThrows(ClosedException.class, () -> vm.createVcpu(1));
        Concurrent.assertWaits(closer);
        leave.countDown();
        Concurrent.finish(runner);
        Concurrent.finish(closer);
        kvm.close();
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aVmIsClosedAfterTheSystemCallThatFillsItsMemory() throws IOException {
        Vm vm = kvm.createVm();
        MemorySegment memory = vm.memory().add(0, 0x1000).segment();
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            Thread[] reader = {null};
            CountDownLatch started = new CountDownLatch(1);
            CompletableFuture<Void> read = Concurrent.start(() -> {
                reader[0] = Thread.currentThread();
                started.countDown();
                try {
                    source.read(memory.asByteBuffer());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Concurrent.await(started);
            Concurrent.await(() -> isInSystemCall(reader[0]));
            CompletableFuture<Void> closer = Concurrent.start(vm::close);
            Concurrent.await(vm::isClosed);
            Concurrent.assertWaits(closer);
            assertEquals(List.of("anonymous 4096"), libc.mapped());
            sink.write(ByteBuffer.wrap(new byte[]{1}));
            Concurrent.finish(read);
            Concurrent.finish(closer);
        }
        assertEquals(List.of(), libc.mapped());
        assertThrows(IllegalStateException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
        kvm.close();
    }

    private static boolean isInSystemCall(Thread thread) {
        StackTraceElement[] stack = thread.getStackTrace();
        return stack.length > 0 && stack[0].isNativeMethod() && stack[0].getMethodName().startsWith("read");
    }
}
