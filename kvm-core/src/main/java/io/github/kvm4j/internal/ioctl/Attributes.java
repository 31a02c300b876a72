package io.github.kvm4j.internal.ioctl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import io.github.kvm4j.bindings.kvm_device_attr;
import io.github.kvm4j.internal.sys.Errno;

/** The attributes that devices have, and some vCPUs, VMs and the system: numbers in groups, each with a value. */
public final class Attributes {

    /**
     * The least that the kernel gets to read or to write at: more than any attribute of x86, arm64 and riscv has, so that
     * a wrong size given by the caller cannot make the kernel write beyond.
     */
    private static final int ROOM = 4096;

    private final IoctlTarget target;

    public Attributes(IoctlTarget target) {
        this.target = target;
    }

    /** KVM_HAS_DEVICE_ATTR. */
    public boolean has(int group, long attribute) {
        try (Arena arena = Arena.ofConfined()) {
            long result = target.attempt(Ioctl.KVM_HAS_DEVICE_ATTR,
                    request(arena, group, attribute, MemorySegment.NULL));
            // A descriptor without any attribute fails with EPERM, ENOTTY or, a VM or vCPU of some architectures, EINVAL.
            if (Errno.ENXIO.is(result) || Errno.EPERM.is(result) || Errno.ENOTTY.is(result)
                    || (Errno.EINVAL.is(result) && target.kind() != FdKind.DEVICE)) {
                return false;
            }
            KvmFd.check(Ioctl.KVM_HAS_DEVICE_ATTR, result);
            return true;
        }
    }

    /** KVM_SET_DEVICE_ATTR with a value of any size. */
    public void set(int group, long attribute, byte[] value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(Math.max(ROOM, value.length), Long.BYTES);
            MemorySegment.copy(value, 0, room, ValueLayout.JAVA_BYTE, 0, value.length);
            set(request(arena, group, attribute, room));
        }
    }

    /** KVM_SET_DEVICE_ATTR with an int. */
    public void setInt(int group, long attribute, int value) {
        try (Arena arena = Arena.ofConfined()) {
            set(request(arena, group, attribute, arena.allocateFrom(ValueLayout.JAVA_INT, value)));
        }
    }

    /** KVM_SET_DEVICE_ATTR with a long. */
    public void setLong(int group, long attribute, long value) {
        try (Arena arena = Arena.ofConfined()) {
            set(request(arena, group, attribute, arena.allocateFrom(ValueLayout.JAVA_LONG, value)));
        }
    }

    /** KVM_SET_DEVICE_ATTR of an attribute that is a command, without a value. */
    public void perform(int group, long attribute) {
        try (Arena arena = Arena.ofConfined()) {
            set(request(arena, group, attribute, MemorySegment.NULL));
        }
    }

    private void set(MemorySegment request) {
        KvmFd.check(Ioctl.KVM_SET_DEVICE_ATTR, target.attempt(Ioctl.KVM_SET_DEVICE_ATTR, request));
    }

    /** KVM_GET_DEVICE_ATTR with a value of any size. */
    public byte[] get(int group, long attribute, int size) {
        if (size < 0) {
            throw new IllegalArgumentException("a size of " + size + " bytes");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(Math.max(ROOM, size), Long.BYTES);
            get(arena, group, attribute, room);
            return room.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** KVM_GET_DEVICE_ATTR of an int. */
    public int getInt(int group, long attribute) {
        try (Arena arena = Arena.ofConfined()) {
            return get(arena, group, attribute, arena.allocate(ValueLayout.JAVA_INT)).get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** KVM_GET_DEVICE_ATTR of a long. */
    public long getLong(int group, long attribute) {
        try (Arena arena = Arena.ofConfined()) {
            return get(arena, group, attribute, arena.allocate(ValueLayout.JAVA_LONG)).get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private MemorySegment get(Arena arena, int group, long attribute, MemorySegment value) {
        KvmFd.check(Ioctl.KVM_GET_DEVICE_ATTR,
                target.attempt(Ioctl.KVM_GET_DEVICE_ATTR, request(arena, group, attribute, value)));
        return value;
    }

    private static MemorySegment request(Arena arena, int group, long attribute, MemorySegment value) {
        MemorySegment request = kvm_device_attr.allocate(arena);
        kvm_device_attr.group(request, group);
        kvm_device_attr.attr(request, attribute);
        kvm_device_attr.addr(request, value.address());
        return request;
    }
}
