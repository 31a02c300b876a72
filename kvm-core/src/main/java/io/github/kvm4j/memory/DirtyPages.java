package io.github.kvm4j.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Objects;
import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_dirty_log;

/**
 * Which pages of a memory region have been written to: one bit for each page, whichever of KVM's means has told. Pages are
 * of the host's page size, and counted from the region's start.
 * <p>
 * It is plain data that the caller owns, with nothing to close, and as such not for several threads at a time. The bits are
 * outside of the Java heap, where the kernel writes them to: one bit for 4 KiB makes 32 KiB for 1 GiB.
 */
public final class DirtyPages {

    /** Gets runs of dirty pages. */
    @FunctionalInterface
    public interface RangeConsumer {

        /**
         * Takes a run of pages that are all dirty, and have none beside them that is.
         *
         * @param firstPage
         *            the first, counted from the region's start
         * @param count
         *            how many, 1 or more
         */
        void accept(long firstPage, long count);
    }

    private interface Copy {
        void copy(long offset, long length) throws IOException;
    }

    private final MemoryRegion region;
    private final long pages;
    private final int words;
    private final MemorySegment bitmap;

    /** What the kernel is given, kept so that reading the log again allocates nothing. */
    private @Nullable MemorySegment request;

    /**
     * Creates a set without a dirty page.
     *
     * @param region
     *            the region
     */
    public DirtyPages(MemoryRegion region) {
        this.region = region;
        this.pages = region.size() / region.pageSize();
        this.words = Math.toIntExact((pages + Long.SIZE - 1) / Long.SIZE);
        this.bitmap = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG, words);
    }

    /**
     * Returns whose pages they are.
     *
     * @return the region
     */
    public MemoryRegion region() {
        return region;
    }

    /**
     * Returns how many pages there are, dirty or not.
     *
     * @return the region's size in pages
     */
    public long pages() {
        return pages;
    }

    /**
     * Returns the size of a page.
     *
     * @return bytes; the host's page size
     */
    public int pageSize() {
        return region.pageSize();
    }

    /**
     * Counts the dirty pages.
     *
     * @return how many
     */
    public long count() {
        long count = 0;
        for (int i = 0; i < words; i++) {
            count += Long.bitCount(word(i));
        }
        return count;
    }

    /**
     * Tells whether no page is dirty.
     *
     * @return true if none is
     */
    public boolean isEmpty() {
        return nextDirty(0) < 0;
    }

    /**
     * Tells whether a page is dirty.
     *
     * @param page
     *            the page
     * @return whether it is
     * @throws IndexOutOfBoundsException
     *             when the region has no such page
     */
    public boolean isDirty(long page) {
        Objects.checkIndex(page, pages);
        return (word(wordOf(page)) & bit(page)) != 0;
    }

    /**
     * Finds the next dirty page.
     *
     * @param from
     *            where to begin, 0 or more
     * @return the first dirty page that is not before it, or −1 when there is none
     * @throws IndexOutOfBoundsException
     *             when it is negative
     */
    public long nextDirty(long from) {
        return next(from, 0);
    }

    /** The next bit that is not as those of {@code skipped}, which are all zeros or all ones; −1 when there is none. */
    private long next(long from, long skipped) {
        if (from < 0) {
            throw new IndexOutOfBoundsException(from);
        }
        if (from >= pages) {
            return -1;
        }
        int index = wordOf(from);
        long word = (word(index) ^ skipped) & -bit(from);
        while (word == 0) {
            if (++index == words) {
                return -1;
            }
            word = word(index) ^ skipped;
        }
        long found = (long) index * Long.SIZE + Long.numberOfTrailingZeros(word);
        return found < pages ? found : -1;
    }

    /**
     * Gives each dirty page to a consumer, the lowest first. It allocates nothing.
     *
     * @param consumer
     *            gets the pages, counted from the region's start
     */
    public void forEach(LongConsumer consumer) {
        for (int i = 0; i < words; i++) {
            long word = word(i);
            while (word != 0) {
                consumer.accept((long) i * Long.SIZE + Long.numberOfTrailingZeros(word));
                word &= word - 1;
            }
        }
    }

    /**
     * Gives each run of dirty pages to a consumer, the lowest first. It allocates nothing.
     *
     * @param consumer
     *            gets the runs
     */
    public void forEachRange(RangeConsumer consumer) {
        long first = nextDirty(0);
        while (first >= 0) {
            long end = next(first, -1);
            if (end < 0) {
                end = pages;
            }
            consumer.accept(first, end - first);
            first = nextDirty(end);
        }
    }

    /**
     * Returns where the guest has a page.
     *
     * @param page
     *            the page
     * @return the guest-physical address of its first byte
     * @throws IndexOutOfBoundsException
     *             when the region has no such page
     */
    public long guestAddress(long page) {
        return region.guestAddress() + Objects.checkIndex(page, pages) * pageSize();
    }

    /**
     * Marks a page as dirty.
     *
     * @param page
     *            the page
     * @throws IndexOutOfBoundsException
     *             when the region has no such page
     */
    public void add(long page) {
        Objects.checkIndex(page, pages);
        int index = wordOf(page);
        bitmap.setAtIndex(ValueLayout.JAVA_LONG, index, word(index) | bit(page));
    }

    /**
     * Marks as dirty what is dirty in another set: this becomes the union of the two.
     *
     * @param other
     *            a set of the same region
     * @throws IllegalArgumentException
     *             when it is of another region
     */
    @SuppressWarnings("ReferenceEquality") // the same region, whatever looks like it
    public void addAll(DirtyPages other) {
        if (other.region != region) {
            throw new IllegalArgumentException("pages of " + other.region + " are none of " + region);
        }
        for (int i = 0; i < words; i++) {
            bitmap.setAtIndex(ValueLayout.JAVA_LONG, i, word(i) | other.word(i));
        }
    }

    /** Marks all pages as clean. */
    public void clear() {
        bitmap.fill((byte) 0);
    }

    /**
     * Returns the bits as the kernel has them.
     *
     * @return 64 pages a word, the lowest page in the lowest bit
     */
    public long[] toLongArray() {
        long[] array = new long[words];
        for (int i = 0; i < words; i++) {
            array[i] = word(i);
        }
        return array;
    }

    /**
     * Copies the dirty pages to a second image of the region, each to its place.
     *
     * @param image
     *            where to, at least as long as the region
     * @return how many bytes were copied
     * @throws IndexOutOfBoundsException
     *             when the image is shorter than the region
     * @throws MissingMemoryException
     *             when some of it is gone, as that of a file that has been truncated
     * @throws IllegalStateException
     *             when the VM is closed
     */
    public long copyTo(MemorySegment image) {
        Objects.checkFromIndexSize(0, region.size(), image.byteSize());
        MemorySegment from = region.segment();
        try {
            return copyEach((offset, length) -> RiskyCopy.copy(region, from, offset, image, offset, length));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Writes the dirty pages to a channel, one behind the other: a stream that the other end can only read when it knows
     * which pages they are.
     *
     * @param channel
     *            where to
     * @return how many bytes were written
     * @throws IOException
     *             when the channel fails
     * @throws IllegalBlockingModeException
     *             when the channel is in non-blocking mode
     * @throws MissingMemoryException
     *             when some of it is gone, as that of a file that has been truncated
     * @throws IllegalStateException
     *             when the VM is closed
     */
    public long writeTo(WritableByteChannel channel) throws IOException {
        if (channel instanceof SelectableChannel selectable && !selectable.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
        return copyEach((offset, length) -> {
            for (long done = 0; done < length;) {
                done += RiskyCopy.write(region, offset + done, length - done, channel);
            }
        });
    }

    /**
     * Writes the dirty pages to a file that has an image of the region, each to its place there.
     *
     * @param file
     *            where to
     * @param position
     *            where in the file the region starts, in bytes
     * @return how many bytes were written
     * @throws IOException
     *             when the file cannot be written
     * @throws IllegalArgumentException
     *             when the position is negative
     * @throws MissingMemoryException
     *             when some of it is gone, as that of a file that has been truncated
     * @throws IllegalStateException
     *             when the VM is closed
     */
    public long writeTo(FileChannel file, long position) throws IOException {
        if (position < 0) {
            throw new IllegalArgumentException("position " + position + " is negative");
        }
        return copyEach((offset, length) -> {
            ByteBuffer bytes = bytes(offset, length);
            while (bytes.hasRemaining()) {
                file.write(bytes, position + offset + bytes.position());
            }
        });
    }

    private ByteBuffer bytes(long offset, long length) {
        return region.segment().asSlice(offset, length).asByteBuffer();
    }

    /** Gives each run of dirty pages to a copy, in pieces that do not take long; offsets and lengths in bytes. */
    private long copyEach(Copy copy) throws IOException {
        long bytes = 0;
        for (long first = nextDirty(0); first >= 0;) {
            long end = next(first, -1);
            end = (end < 0 ? pages : end);
            long offset = first * pageSize();
            long length = Math.min((end - first) * pageSize(), CarefulAccess.PIECE);
            try {
                copy.copy(offset, length);
                if (!region.host().risk().isEmpty()) {
                    Faults.settle();
                }
            } catch (InternalError e) {
                throw Faults.missing(region, region.guestAddress() + offset, length, e);
            } catch (IOException e) {
                throw Faults.missing(region, offset, length, e);
            }
            bytes += length;
            first = nextDirty(first + length / pageSize());
        }
        return bytes;
    }

    /**
     * Returns a copy with bits of its own.
     *
     * @return the copy, of the same region
     */
    public DirtyPages copy() {
        DirtyPages copy = new DirtyPages(region);
        copy.bitmap.copyFrom(bitmap);
        return copy;
    }

    /** A word as the kernel wrote it, without what is beyond the last page. */
    private long word(int index) {
        long word = bitmap.getAtIndex(ValueLayout.JAVA_LONG, index);
        return index < words - 1 ? word : word & -1L >>> -(int) pages;
    }

    private static int wordOf(long page) {
        return (int) (page / Long.SIZE);
    }

    private static long bit(long page) {
        return 1L << page;
    }

    /** Where the kernel reads and writes the bits from a page on, whose number is a multiple of 64. */
    MemorySegment bitmap(long firstPage) {
        return bitmap.asSlice(firstPage / Byte.SIZE);
    }

    /** What KVM_GET_DIRTY_LOG takes for this set: it is the same each time. */
    MemorySegment request() {
        MemorySegment made = request;
        if (made == null) {
            made = kvm_dirty_log.allocate(Arena.ofAuto());
            kvm_dirty_log.slot(made, region.slot());
            kvm_dirty_log.dirty_bitmap(made, bitmap);
            request = made;
        }
        return made;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DirtyPages that && region.equals(that.region) && bitmap.mismatch(that.bitmap) < 0;
    }

    @Override
    public int hashCode() {
        int hash = region.hashCode();
        for (int i = 0; i < words; i++) {
            hash = 31 * hash + Long.hashCode(word(i));
        }
        return hash;
    }

    @Override
    public String toString() {
        return count() + " of " + pages + " pages of " + region;
    }
}
