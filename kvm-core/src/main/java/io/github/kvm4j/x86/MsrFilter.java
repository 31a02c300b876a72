package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Collectors;

import io.github.kvm4j.bindings.x86.kvm_msr_filter;
import io.github.kvm4j.bindings.x86.kvm_msr_filter_range;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * Which of the guest's accesses to model-specific registers KVM may handle: {@code struct kvm_msr_filter}, for
 * {@link X86Vm#setMsrFilter}. An immutable value; each method makes a filter with one range more:
 * <pre>{@code MsrFilter.allowing().deny(READ_WRITE, 0x174, 3).deny(WRITE, 0x1a0)}</pre>
 * <p>
 * The first range that has the register and the kind of access decides, and what no range has, the default.
 */
public final class MsrFilter {

    private static final int MAX_RANGES = kvm_x86_h.KVM_MSR_FILTER_MAX_RANGES();

    /** The most registers of one range. */
    public static final int MAX_COUNT = kvm_x86_h.KVM_MSR_FILTER_MAX_BITMAP_SIZE() * Byte.SIZE;

    /** The local APIC's registers in x2APIC mode, which KVM allows whatever a filter says (section 4.97). */
    private static final int X2APIC_FIRST = 0x800;
    private static final int X2APIC_LAST = 0x8ff;

    private static final long MSRS = 1L << 32;

    /** What a guest does to a register. */
    public enum Access {

        /** RDMSR: KVM_MSR_FILTER_READ. */
        READ(kvm_x86_h.KVM_MSR_FILTER_READ()),
        /** WRMSR: KVM_MSR_FILTER_WRITE. */
        WRITE(kvm_x86_h.KVM_MSR_FILTER_WRITE()),
        /** Either. */
        READ_WRITE(kvm_x86_h.KVM_MSR_FILTER_READ() | kvm_x86_h.KVM_MSR_FILTER_WRITE());

        private final int flags;

        Access(int flags) {
            this.flags = flags;
        }
    }

    private record Range(Access access, int first, int count, BitSet allowed) {

        @Override
        public String toString() {
            int yes = allowed.cardinality();
            return (yes == count ? "allow " : yes == 0 ? "deny " : "allow " + yes + " for ") + access
                    + String.format(" 0x%x", first)
                    + (count == 1 ? "" : String.format(" to 0x%x", first + count - 1));
        }
    }

    private final boolean allowing;
    private final List<Range> ranges;

    private MsrFilter(boolean allowing, List<Range> ranges) {
        this.allowing = allowing;
        this.ranges = List.copyOf(ranges);
    }

    /**
     * Starts with a filter that allows all. Without ranges it is no filter at all: it ends one.
     *
     * @return a filter without ranges
     */
    public static MsrFilter allowing() {
        return new MsrFilter(true, List.of());
    }

    /**
     * Starts with a filter that denies all, KVM_MSR_FILTER_DEFAULT_DENY. KVM does not take it without ranges.
     *
     * @return a filter without ranges
     */
    public static MsrFilter denying() {
        return new MsrFilter(false, List.of());
    }

    /**
     * Allows an access to one register.
     *
     * @param access
     *            which
     * @param msr
     *            the register's index
     * @return a filter with this range too
     * @throws IllegalArgumentException
     *             when there would be more than 16 ranges
     */
    public MsrFilter allow(Access access, int msr) {
        return allow(access, msr, 1);
    }

    /**
     * Allows an access to several registers.
     *
     * @param access
     *            which
     * @param first
     *            the first register's index
     * @param count
     *            how many registers, 1 to {@link #MAX_COUNT}
     * @return a filter with this range too
     * @throws IllegalArgumentException
     *             when there would be more than 16 ranges, or the count is out of range
     */
    public MsrFilter allow(Access access, int first, int count) {
        BitSet all = new BitSet();
        all.set(0, Math.clamp(count, 0, MAX_COUNT));
        return range(access, first, count, all);
    }

    /**
     * Denies an access to one register.
     *
     * @param access
     *            which
     * @param msr
     *            the register's index
     * @return a filter with this range too
     * @throws IllegalArgumentException
     *             when there would be more than 16 ranges, or KVM does not filter the register (x2APIC, 0x800 to 0x8ff)
     */
    public MsrFilter deny(Access access, int msr) {
        return deny(access, msr, 1);
    }

    /**
     * Denies an access to several registers.
     *
     * @param access
     *            which
     * @param first
     *            the first register's index
     * @param count
     *            how many registers, 1 to {@link #MAX_COUNT}
     * @return a filter with this range too
     * @throws IllegalArgumentException
     *             when there would be more than 16 ranges, the count is out of range, or KVM does not filter one of the
     *             registers (x2APIC, 0x800 to 0x8ff)
     */
    public MsrFilter deny(Access access, int first, int count) {
        return range(access, first, count, new BitSet());
    }

    /**
     * Allows an access to some registers of a range, and denies it to the others.
     *
     * @param access
     *            which
     * @param first
     *            the first register's index
     * @param count
     *            how many registers, 1 to {@link #MAX_COUNT}
     * @param allowed
     *            bit n is set when register {@code first + n} is allowed
     * @return a filter with this range too
     * @throws IllegalArgumentException
     *             when there would be more than 16 ranges, the count is out of range, a bit is beyond it, or KVM does not
     *             filter one of the registers that are denied (x2APIC, 0x800 to 0x8ff)
     */
    public MsrFilter range(Access access, int first, int count, BitSet allowed) {
        if (ranges.size() == MAX_RANGES) {
            throw new IllegalArgumentException("a filter has at most " + MAX_RANGES + " ranges");
        }
        if (count < 1 || count > MAX_COUNT || Integer.toUnsignedLong(first) + count > MSRS) {
            throw new IllegalArgumentException(String.format(
                    "%d registers from 0x%x: a range has 1 to %d, and ends with the last index at the latest", count,
                    first, MAX_COUNT));
        }
        if (allowed.length() > count) {
            throw new IllegalArgumentException("bit " + (allowed.length() - 1) + " of a range of " + count);
        }
        for (int msr = Math.max(first, X2APIC_FIRST); first >= 0
                && msr < Math.min(first + count, X2APIC_LAST + 1); msr++) {
            if (!allowed.get(msr - first)) {
                throw new IllegalArgumentException(String.format("register 0x%x: KVM does not filter those of the "
                        + "x2APIC, 0x%x to 0x%x, and would let this one pass", msr, X2APIC_FIRST, X2APIC_LAST));
            }
        }
        List<Range> more = new ArrayList<>(ranges);
        more.add(new Range(access, first, count, (BitSet) allowed.clone()));
        return new MsrFilter(allowing, more);
    }

    /** Refuses what the kernel would, with a reason. */
    void check() {
        if (!allowing && ranges.isEmpty()) {
            throw new IllegalArgumentException("a filter that denies all but its ranges, and has none: without ranges "
                    + "KVM does not filter; deny a range");
        }
    }

    MemorySegment write(Arena arena) {
        MemorySegment filter = kvm_msr_filter.allocate(arena);
        kvm_msr_filter.flags(filter,
                allowing ? kvm_x86_h.KVM_MSR_FILTER_DEFAULT_ALLOW() : kvm_x86_h.KVM_MSR_FILTER_DEFAULT_DENY());
        for (int i = 0; i < ranges.size(); i++) {
            Range range = ranges.get(i);
            MemorySegment entry = kvm_msr_filter.ranges(filter, i);
            kvm_msr_filter_range.flags(entry, range.access.flags);
            kvm_msr_filter_range.base(entry, range.first);
            kvm_msr_filter_range.nmsrs(entry, range.count);
            // The kernel copies whole longs.
            MemorySegment bitmap = arena.allocate((long) Math.ceilDiv(range.count, Long.SIZE) * Long.BYTES, Long.BYTES);
            byte[] bits = range.allowed.toByteArray();
            MemorySegment.copy(bits, 0, bitmap, JAVA_BYTE, 0, bits.length);
            kvm_msr_filter_range.bitmap(entry, bitmap);
        }
        return filter;
    }

    @Override
    public String toString() {
        return ranges.stream().map(range -> ", " + range)
                .collect(Collectors.joining("", "MsrFilter[" + (allowing ? "allowing" : "denying"), "]"));
    }
}
