package io.github.kvm4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_coalesced_mmio_zone;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.vm.CoalescedRing;
import io.github.kvm4j.internal.vm.VmState;

/**
 * Writes of the guest to its devices that KVM keeps in a ring, without an exit for each: for zones of addresses whose device
 * can have them later.
 * <p>
 * <b>{@link #drain()} after every {@link io.github.kvm4j.Vcpu#run()}, before the exit is handled:</b> what is in the ring
 * came before it. {@link io.github.kvm4j.util.VcpuThread} does so. When the ring is full, which has room for some 170
 * writes, a write is an exit as without a zone; and a guest that makes no exits keeps its writes in the ring until somebody
 * drains it, on a timer for one. There is one ring for the VM, in the order in which its vCPUs wrote.
 * <p>
 * Any thread may use it. Once the VM is closed, what was in the ring is gone.
 */
public final class CoalescedIo {

    /** Takes the writes to a zone. */
    @FunctionalInterface
    public interface Handler {

        /**
         * Takes a write. No other write is delivered meanwhile, by any thread; so it must not wait for a thread that drains.
         * When it throws, {@link CoalescedIo#drain()} does, and the write counts as delivered. The rest stays in the ring for
         * the next drain; {@link CoalescedIo#unregister} delivers it all the same.
         *
         * @param address
         *            where to: guest-physical, or a port
         * @param size
         *            how many bytes, 1 to 8
         * @param value
         *            what, the first byte in the lowest bits, zero-extended
         */
        void write(long address, int size, long value);
    }

    private record Registration(CoalescedZone zone, Handler handler) {
    }

    private final VmState vm;
    private final ReentrantLock draining = new ReentrantLock();
    private final CoalescedRing.Entry entry = new CoalescedRing.Entry();

    /** Changed under the VM's lock, and read without. */
    private volatile List<Registration> registrations = List.of();

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @hidden
     */
    @SuppressWarnings("exports")
    public CoalescedIo(VmState vm) {
        this.vm = vm;
    }

    /**
     * Lets KVM keep the writes to a zone. KVM_REGISTER_COALESCED_MMIO, section 4.116, {@link Capability#COALESCED_MMIO},
     * and for ports {@link Capability#COALESCED_PIO}.
     *
     * @param zone
     *            which addresses
     * @param handler
     *            gets the writes, on the thread that drains
     * @throws IllegalArgumentException
     *             when the zone overlaps another one
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENOSPC (too many zones and other devices in the kernel), or the ring cannot be
     *             mapped
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_REGISTER_COALESCED_MMIO)
    public void register(CoalescedZone zone, Handler handler) {
        Objects.requireNonNull(zone, "zone");
        Registration registration = new Registration(zone, Objects.requireNonNull(handler, "handler"));
        vm.lifecycle().whileOpen(() -> {
            vm.require(Ioctl.KVM_REGISTER_COALESCED_MMIO, Capability.COALESCED_MMIO);
            if (zone.space() == CoalescedZone.Space.PIO) {
                vm.require(Ioctl.KVM_REGISTER_COALESCED_MMIO, Capability.COALESCED_PIO);
            }
            List<Registration> before = registrations;
            for (Registration other : before) {
                if (other.zone().overlaps(zone)) {
                    // KVM would take it, but removing either would remove what it has in common with the other.
                    throw new IllegalArgumentException("the zone " + zone + " overlaps " + other.zone());
                }
            }
            // Before the first write can come.
            registrations = Stream.concat(before.stream(), Stream.of(registration)).toList();
            try {
                vm.wantCoalescedRing();
                return issue(Ioctl.KVM_REGISTER_COALESCED_MMIO, zone);
            } catch (Throwable t) {
                registrations = before;
                throw t;
            }
        });
    }

    /**
     * Makes the writes to a zone exits again, and delivers all that is in the ring. KVM_UNREGISTER_COALESCED_MMIO,
     * section 4.116. What a handler throws comes when that is done, what is thrown after it as suppressed; the zone is
     * unregistered all the same.
     *
     * @param zone
     *            one that is registered
     * @return how many writes there were in the ring, to whatever zone
     * @throws IllegalArgumentException
     *             when it is not registered
     * @throws IllegalStateException
     *             when called by a handler
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_UNREGISTER_COALESCED_MMIO)
    public int unregister(CoalescedZone zone) {
        if (draining.isHeldByCurrentThread()) {
            throw new IllegalStateException("unregister() by a handler: it would be delivered what is in the ring");
        }
        vm.lifecycle().whileOpen(() -> {
            if (registrations.stream().noneMatch(registration -> registration.zone().equals(zone))) {
                throw new IllegalArgumentException("the zone " + zone + " is not registered; there are: " + zones());
            }
            return issue(Ioctl.KVM_UNREGISTER_COALESCED_MMIO, zone);
        });
        try {
            // By the lock, behind a thread that has taken a write out and not delivered it yet.
            CoalescedRing read = vm.coalescedRing();
            return read == null ? 0 : drainWholly(read);
        } catch (IllegalStateException e) {
            throw closedMeanwhile(e);
        } finally {
            vm.lifecycle().locked(() -> registrations = registrations.stream()
                    .filter(registration -> !registration.zone().equals(zone)).toList());
        }
    }

    private long issue(Ioctl ioctl, CoalescedZone zone) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_coalesced_mmio_zone.allocate(arena);
            kvm_coalesced_mmio_zone.addr(request, zone.address());
            kvm_coalesced_mmio_zone.size(request, zone.size());
            kvm_coalesced_mmio_zone.pio(request, zone.space() == CoalescedZone.Space.PIO ? 1 : 0);
            return vm.fd().call(ioctl, request);
        }
    }

    /**
     * Returns the zones.
     *
     * @return those that are registered, in the order in which they were; unmodifiable
     */
    public List<CoalescedZone> zones() {
        return registrations.stream().map(Registration::zone).toList();
    }

