package io.github.kvm4j.memory;

import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Cleanup;

/**
 * Several regions that are added together, or not at all:
 * <pre>{@code
 * vm.memory().builder()
 *         .region(0, 3L << 30, RegionOptions.anonymous().with(HostOption.NO_RESERVE))
 *         .region(4L << 30, 61L << 30, RegionOptions.anonymous().with(HostOption.NO_RESERVE))
 *         .build();
 * }</pre>
 * For one thread.
 */
public final class MemoryBuilder {

    record Planned(long guestAddress, long size, RegionOptions options) {
    }

    private final GuestMemory memory;
    private final List<Planned> planned = new ArrayList<>();

    MemoryBuilder(GuestMemory memory) {
        this.memory = memory;
    }

    /**
     * Adds anonymous memory.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @return this builder
     */
    public MemoryBuilder region(long guestAddress, long size) {
        return region(guestAddress, size, RegionOptions.anonymous());
    }

    /**
     * Adds a region.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @param options
     *            what is behind it, how the host and KVM are to treat it, and in which slot it is
     * @return this builder
     */
    public MemoryBuilder region(long guestAddress, long size, RegionOptions options) {
        planned.add(new Planned(guestAddress, size, options));
        return this;
    }

    /**
     * Checks all regions against each other and those that are there, and then gives them to the guest, in the order in which
     * they were named. If one fails, those before it are removed again. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @return the regions, in the same order
     * @throws IllegalArgumentException
     *             when there cannot be such a region; see {@link GuestMemory}
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when the host or KVM refuse; see {@link GuestMemory#add(long, long, RegionOptions)}
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public List<MemoryRegion> build() {
        memory.check(planned);
        List<MemoryRegion> added = new ArrayList<>();
        try {
            for (Planned plan : planned) {
                added.add(memory.add(plan.guestAddress, plan.size, plan.options));
            }
        } catch (Throwable t) {
            added.reversed().forEach(region -> Cleanup.after(t, () -> memory.remove(region)));
            throw t;
        }
        return List.copyOf(added);
    }
}
