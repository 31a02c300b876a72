package io.github.kvm4j.arm64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_pmu_event_filter;

/**
 * A run of the performance monitor's events that a guest may count, or may not: {@code struct kvm_pmu_event_filter}, for
 * {@link Arm64Vcpu#setPmuFilter}.
 *
 * @param action
 *            whether it may
 * @param firstEvent
 *            the number of the first event, 0 to 0xffff; below 0x400 on a processor of ARMv8.0
 * @param count
 *            how many events, 1 to 0xffff, none beyond 0xffff
 */
public record PmuEventFilter(Action action, int firstEvent, int count) {

    /** The structure has both numbers in 16 bits. */
    private static final int EVENTS = 1 << Short.SIZE;

    /** What becomes of the events. */
    public enum Action {
        /** KVM_PMU_EVENT_ALLOW: they are counted. */
        ALLOW(kvm_arm64_h.KVM_PMU_EVENT_ALLOW()),
        /** KVM_PMU_EVENT_DENY: they are not. */
        DENY(kvm_arm64_h.KVM_PMU_EVENT_DENY());

        private final int number;

        Action(int number) {
            this.number = number;
        }
    }

    /** Checks the numbers. */
    public PmuEventFilter {
        Objects.requireNonNull(action, "action");
        RegisterIds.check("the number of the first event", firstEvent, EVENTS);
        if (count < 1 || count >= EVENTS || firstEvent + count > EVENTS) {
            throw new IllegalArgumentException(
                    count + " events from " + firstEvent + "; a filter has 1 to " + (EVENTS - 1) + " of " + EVENTS);
        }
    }

    byte[] bytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = kvm_pmu_event_filter.allocate(arena);
            kvm_pmu_event_filter.base_event(filter, (short) firstEvent);
            kvm_pmu_event_filter.nevents(filter, (short) count);
            kvm_pmu_event_filter.action(filter, (byte) action.number);
            return filter.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