    /**
     * Gives the writes in the ring to their zones' handlers, the oldest first. It waits for another thread that is at it,
     * and is quick when there is nothing: then it takes no lock. Called by a handler it does nothing.
     *
     * @return how many there were
     * @throws IllegalStateException
     *             when what the kernel has put there makes no sense
     * @throws ClosedException
     *             when the VM is closed, also when it is closed meanwhile
     */
    public int drain() {
        CoalescedRing read = vm.coalescedRing();
        if (read == null) {
            // There is no zone, or no vCPU that could have written.
            vm.lifecycle().requireOpen();
            return 0;
        }
        try {
            return read.isEmpty() || draining.isHeldByCurrentThread() ? 0 : drain(read);
        } catch (IllegalStateException e) {
            throw closedMeanwhile(e);
        }
    }

    /** The ring's memory says in other words that it is closed. */
    private IllegalStateException closedMeanwhile(IllegalStateException e) {
        vm.lifecycle().requireOpen();
        return e;
    }

    private int drain(CoalescedRing read) {
        draining.lock();
        try {
            int count = 0;
            while (read.take(entry)) {
                deliver();
                count++;
            }
            return count;
        } finally {
            draining.unlock();
        }
    }

    /** What stays in the ring of a zone that is none any more could not be delivered, and would be in the way for good. */
    private int drainWholly(CoalescedRing read) {
        draining.lock();
        try {
            Cleanup deliveries = new Cleanup();
            int count = 0;
            while (read.take(entry)) {
                deliveries.step(this::deliver);
                count++;
            }
            deliveries.finish();
            return count;
        } finally {
            draining.unlock();
        }
    }

    private void deliver() {
        CoalescedZone.Space space = entry.port ? CoalescedZone.Space.PIO : CoalescedZone.Space.MMIO;
        for (Registration registration : registrations) {
            if (registration.zone().space() == space && registration.zone().contains(entry.address)) {
                registration.handler().write(entry.address, entry.size, entry.value);
                return;
            }
        }
        throw new IllegalStateException(
                String.format("a coalesced write to %s 0x%x, which is in no zone of %s", space, entry.address,
                        zones()));
    }
}
