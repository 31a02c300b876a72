package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The ioctls of kinds of state that nobody moves in a loop: their structures share the vCPU's buffer, and the capability is
 * asked for only when the kernel has refused.
 */
final class VcpuCalls {

    final VmState vm;
    final VcpuFd fd;

    /** Between enter and leave: what the call before left. */
    final MemorySegment buffer;

    VcpuCalls(VmState vm, VcpuFd fd) {
        this.vm = vm;
        this.fd = fd;
        this.buffer = fd.buffer();
    }

    /** Sets the first bytes of the buffer to 0. */
    void clear(long size) {
        buffer.asSlice(0, size).fill((byte) 0);
    }

    /** Issues an ioctl on the buffer; the caller has entered. */
    long issue(Ioctl ioctl) {
        return issue(ioctl, buffer);
    }

    /** Issues an ioctl; the caller has entered. */
    long issue(Ioctl ioctl, MemorySegment argument) {
        return check(ioctl, fd.entered(ioctl, argument));
    }

    /** Issues an ioctl that takes a number, and enters for it. */
    long issue(Ioctl ioctl, long value) {
        return check(ioctl, fd.attempt(ioctl, value));
    }

    /** The result, or the exception of a failure. */
    long check(Ioctl ioctl, long result) {
        if (result < 0) {
            requireAfter(ioctl, result);
            throw Explanations.failure(ioctl, result);
        }
        return result;
    }

    /** Names the capability, when it is for lack of it that the kernel refused. */
    void requireAfter(Ioctl ioctl, long result) {
        if (Errno.EINVAL.is(result) || Errno.ENOTTY.is(result)) {
            vm.require(ioctl, FdKind.VCPU);
        }
    }
}
