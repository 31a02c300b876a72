package io.github.kvm4j.internal.ioctl;

import java.lang.foreign.MemorySegment;

/** A descriptor that ioctls are issued on. A failure is returned as the negated errno. */
public interface IoctlTarget {

    /** What kind of descriptor it is. */
    FdKind kind();

    /** Issues an ioctl that takes nothing or a number. */
    long attempt(Ioctl ioctl, long value);

    /** Issues an ioctl that takes a pointer. */
    long attempt(Ioctl ioctl, MemorySegment argument);
}
