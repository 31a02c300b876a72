package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_clock_data;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The paravirtual clock of an x86 VM, and the time stamp counters of its vCPUs to come. Any thread may use it.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link UnsupportedCapabilityException} without the
 * capability, and {@link ClosedException} when the VM is closed.
 */
public final class X86VmTime {

    private final VmState vm;

    X86VmTime(VmState vm) {
        this.vm = vm;
    }

    /**
     * Reads the clock. KVM_GET_CLOCK, section 4.29, {@link Capability#ADJUST_CLOCK}, whose value has the flags that may
     * come.
     *
     * @return the clock now
     */
    @Issues(Ioctl.KVM_GET_CLOCK)
    public VmClock getClock() {
        vm.require(Ioctl.KVM_GET_CLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_clock_data.allocate(arena);
            vm.fd().call(Ioctl.KVM_GET_CLOCK, data);
            return new VmClock(kvm_clock_data.clock(data),
                    Flags.in(ClockFlag.class, ClockFlag::bit, kvm_clock_data.flags(data)),
                    kvm_clock_data.realtime(data), kvm_clock_data.host_tsc(data));
        }
    }

    /**
     * Sets the clock. With {@link ClockFlag#REALTIME} the kernel adds the time that has gone by since, so that what
     * {@link #getClock()} returned on another host goes on as if it had never stopped; the other flags say nothing here.
     * KVM_SET_CLOCK, section 4.30, {@link Capability#ADJUST_CLOCK}.
     *
     * @param clock
     *            the clock
     */
    @Issues(Ioctl.KVM_SET_CLOCK)
    public void setClock(VmClock clock) {
        vm.require(Ioctl.KVM_SET_CLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_clock_data.allocate(arena);
            kvm_clock_data.clock(data, clock.clock());
            if (clock.flags().contains(ClockFlag.REALTIME)) {
                kvm_clock_data.flags(data, ClockFlag.REALTIME.bit());
                kvm_clock_data.realtime(data, clock.realtime());
            }
            vm.fd().call(Ioctl.KVM_SET_CLOCK, data);
        }
    }

    /**
     * Returns how fast the time stamp counters of vCPUs to come count. KVM_GET_TSC_KHZ on a VM, section 4.56,
     * {@link Capability#VM_TSC_CONTROL}.
     *
     * @return kHz
     */
    @Issues(Ioctl.KVM_GET_TSC_KHZ)
    public int getTscKhz() {
        vm.require(Ioctl.KVM_GET_TSC_KHZ, FdKind.VM);
        return (int) vm.fd().call(Ioctl.KVM_GET_TSC_KHZ, 0);
    }

    /**
     * Says how fast the time stamp counters of vCPUs to come are to count. KVM_SET_TSC_KHZ on a VM, section 4.55,
     * {@link Capability#VM_TSC_CONTROL}.
     *
     * @param khz
     *            kHz, as an unsigned number; 0 for the host's
     * @throws IllegalStateException
     *             when the VM has a vCPU already
     * @throws KvmException
     *             when the kernel refuses: EINVAL (out of the range that the processor can scale to)
     */
    @Issues(Ioctl.KVM_SET_TSC_KHZ)
    public void setTscKhz(int khz) {
        vm.lifecycle().whileOpen(() -> {
            vm.requireNoVcpu(Ioctl.KVM_SET_TSC_KHZ);
            vm.require(Ioctl.KVM_SET_TSC_KHZ, FdKind.VM);
            return KvmFd.check(Ioctl.KVM_SET_TSC_KHZ,
                    vm.fd().attempt(Ioctl.KVM_SET_TSC_KHZ, Integer.toUnsignedLong(khz)));
        });
    }
}
