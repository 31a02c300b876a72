package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

import io.github.kvm4j.bindings.x86.kvm_pmu_event_filter;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * Which events a guest may count with its performance monitors: {@code struct kvm_pmu_event_filter}, for
 * {@link X86Vm#setPmuEventFilter}. An immutable value; each method makes a filter with more:
 * <pre>{@code PmuEventFilter.allowing().event(0xc0, 0x00).event(0x2e, 0x41).fixedCounters(0b11)}</pre>
 * <p>
 * An event is a number that the manual gives with a unit mask. A filter with masks matches many unit masks at once, and
 * takes {@link io.github.kvm4j.Capability#PMU_EVENT_MASKED_EVENTS}.
 */
public final class PmuEventFilter {

    private static final int BYTE = 0xff;
    private static final int SELECT_MOST = 0xfff;

    /** Bits 8 to 11 of an event's number are in bits 32 to 35, as in the event select registers of AMD's processors. */
    private static final int HIGH_SELECT = 0xf00;
    private static final int HIGH_SHIFT = 24;

    private final boolean allowing;
    private final int fixedCounters;
    private final boolean masked;
    private final List<Long> events;

    private PmuEventFilter(boolean allowing, int fixedCounters, boolean masked, List<Long> events) {
        this.allowing = allowing;
        this.fixedCounters = fixedCounters;
        this.masked = masked;
        this.events = List.copyOf(events);
    }

    /**
     * Starts with a filter that allows the events to come and denies all others. KVM_PMU_EVENT_ALLOW.
     *
     * @return a filter without events
     */
    public static PmuEventFilter allowing() {
        return new PmuEventFilter(true, 0, false, List.of());
    }

    /**
     * Starts with a filter that denies the events to come and allows all others; as it is, it ends a filter.
     * KVM_PMU_EVENT_DENY.
     *
     * @return a filter without events
     */
    public static PmuEventFilter denying() {
        return new PmuEventFilter(false, 0, false, List.of());
    }

    /**
     * Names fixed counters: those that are allowed, or denied.
     *
     * @param bitmap
     *            bit n is fixed counter n
     * @return a filter with these fixed counters
     */
    public PmuEventFilter fixedCounters(int bitmap) {
        return new PmuEventFilter(allowing, bitmap, masked, events);
    }

    /**
     * Adds an event.
     *
     * @param select
     *            the event's number, 0 to 0xfff
     * @param unitMask
     *            its unit mask, 0 to 0xff
     * @return a filter with this event too
     * @throws IllegalArgumentException
     *             when a number is out of range, or the filter has events with masks
     */
    public PmuEventFilter event(int select, int unitMask) {
        if (masked) {
            throw new IllegalArgumentException("the filter has events with masks; give this one the mask 0xff");
        }
        return with(false, select(select) | (long) Fields.check("the unit mask", unitMask, BYTE) << Byte.SIZE);
    }

    /**
     * Adds all events of a number whose unit mask, as far as the mask goes, is the one given.
     * KVM_PMU_EVENT_FLAG_MASKED_EVENTS.
     *
     * @param select
     *            the event's number, 0 to 0xfff
     * @param mask
     *            the bits of the unit mask that count, 0 to 0xff
     * @param match
     *            what they must be, 0 to 0xff
     * @return a filter with these events too
     * @throws IllegalArgumentException
     *             when a number is out of range, or the filter has events without masks
     */
    public PmuEventFilter maskedEvents(int select, int mask, int match) {
        return masked(select, mask, match, 0);
    }

    /**
     * Takes events out again of what {@link #maskedEvents} has added for that number.
     *
     * @param select
     *            the event's number, 0 to 0xfff
     * @param mask
     *            the bits of the unit mask that count, 0 to 0xff
     * @param match
     *            what they must be, 0 to 0xff
     * @return a filter without these events
     * @throws IllegalArgumentException
     *             when a number is out of range, or the filter has events without masks
     */
    public PmuEventFilter exceptMaskedEvents(int select, int mask, int match) {
        return masked(select, mask, match, kvm_x86_h.KVM_PMU_MASKED_ENTRY_EXCLUDE());
    }

    private PmuEventFilter masked(int select, int mask, int match, long exclude) {
        if (!masked && !events.isEmpty()) {
            throw new IllegalArgumentException("the filter has events without masks; give those the mask 0xff");
        }
        return with(true, select(select)
                | (long) Fields.check("the mask", mask, BYTE) << kvm_x86_h.KVM_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT()
                | (long) Fields.check("the match", match, BYTE) << Byte.SIZE | exclude);
    }

    private static long select(int select) {
        Fields.check("the event", select, SELECT_MOST);
        return (select & BYTE) | (long) (select & HIGH_SELECT) << HIGH_SHIFT;
    }

    private PmuEventFilter with(boolean withMasks, long event) {
        List<Long> more = new ArrayList<>(events);
        more.add(event);
        return new PmuEventFilter(allowing, fixedCounters, withMasks, more);
    }

    boolean isMasked() {
        return masked;
    }

    MemorySegment write(Arena arena) {
        MemorySegment filter = arena.allocate(kvm_pmu_event_filter.sizeof() + (long) events.size() * Long.BYTES,
                Long.BYTES);
        kvm_pmu_event_filter.action(filter,
                allowing ? kvm_x86_h.KVM_PMU_EVENT_ALLOW() : kvm_x86_h.KVM_PMU_EVENT_DENY());
        kvm_pmu_event_filter.nevents(filter, events.size());
        kvm_pmu_event_filter.fixed_counter_bitmap(filter, fixedCounters);
        kvm_pmu_event_filter.flags(filter, masked ? (int) kvm_x86_h.KVM_PMU_EVENT_FLAG_MASKED_EVENTS() : 0);
        for (int i = 0; i < events.size(); i++) {
            filter.set(JAVA_LONG, kvm_pmu_event_filter.events$offset() + (long) i * Long.BYTES, events.get(i));
        }
        return filter;
    }

    @Override
    public String toString() {
        return events.stream().map(event -> String.format(", 0x%x", event))
                .collect(Collectors.joining("", "PmuEventFilter[" + (allowing ? "allowing" : "denying")
                        + (masked ? " by masks" : "") + ", fixed counters 0x" + Integer.toHexString(fixedCounters),
                        "]"));
    }
}
