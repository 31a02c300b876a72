package io.github.kvm4j.internal.vcpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_one_reg;
import io.github.kvm4j.bindings.kvm_reg_list;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vm.VmState;

/**
 * A vCPU's registers by id, in scratch memory of the vCPU's own. An id says how large its register is. Every architecture
 * that the library knows is little-endian: the low bytes of a long come first.
 */
public final class OneReg {

    /** The most that an id of the header says. */
    private static final int LARGEST = sizeOf(kvm_h.KVM_REG_SIZE_U2048());

    private final VmState vm;
    private final VcpuFd fd;
    private final MemorySegment request;
    private final MemorySegment value;

    public OneReg(VmState vm, VcpuFd fd) {
        this.vm = vm;
        this.fd = fd;
        this.request = fd.scratch().allocate(kvm_one_reg.layout());
        this.value = fd.scratch().allocate(LARGEST, Long.BYTES);
        kvm_one_reg.addr(request, value.address());
    }

    /** The bytes that a register has. */
    public static int sizeOf(long id) {
        return 1 << ((id & kvm_h.KVM_REG_SIZE_MASK()) >>> kvm_h.KVM_REG_SIZE_SHIFT());
    }

    /** A register of at most 64 bits, zero-extended. */
    public long get(long id) {
        requireLong(id);
        fd.enter();
        try {
            value.set(JAVA_LONG, 0, 0);
            issue(Ioctl.KVM_GET_ONE_REG, id);
            return value.get(JAVA_LONG, 0);
        } finally {
            fd.leave();
        }
    }

    /** Sets a register of at most 64 bits, to the low ones of a number. */
    public void set(long id, long number) {
        requireLong(id);
        fd.enter();
        try {
            value.set(JAVA_LONG, 0, number);
            issue(Ioctl.KVM_SET_ONE_REG, id);
        } finally {
            fd.leave();
        }
    }

    /** A register of any size. */
    public byte[] getBytes(long id) {
        int size = requireKnownSize(id);
        fd.enter();
        try {
            issue(Ioctl.KVM_GET_ONE_REG, id);
            return value.asSlice(0, size).toArray(JAVA_BYTE);
        } finally {
            fd.leave();
        }
    }

    /** Sets a register of any size. */
    public void setBytes(long id, byte[] bytes) {
        int size = requireKnownSize(id);
        if (bytes.length != size) {
            throw new IllegalArgumentException(String.format("register 0x%x has %d bytes; these are %d", id, size,
                    bytes.length));
        }
        fd.enter();
        try {
            MemorySegment.copy(bytes, 0, value, JAVA_BYTE, 0, size);
            issue(Ioctl.KVM_SET_ONE_REG, id);
        } finally {
            fd.leave();
        }
    }

    /** The ids that the vCPU has. */
    public long[] list() {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = kvm_reg_list.allocate(arena);
            long result = fd.entered(Ioctl.KVM_GET_REG_LIST, list);
            if (Errno.E2BIG.is(result)) {
                long count = kvm_reg_list.n(list);
                list = arena.allocate(kvm_reg_list.sizeof() + count * Long.BYTES, Long.BYTES);
                kvm_reg_list.n(list, count);
                result = fd.entered(Ioctl.KVM_GET_REG_LIST, list);
            }
            check(Ioctl.KVM_GET_REG_LIST, result);
            return list.asSlice(kvm_reg_list.sizeof(), kvm_reg_list.n(list) * Long.BYTES).toArray(JAVA_LONG);
        } finally {
            fd.leave();
        }
    }

    private void issue(Ioctl ioctl, long id) {
        kvm_one_reg.id(request, id);
        long result = fd.entered(ioctl, request);
        if (result < 0) {
            check(ioctl, result);
        }
    }

    /** Tells a KVM without registers by id, such as x86's before 6.18, from one that does not like this id. */
    private void check(Ioctl ioctl, long result) {
        if (Errno.EINVAL.is(result) || Errno.ENOTTY.is(result)) {
            vm.require(ioctl, FdKind.VCPU);
            throw Explanations.failure(ioctl, result);
        }
        KvmFd.check(ioctl, result);
    }

    private static void requireLong(long id) {
        if (sizeOf(id) > Long.BYTES) {
            throw new IllegalArgumentException(String.format(
                    "register 0x%x has %d bytes, more than a long; read and write it as bytes", id, sizeOf(id)));
        }
    }

    private static int requireKnownSize(long id) {
        int size = sizeOf(id);
        if (size > LARGEST) {
            throw new IllegalArgumentException(
                    String.format("register 0x%x has %d bytes; there is none of more than %d", id, size, LARGEST));
        }
        return size;
    }
}
