package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * The floating-point, vector and other extended state of an x86 vCPU. {@link Xsave} has all of it, {@link Fpu} the oldest
 * part.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} when this is for
 * lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when
 * it is closed.
 */
public final class X86Fpu {

    private final VcpuCalls calls;

    /** What XSAVE2 says on the VM; 0 as long as it has not been asked. */
    private int xsaveSize;

    X86Fpu(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Reads the x87 and SSE registers. KVM_GET_FPU, section 4.22.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_FPU)
    public void getFpu(Fpu into) {
        calls.fd.enter();
        try {
            calls.issue(Ioctl.KVM_GET_FPU);
            into.readFrom(calls.buffer);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Reads the x87 and SSE registers. KVM_GET_FPU, section 4.22.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_FPU)
    public Fpu getFpu() {
        Fpu into = new Fpu();
        getFpu(into);
        return into;
    }

    /**
     * Writes the x87 and SSE registers. KVM_SET_FPU, section 4.23. {@link #setXsave} is the better one: x86's KVM neither
     * moves {@link Fpu#mxcsr} nor marks these registers as being in use, so that a vCPU in whose {@link Xsave#xstateBv()}
     * x87 or SSE is not set runs with their initial values all the same.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when a field is out of its range
     */
    @Issues(Ioctl.KVM_SET_FPU)
    public void setFpu(Fpu from) {
        calls.fd.enter();
        try {
            from.writeTo(calls.buffer);
            calls.issue(Ioctl.KVM_SET_FPU);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Reads the extended state. KVM_GET_XSAVE, section 4.42, {@link Capability#XSAVE}, or KVM_GET_XSAVE2, section 4.134,
     * where {@link Capability#XSAVE2} says that there is more than 4096 bytes of it: with what
     * {@link X86Kvm#requestXcompGuestPerm} got, say. What a vCPU whose CPUID has no AMX does not have of that is zero.
     *
     * @param into
     *            where to; it gets the size that this VM's have
     */
    @Issues({Ioctl.KVM_GET_XSAVE, Ioctl.KVM_GET_XSAVE2})
    public void getXsave(Xsave into) {
        calls.fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            int size = xsaveSize();
            MemorySegment room = room(arena, size);
            // The kernel fills what this vCPU has, and that is less when the process is permitted AMX and its CPUID has none.
            room.asSlice(0, size).fill((byte) 0);
            calls.issue(size > Xsave.MIN_SIZE ? Ioctl.KVM_GET_XSAVE2 : Ioctl.KVM_GET_XSAVE, room);
            into.readFrom(room, size);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Reads the extended state. KVM_GET_XSAVE, section 4.42, {@link Capability#XSAVE}, or KVM_GET_XSAVE2, section 4.134,
     * where {@link Capability#XSAVE2} says that there is more than 4096 bytes of it: with what
     * {@link X86Kvm#requestXcompGuestPerm} got, say. What a vCPU whose CPUID has no AMX does not have of that is zero.
     *
     * @return a new one
     */
    @Issues({Ioctl.KVM_GET_XSAVE, Ioctl.KVM_GET_XSAVE2})
    public Xsave getXsave() {
        Xsave into = new Xsave();
        getXsave(into);
        return into;
    }

    /**
     * Writes the extended state. KVM_SET_XSAVE, section 4.43, {@link Capability#XSAVE}. A state of another VM's size is
     * taken when what is beyond this one's is zero.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when it is larger than this VM's, and what is beyond is not zero
     * @throws KvmException
     *             when the kernel refuses: EINVAL (components that the vCPU does not have, reserved bits of MXCSR or the
     *             header)
     */
    @Issues(Ioctl.KVM_SET_XSAVE)
    public void setXsave(Xsave from) {
        calls.fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            int size = xsaveSize();
            MemorySegment room = room(arena, size);
            from.writeTo(room, size);
            calls.issue(Ioctl.KVM_SET_XSAVE, room);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * The kernel reads and writes up to as many bytes as it has told, whatever the ioctl's number says. It tells what the
     * process is permitted, which no longer changes once there is a vCPU: so the answer is kept by the vCPU, and by nothing
     * above it.
     */
    private int xsaveSize() {
        if (xsaveSize == 0) {
            xsaveSize = Math.max(Xsave.MIN_SIZE, calls.vm.checkExtension(Capability.XSAVE2.number()));
        }
        return xsaveSize;
    }

    private MemorySegment room(Arena arena, int size) {
        return size <= calls.buffer.byteSize() ? calls.buffer : arena.allocate(size, Long.BYTES);
    }

    /**
     * Reads the extended control registers. KVM_GET_XCRS, section 4.44, {@link Capability#XCRS}.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_XCRS)
    public void getXcrs(Xcrs into) {
        calls.fd.enter();
        try {
            calls.issue(Ioctl.KVM_GET_XCRS);
            into.readFrom(calls.buffer);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Reads the extended control registers. KVM_GET_XCRS, section 4.44, {@link Capability#XCRS}.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_XCRS)
    public Xcrs getXcrs() {
        Xcrs into = new Xcrs();
        getXcrs(into);
        return into;
    }

    /**
     * Writes the extended control registers. KVM_SET_XCRS, section 4.45, {@link Capability#XCRS}.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (XCR0 without x87, a component without one that it needs, or one that the
     *             vCPU's CPUID does not announce: set CPUID first)
     */
    @Issues(Ioctl.KVM_SET_XCRS)
    public void setXcrs(Xcrs from) {
        calls.fd.enter();
        try {
            from.writeTo(calls.buffer);
            calls.issue(Ioctl.KVM_SET_XCRS);
        } finally {
            calls.fd.leave();
        }
    }
}
