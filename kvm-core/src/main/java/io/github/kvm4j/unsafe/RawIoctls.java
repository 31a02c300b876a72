package io.github.kvm4j.unsafe;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.ToLongFunction;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.ioctl.Argument;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.IoctlTarget;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.ioctl.Structures;

/**
 * The way down: any ioctl of the registry, by its kernel name, with an argument of the caller's own. It is for the ioctl
 * that has no typed method yet.
 * <p>
 * <b>It is unsafe.</b> The name, the kind of descriptor, the argument's size and the object's life are checked. Nothing can
 * check what the bytes mean: a pointer in a structure that leads nowhere, or to less memory than the kernel writes, makes
 * the kernel write over whatever is there, the JVM's own memory included. And what is changed behind the library's back (a
 * memory slot, say) the library does not know of.
 * <p>
 * The structures with addresses in them are marked in {@code docs/coverage.md}.
 * <p>
 * Refused are KVM_RUN, KVM_SET_SIGNAL_MASK (it could block the signal by which a run is ended), and the ioctls that return
 * a descriptor, since the library must own those.
 */
public final class RawIoctls {

    private final IoctlTarget target;
    private final ToLongFunction<Capability> capabilities;

    /**
     * For the four classes of descriptors alone.
     *
     * @param target
     *            the descriptor
     * @param capabilities
     *            what its VM, or for the system the system, answers for a capability
     * @hidden
     */
    @SuppressWarnings("exports")
    public RawIoctls(IoctlTarget target, ToLongFunction<Capability> capabilities) {
        this.target = target;
        this.capabilities = capabilities;
    }

    /**
     * Issues an ioctl that takes no argument.
     *
     * @param name
     *            its kernel name, such as {@code KVM_NMI}
     * @return what the kernel returns, 0 or more
     * @throws IllegalArgumentException
     *             when there is no such ioctl, it is not for this kind of descriptor, it takes an argument, or it is refused
     *             here
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when closed
     */
    public long ioctl(String name) {
        Ioctl ioctl = find(name);
        if (!(ioctl.argument() instanceof Argument.None)) {
            throw wrongArgument(ioctl, "nothing");
        }
        return KvmFd.check(ioctl, target.attempt(ioctl, 0));
    }

    /**
     * Issues an ioctl that takes a number.
     *
     * @param name
     *            its kernel name, such as {@code KVM_SET_BOOT_CPU_ID}
     * @param value
     *            the number
     * @return what the kernel returns, 0 or more
     * @throws IllegalArgumentException
     *             when there is no such ioctl, it is not for this kind of descriptor, it takes no number, or it is refused
     *             here
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when closed
     */
    public long ioctl(String name, long value) {
        Ioctl ioctl = find(name);
        if (!(ioctl.argument() instanceof Argument.Value)) {
            throw wrongArgument(ioctl, "a number");
        }
        return KvmFd.check(ioctl, target.attempt(ioctl, value));
    }

    /**
     * Issues an ioctl that takes a pointer to a structure, or to a header with an array behind it, whose count the caller
     * has set.
     *
     * @param name
     *            its kernel name, such as {@code KVM_GET_CLOCK}
     * @param argument
     *            the structure: native memory, writable, at least of the size that the kernel expects
     * @return what the kernel returns, 0 or more
     * @throws IllegalArgumentException
     *             when there is no such ioctl, it is not for this kind of descriptor, it takes no pointer, it is refused
     *             here, or the memory is not native, read-only or too small
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU, or the memory's arena is closed
     * @throws ClosedException
     *             when closed
     */
    public long ioctl(String name, MemorySegment argument) {
        Ioctl ioctl = find(name);
        if (ioctl.argument() instanceof Argument.None || ioctl.argument() instanceof Argument.Value) {
            throw wrongArgument(ioctl, "a pointer");
        }
        if (!argument.isNative() || argument.isReadOnly()) {
            throw new IllegalArgumentException(ioctl + " takes native, writable memory; this is " + argument);
        }
        long least = size(ioctl, argument);
        if (argument.byteSize() < least) {
            throw new IllegalArgumentException(ioctl + " takes at least " + least + " bytes; this is " + argument);
        }
        return KvmFd.check(ioctl, target.attempt(ioctl, argument));
    }

    private long size(Ioctl ioctl, MemorySegment argument) {
        return switch (ioctl.argument()) {
            case Argument.None none -> 0;
            case Argument.Value value -> 0;
            case Argument.Pointer pointer -> Structures.size(pointer.structure());
            case Argument.Array array -> Structures.size(array, argument);
            case Argument.Sized sized -> Structures.size(sized, argument);
            case Argument.Extended extended ->
                Math.max(Structures.size(extended.structure()), capabilities.applyAsLong(extended.size()));
        };
    }

    private Ioctl find(String name) {
        Ioctl ioctl = Arrays.stream(Ioctl.values()).filter(candidate -> candidate.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the registry has no ioctl " + name));
        if (!ioctl.kinds().contains(target.kind())) {
            throw new IllegalArgumentException(
                    ioctl + " is for " + ioctl.kinds() + " descriptors; this one is of kind " + target.kind());
        }
        if (ioctl.number() == 0) {
            throw new IllegalArgumentException(ioctl + " is not for this host's architecture");
        }
        if (ioctl.marks().contains(Ioctl.Mark.LIBRARY_OWNS) || ioctl.marks().contains(Ioctl.Mark.RETURNS_FD)) {
            throw new IllegalArgumentException(ioctl + " is refused here: the library must own what it does");
        }
        return ioctl;
    }

    private static IllegalArgumentException wrongArgument(Ioctl ioctl, String given) {
        String wanted = switch (ioctl.argument()) {
            case Argument.None _ -> "no argument";
            case Argument.Value _ -> "a number";
            case Argument.Pointer pointer -> "a pointer to " + pointer.structure();
            case Argument.Array array -> "a pointer to " + array.structure();
            case Argument.Sized sized -> "a pointer to " + sized.structure();
            case Argument.Extended extended -> "a pointer to " + extended.structure();
        };
        return new IllegalArgumentException(ioctl + " takes " + wanted + ", and was given " + given);
    }
}
