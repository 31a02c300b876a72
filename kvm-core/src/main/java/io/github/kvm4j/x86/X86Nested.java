package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_nested_state;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Errno;

/**
 * The state of nested virtualization of an x86 vCPU.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} when this is for
 * lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when
 * it is closed.
 */
public final class X86Nested {

    private final VcpuCalls calls;

    X86Nested(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Reads the nested state. KVM_GET_NESTED_STATE, section 4.114, {@link Capability#NESTED_STATE}, whose value is the most
     * bytes. It is sized by itself.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_NESTED_STATE)
    public void getNestedState(NestedState into) {
        calls.fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = calls.buffer;
            long result = get(room);
            int needed = kvm_nested_state.size(room);
            if (Errno.E2BIG.is(result) && needed > room.byteSize()) {
                room = arena.allocate(needed, Long.BYTES);
                result = get(room);
            }
            if (result < 0) {
                calls.requireAfter(Ioctl.KVM_GET_NESTED_STATE, result);
                throw Explanations.failure(Ioctl.KVM_GET_NESTED_STATE, result);
            }
            into.readFrom(room);
        } finally {
            calls.fd.leave();
        }
    }

    private long get(MemorySegment room) {
        kvm_nested_state.size(room, (int) room.byteSize());
        return calls.fd.entered(Ioctl.KVM_GET_NESTED_STATE, room);
    }

    /**
     * Reads the nested state. KVM_GET_NESTED_STATE, section 4.114, {@link Capability#NESTED_STATE}.
     *
     * @return a new one
     */
    @Issues(Ioctl.KVM_GET_NESTED_STATE)
    public NestedState getNestedState() {
        NestedState into = new NestedState();
        getNestedState(into);
        return into;
    }

    /**
     * Writes the nested state, after the special registers and EFER. KVM_SET_NESTED_STATE, section 4.115,
     * {@link Capability#NESTED_STATE}.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when the format is unknown, or flags are out of range
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the other processor's format, flags or addresses that do not go together,
     *             or the vCPU's CPUID does not have VMX or SVM)
     */
    @Issues(Ioctl.KVM_SET_NESTED_STATE)
    public void setNestedState(NestedState from) {
        calls.fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = from.size() <= calls.buffer.byteSize()
                    ? calls.buffer
                    : arena.allocate(from.size(), Long.BYTES);
            from.writeTo(room);
            calls.issue(Ioctl.KVM_SET_NESTED_STATE, room);
        } finally {
            calls.fd.leave();
        }
    }
}
