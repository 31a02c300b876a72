package io.github.kvm4j.memory;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

import io.github.kvm4j.ClosedException;

/**
 * Ordered and atomic access to a guest's memory, for what is shared with it while it runs, such as the rings of virtio: a
 * number is read or written as a whole, and in an order with what comes before or after it that the guest sees as well.
 * <p>
 * Acquire: what comes later in the program is not done before this read. Release: what comes earlier is done before this
 * write. What must not pass each other in either direction (to write an index and then read whether the other side wants to
 * be told of it, say) takes {@link VarHandle#fullFence()} between the two.
 * <p>
 * An address is a multiple of the number's size. Numbers are little-endian, as in {@link GuestAccess}.
 * <p>
 * It is refused on memory that the host may be unable to provide, such as a file's that others can truncate: there an atomic
 * access can end the JVM. Anonymous memory, memfds of this library's and sealed files are all right; memfds and sealed files
 * only with {@link HostOption#PREFAULT} where {@code vm.overcommit_memory} is 2.
 * <p>
 * Any thread may use it, until the VM is closed.
 */
public final class GuestAtomics {

    private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private final GuestAccess memory;
    private final CarefulAccess careful;

    GuestAtomics(GuestAccess memory, CarefulAccess careful) {
        this.memory = memory;
        this.careful = careful;
    }

    /** The region that has all of a number: an aligned one does not cross, since regions are made of pages. */
    private static MemoryRegion find(MemoryMap map, long address, int size) {
        MemoryRegion region = map.at(address);
        long offset = address - region.guestAddress();
        if ((offset & (size - 1)) == 0 && region.isSure() && offset >= 0 && offset <= region.size() - size) {
            return region;
        }
        throw refusal(map, address, size);
    }

    private static RuntimeException refusal(MemoryMap map, long address, int size) {
        map.check(address, size);
        if ((address & (size - 1)) != 0) {
            return new IllegalArgumentException(String.format(
                    "guest address 0x%x is not a multiple of %d, as an atomic access takes", address, size));
        }
        MemoryRegion region = map.at(address);
        return new UnsupportedOperationException(String.format(
                "an atomic access to guest address 0x%x, in %s, could end the JVM, since behind it is %s; use a memfd or "
                        + "anonymous memory for what is shared with a running guest",
                address, region, region.host().risk()));
    }

    /**
     * Reads two bytes as a number, with acquire semantics.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 2
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public short getShortAcquire(long address) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Short.BYTES);
            try {
                return (short) SHORT.getAcquire(region.segment(), address - region.guestAddress());
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Writes a number of two bytes, with release semantics.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 2
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public void putShortRelease(long address, short value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Short.BYTES);
            try {
                SHORT.setRelease(region.segment(), address - region.guestAddress(), value);
                return;
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Reads four bytes as a number, with acquire semantics.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 4
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public int getIntAcquire(long address) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Integer.BYTES);
            try {
                return (int) INT.getAcquire(region.segment(), address - region.guestAddress());
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Writes a number of four bytes, with release semantics.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 4
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public void putIntRelease(long address, int value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Integer.BYTES);
            try {
                INT.setRelease(region.segment(), address - region.guestAddress(), value);
                return;
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Writes a number of four bytes if another is there, in one step, with the semantics of a volatile read and write.
     *
     * @param address
     *            where, guest-physical
     * @param expected
     *            what must be there
     * @param value
     *            the number
     * @return whether it was there, and has been replaced
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 4
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public boolean compareAndSetInt(long address, int expected, int value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Integer.BYTES);
            try {
                return INT.compareAndSet(region.segment(), address - region.guestAddress(), expected, value);
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Adds to a number of four bytes, in one step, with the semantics of a volatile read and write.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            how much
     * @return the number that was there before
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 4
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public int getAndAddInt(long address, int value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Integer.BYTES);
            try {
                return (int) INT.getAndAdd(region.segment(), address - region.guestAddress(), value);
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Reads eight bytes as a number, with acquire semantics.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 8
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public long getLongAcquire(long address) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Long.BYTES);
            try {
                return (long) LONG.getAcquire(region.segment(), address - region.guestAddress());
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Writes a number of eight bytes, with release semantics.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 8
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public void putLongRelease(long address, long value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Long.BYTES);
            try {
                LONG.setRelease(region.segment(), address - region.guestAddress(), value);
                return;
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Writes a number of eight bytes if another is there, in one step, with the semantics of a volatile read and write.
     *
     * @param address
     *            where, guest-physical
     * @param expected
     *            what must be there
     * @param value
     *            the number
     * @return whether it was there, and has been replaced
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 8
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public boolean compareAndSetLong(long address, long expected, long value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Long.BYTES);
            try {
                return LONG.compareAndSet(region.segment(), address - region.guestAddress(), expected, value);
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }

    /**
     * Adds to a number of eight bytes, in one step, with the semantics of a volatile read and write.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            how much
     * @return the number that was there before
     * @throws GuestAddressException
     *             when there is no memory
     * @throws IllegalArgumentException
     *             when the address is not a multiple of 8
     * @throws UnsupportedOperationException
     *             when the host may be unable to provide the memory
     * @throws ClosedException
     *             when the VM is closed
     */
    public long getAndAddLong(long address, long value) {
        while (true) {
            MemoryMap map = memory.map();
            MemoryRegion region = find(map, address, Long.BYTES);
            try {
                return (long) LONG.getAndAdd(region.segment(), address - region.guestAddress(), value);
            } catch (IllegalStateException e) {
                careful.changed(map, e);
            }
        }
    }
}
