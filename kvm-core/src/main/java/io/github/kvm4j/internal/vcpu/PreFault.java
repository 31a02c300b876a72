package io.github.kvm4j.internal.vcpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.bindings.kvm_pre_fault_memory;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Backoff;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vm.VmState;

/**
 * KVM_PRE_FAULT_MEMORY until all is done. The kernel does as much as it likes, says in the structure what is left, and
 * fails only when it has done nothing.
 */
public final class PreFault {

    /** What is asked for at a time, so that a vCPU can be closed meanwhile. */
    private static final long PIECE = 64L << 20;

    /** How often in a row it may be interrupted, or told to try again, without having done anything. */
    private static final int TRIES = 1000;

    private PreFault() {
    }

    /** Maps a range of whole pages into the page tables of a vCPU. */
    public static void map(VmState vm, VcpuFd fd, long guestAddress, long size) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            vm.require(Ioctl.KVM_PRE_FAULT_MEMORY, FdKind.VCPU);
            MemorySegment request = kvm_pre_fault_memory.allocate(arena);
            for (long done = 0; done < size; done += PIECE) {
                kvm_pre_fault_memory.gpa(request, guestAddress + done);
                kvm_pre_fault_memory.size(request, Math.min(PIECE, size - done));
                map(fd, request);
            }
        } finally {
            fd.leave();
        }
    }

    private static void map(VcpuFd fd, MemorySegment request) {
        Backoff backoff = new Backoff();
        int tries = 0;
        while (kvm_pre_fault_memory.size(request) > 0) {
            fd.requireOpen();
            long left = kvm_pre_fault_memory.size(request);
            long result = fd.entered(Ioctl.KVM_PRE_FAULT_MEMORY, request);
            boolean again = Errno.EINTR.is(result) || Errno.EAGAIN.is(result);
            if (result >= 0 && kvm_pre_fault_memory.size(request) < left) {
                tries = 0;
            } else if ((result < 0 && !again) || ++tries == TRIES) {
                throw Explanations.failure(Ioctl.KVM_PRE_FAULT_MEMORY,
                        String.format("%s(0x%x)", Ioctl.KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory.gpa(request)),
                        result < 0 ? result : -Errno.EAGAIN.number());
            } else {
                backoff.pause();
            }
        }
    }
}
