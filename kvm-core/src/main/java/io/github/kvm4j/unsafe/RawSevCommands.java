package io.github.kvm4j.unsafe;

import java.lang.foreign.MemorySegment;
import java.util.function.ObjIntConsumer;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.x86.X86Sev;

/**
 * The commands of AMD's secure encrypted virtualization by their numbers, with the firmware's descriptor that the library
 * holds: those that send and receive a guest, or debug one, and what a newer kernel has.
 * <p>
 * <b>It is unsafe.</b> The structures have addresses in them, which nothing checks: the firmware reads and writes there.
 */
public final class RawSevCommands {

    private final ObjIntConsumer<MemorySegment> issue;

    /**
     * For {@link X86Sev} alone.
     *
     * @param issue
     *            issues a command
     * @hidden
     */
    public RawSevCommands(ObjIntConsumer<MemorySegment> issue) {
        this.issue = issue;
    }

    /**
     * Issues a command. KVM_MEMORY_ENCRYPT_OP, section 4.110.
     *
     * @param id
     *            the command, a number of {@code enum sev_cmd_id}
     * @param data
     *            its structure, of native, writable memory; {@link MemorySegment#NULL} for none
     * @throws IllegalArgumentException
     *             when the memory is not of that kind
     * @throws KvmException
     *             when the kernel or the firmware refuse; the message has the firmware's error
     * @throws ClosedException
     *             when the firmware's descriptor or the VM is closed
     */
    public void command(int id, MemorySegment data) {
        if (!data.isNative() || data.isReadOnly()) {
            throw new IllegalArgumentException("a command takes native, writable memory; this is " + data);
        }
        issue.accept(data, id);
    }
}
