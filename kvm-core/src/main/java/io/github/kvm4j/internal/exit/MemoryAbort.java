package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Errno;

/** KVM_EXIT_MEMORY_FAULT. */
public final class MemoryAbort extends Flyweight implements Exit.MemoryFault {

    private static final long FAULT = kvm_run.memory_fault$offset();
    private static final long FLAGS = FAULT + kvm_run.memory_fault.flags$offset();
    private static final long ADDRESS = FAULT + kvm_run.memory_fault.gpa$offset();
    private static final long SIZE = FAULT + kvm_run.memory_fault.size$offset();

    private long flags;
    private long address;
    private long size;
    private int errno;

    MemoryAbort() {
    }

    @Override
    void load(RunPage run) {
        flags = run.getLong(FLAGS);
        address = run.getLong(ADDRESS);
        size = run.getLong(SIZE);
        errno = 0;
    }

    void setErrno(int errno) {
        this.errno = errno;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long flags() {
        return flags;
    }

    @Override
    public boolean isPrivate() {
        return (flags & kvm_h.KVM_MEMORY_EXIT_FLAG_PRIVATE()) != 0;
    }

    @Override
    public int errno() {
        return errno;
    }

    @Override
    public String toString() {
        return String.format("MemoryFault[0x%x, %d bytes, flags 0x%x, %s]", address, size, flags, Errno.name(errno));
    }
}
