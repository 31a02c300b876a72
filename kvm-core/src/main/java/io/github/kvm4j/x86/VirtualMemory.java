package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.memory.GuestMemory;

/**
 * Memory as a vCPU's program sees it, by guest-virtual addresses, as a debugger needs it: what the vCPU's page tables make
 * of them, or, without paging, the addresses themselves. Segments are not looked at: the addresses are what the processor
 * calls linear. The guest's own protection does not stop an access, and none is marked in its page tables.
 * <p>
 * As with {@link io.github.kvm4j.Vcpu}, a call while another thread runs the vCPU is refused.
 */
public final class VirtualMemory {

    /** Larger ones are made of these, as far as addresses go. */
    private static final long PAGE = 4096;

    private final LongFunction<Translation> translation;
    private final GuestMemory memory;

    VirtualMemory(LongFunction<Translation> translation, GuestMemory memory) {
        this.translation = translation;
        this.memory = memory;
    }

    /**
     * Copies guest-virtual memory out, page by page. KVM_TRANSLATE, section 4.15, for each page.
     *
     * @param address
     *            the guest-virtual address
     * @param length
     *            how many bytes
     * @return the bytes
     * @throws IllegalArgumentException
     *             when the length is negative
     * @throws VirtualAddressException
     *             when a page is not mapped, or there is no memory
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_TRANSLATE)
    public byte[] read(long address, int length) {
        if (length < 0) {
            throw new IllegalArgumentException("length " + length + " is negative");
        }
        byte[] bytes = new byte[length];
        read(address, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /**
     * Copies guest-virtual memory out, page by page. KVM_TRANSLATE, section 4.15, for each page.
     *
     * @param address
     *            the guest-virtual address
     * @param into
     *            where to, and how much
     * @throws VirtualAddressException
     *             when a page is not mapped, or there is no memory: what is before it has been copied
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_TRANSLATE)
    public void read(long address, MemorySegment into) {
        eachPage(address, into, memory::read);
    }

    /**
     * Copies bytes into guest-virtual memory, page by page, also where the guest itself may only read. KVM_TRANSLATE,
     * section 4.15, for each page.
     *
     * @param address
     *            the guest-virtual address
     * @param bytes
     *            what
     * @throws VirtualAddressException
     *             when a page is not mapped, or there is no memory: what is before it has been copied
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_TRANSLATE)
    public void write(long address, byte[] bytes) {
        write(address, MemorySegment.ofArray(bytes));
    }

    /**
     * Copies bytes into guest-virtual memory, page by page, also where the guest itself may only read. KVM_TRANSLATE,
     * section 4.15, for each page.
     *
     * @param address
     *            the guest-virtual address
     * @param from
     *            what
     * @throws VirtualAddressException
     *             when a page is not mapped, or there is no memory: what is before it has been copied
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_TRANSLATE)
    public void write(long address, MemorySegment from) {
        eachPage(address, from, memory::write);
    }

    @FunctionalInterface
    private interface Copy {
        void copy(long physicalAddress, MemorySegment piece);
    }

    private void eachPage(long address, MemorySegment all, Copy copy) {
        long length = all.byteSize();
        for (long done = 0; done < length;) {
            long at = address + done;
            long size = Math.min(length - done, PAGE - (at & PAGE - 1));
            Translation translated = translation.apply(at);
            if (!translated.isValid()) {
                throw new VirtualAddressException(at, translated, done, length);
            }
            try {
                copy.copy(translated.physicalAddress(), all.asSlice(done, size));
            } catch (IndexOutOfBoundsException e) {
                VirtualAddressException named = new VirtualAddressException(at, translated, done, length);
                named.initCause(e);
                throw named;
            }
            done += size;
        }
    }
}
