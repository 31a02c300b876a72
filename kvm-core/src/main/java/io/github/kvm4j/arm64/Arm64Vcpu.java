package io.github.kvm4j.arm64;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vcpu.OneReg;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * What only arm64 has of a vCPU's ioctls. As with {@link io.github.kvm4j.Vcpu}, a call from a second thread while one is in
 * progress is refused.
 * <p>
 * A vCPU is made with {@link #init} before all else, when all vCPUs of the VM have been created.
 */
public final class Arm64Vcpu {

    /** The GIC architecture's numbers: private peripheral interrupts, and shared ones behind them. */
    private static final int FIRST_PPI = 16;
    private static final int MAX_PPI = 31;
    private static final int MAX_SPI = 1019;

    /** PMCR_EL0.N has five bits, and the last number is the cycle counter's. */
    private static final int MAX_COUNTERS = 31;

    private static final int PV_TIME_ALIGNMENT = 64;

    private final VmState vm;
    private final VcpuFd fd;
    private final OneReg registers;
    private final Attributes attributes;

    /**
     * For {@link io.github.kvm4j.Vcpu} alone.
     *
     * @param vm
     *            the VM
     * @param fd
     *            the vCPU
     * @param registers
     *            its registers by id
     * @param attributes
     *            its attributes
     * @hidden
     */
    @SuppressWarnings("exports")
    public Arm64Vcpu(VmState vm, VcpuFd fd, OneReg registers, Attributes attributes) {
        this.vm = vm;
        this.fd = fd;
        this.registers = registers;
        this.attributes = attributes;
    }

    /**
     * Makes the vCPU of a kind, or resets it to its initial state: the registers too. KVM_ARM_VCPU_INIT, section 4.82.
     * Without it {@link io.github.kvm4j.Vcpu#run()} fails with ENOEXEC.
     *
     * @param init
     *            the kind; the same each time for a vCPU
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the target is unknown, the features do not go together, or the kind
     *             differs from the one before or from that of another vCPU), ENOENT (this KVM does not know a feature)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_ARM_VCPU_INIT)
    public void init(VcpuInit init) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            fd.call(Ioctl.KVM_ARM_VCPU_INIT, init.write(arena));
        } finally {
            fd.leave();
        }
    }

    /**
     * Completes a feature whose options have been set: {@link VcpuFeature#SVE}, so far the only one that wants it.
     * KVM_ARM_VCPU_FINALIZE, section 4.119, {@link io.github.kvm4j.Capability#ARM_SVE}.
     *
     * @param feature
     *            the feature
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (not a feature to be completed, or the vCPU does not have it), EPERM
     *             (completed already), ENOEXEC (before {@link #init})
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_ARM_VCPU_FINALIZE)
    public void finalizeFeature(VcpuFeature feature) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            vm.require(Ioctl.KVM_ARM_VCPU_FINALIZE, FdKind.VCPU);
            fd.call(Ioctl.KVM_ARM_VCPU_FINALIZE, arena.allocateFrom(JAVA_INT, feature.number()));
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads a register of at most 64 bits. KVM_GET_ONE_REG, section 4.69, as
     * {@link io.github.kvm4j.Vcpu#getOneReg(long)}.
     *
     * @param register
     *            the register
     * @return the value, zero-extended
     * @throws IllegalArgumentException
     *             when the register has more than 64 bits
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register), ENOEXEC (before {@link #init}), EPERM (a
     *             register of SVE before {@link #finalizeFeature})
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public long getOneReg(Arm64Register register) {
        return registers.get(register.id());
    }

    /**
     * Writes a register of at most 64 bits. KVM_SET_ONE_REG, section 4.68, as
     * {@link io.github.kvm4j.Vcpu#setOneReg(long, long)}.
     *
     * @param register
     *            the register
     * @param value
     *            the value; bits beyond the register's size are ignored
     * @throws IllegalArgumentException
     *             when the register has more than 64 bits
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register), EINVAL (a value that it cannot have, or a
     *             register that cannot be changed), EBUSY (too late: a vCPU has run), ENOEXEC (before {@link #init}), EPERM
     *             (a register of SVE before {@link #finalizeFeature}, or its vector lengths after it)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneReg(Arm64Register register, long value) {
        registers.set(register.id(), value);
    }

    /**
     * Reads a register of any size. KVM_GET_ONE_REG, section 4.69, as
     * {@link io.github.kvm4j.Vcpu#getOneRegBytes(long)}.
     *
     * @param register
     *            the register
     * @return {@link Arm64Register#size()} bytes, the lowest first
     * @throws KvmException
     *             when the kernel refuses, as {@link #getOneReg}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public byte[] getOneRegBytes(Arm64Register register) {
        return registers.getBytes(register.id());
    }

    /**
     * Writes a register of any size. KVM_SET_ONE_REG, section 4.68, as
     * {@link io.github.kvm4j.Vcpu#setOneRegBytes(long, byte[])}.
     *
     * @param register
     *            the register
     * @param bytes
     *            {@link Arm64Register#size()} bytes, the lowest first
     * @throws IllegalArgumentException
     *             when there are more bytes, or fewer
     * @throws KvmException
     *             when the kernel refuses, as {@link #setOneReg}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneRegBytes(Arm64Register register, byte[] bytes) {
        registers.setBytes(register.id(), bytes);
    }

    /**
     * Lists the registers that this vCPU has. KVM_GET_REG_LIST, section 4.84, as
     * {@link io.github.kvm4j.Vcpu#getRegList()}.
     *
     * @return the registers, in the kernel's order
     * @throws KvmException
     *             when the kernel refuses: ENOEXEC (before {@link #init}), EPERM (before {@link #finalizeFeature})
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REG_LIST)
    public List<Arm64Register> getRegList() {
        return Arrays.stream(registers.list()).mapToObj(Arm64Register::of).toList();
    }

    /**
     * Chooses the interrupt by which a timer tells the vCPU that it has expired, when the in-kernel interrupt controller
     * has been created, and before the first run. KVM_SET_DEVICE_ATTR, group KVM_ARM_VCPU_TIMER_CTRL.
     *
     * @param timer
     *            the timer
     * @param interrupt
     *            a private peripheral interrupt (PPI) of a GICv2 or GICv3, 16 to 31; no other timer's (then the first run
     *            fails with EINVAL); of all vCPUs at once
     * @throws IllegalArgumentException
     *             for another interrupt
     * @throws KvmException
     *             when the kernel refuses: EINVAL (the VM has no in-kernel interrupt controller), EBUSY (a vCPU has run),
     *             ENXIO (a timer that this KVM does not have)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setTimerIrq(Arm64Timer timer, int interrupt) {
        requireInterrupt("a timer's interrupt", interrupt, MAX_PPI);
        attributes.setInt(kvm_arm64_h.KVM_ARM_VCPU_TIMER_CTRL(), timer.attribute(), interrupt);
    }

    /**
     * Tells by which interrupt a timer tells the vCPU that it has expired. KVM_GET_DEVICE_ATTR, group
     * KVM_ARM_VCPU_TIMER_CTRL.
     *
     * @param timer
     *            the timer
     * @return a PPI's number, 16 to 31
     * @throws KvmException
     *             when the kernel refuses: ENXIO (a timer that this KVM does not have)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public int getTimerIrq(Arm64Timer timer) {
        return attributes.getInt(kvm_arm64_h.KVM_ARM_VCPU_TIMER_CTRL(), timer.attribute());
    }

    /**
     * Chooses the interrupt by which the performance monitor of a vCPU with {@link VcpuFeature#PMU_V3} tells of an overflow.
     * KVM_SET_DEVICE_ATTR, group KVM_ARM_VCPU_PMU_V3_CTRL.
     *
     * @param interrupt
     *            a PPI of a GICv2 or GICv3, 16 to 31, the same for all vCPUs, or a shared one (SPI), 32 to 1019, one for
     *            each vCPU
     * @throws IllegalArgumentException
     *             for another interrupt
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU), EINVAL (other vCPUs have another PPI, or this SPI,
     *             or there is no in-kernel interrupt controller), EBUSY (set already, or the PMU is ready)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setPmuIrq(int interrupt) {
        requireInterrupt("the PMU's interrupt", interrupt, MAX_SPI);
        attributes.setInt(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_IRQ(), interrupt);
    }

    /**
     * Tells by which interrupt the performance monitor tells of an overflow. KVM_GET_DEVICE_ATTR, group
     * KVM_ARM_VCPU_PMU_V3_CTRL.
     *
     * @return an interrupt's number
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU), ENXIO (none has been set), EINVAL (the VM has no
     *             in-kernel interrupt controller)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public int getPmuIrq() {
        return attributes.getInt(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_IRQ());
    }

    /**
     * Makes the performance monitor of a vCPU with {@link VcpuFeature#PMU_V3} ready, after all else of it has been chosen
     * and the in-kernel interrupt controller is ready; without it the first run fails with EINVAL. KVM_SET_DEVICE_ATTR, group KVM_ARM_VCPU_PMU_V3_CTRL, attribute
     * KVM_ARM_VCPU_PMU_V3_INIT.
     *
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU, or the interrupt controller is not ready), ENXIO (no
     *             interrupt has been chosen), EEXIST (the interrupt is something else's), EBUSY (ready already)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void initPmu() {
        attributes.perform(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_INIT());
    }

    /**
     * Allows the guest some events of the performance monitor of a vCPU with {@link VcpuFeature#PMU_V3}, or denies it them;
     * of all vCPUs at once. The first filter decides what becomes of the other events: all are denied if it allows some, and
     * allowed if it denies some. Later ones change that for the events that they name. KVM_SET_DEVICE_ATTR, group
     * KVM_ARM_VCPU_PMU_V3_CTRL, attribute KVM_ARM_VCPU_PMU_V3_FILTER, since Linux 5.10.
     *
     * @param filter
     *            the events, and whether they are allowed
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU), EINVAL (an event's number is beyond those of the
     *             host's processor), EBUSY (the PMU is ready, or a vCPU has run), ENOMEM
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setPmuFilter(PmuEventFilter filter) {
        attributes.set(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_FILTER(),
                filter.bytes());
    }

    /**
     * Chooses the host's performance monitor that those of the vCPUs with {@link VcpuFeature#PMU_V3} are made of, on a
     * machine whose processors differ; of all vCPUs at once. The vCPUs are then to run on processors that have it: KVM_RUN
     * on another one ends with {@link io.github.kvm4j.exit.Exit.FailEntry}. KVM_SET_DEVICE_ATTR, group
     * KVM_ARM_VCPU_PMU_V3_CTRL, attribute KVM_ARM_VCPU_PMU_V3_SET_PMU, since Linux 5.18,
     * {@link io.github.kvm4j.Capability#ARM_PMU_V3}.
     *
     * @param id
     *            what the file {@code type} of the monitor's folder in /sys/bus/event_source/devices has
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU), ENXIO (the host has no such PMU, or this kernel no
     *             such attribute), EBUSY (the PMU is ready, a vCPU has run, or there are filters of another PMU's events)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setPmu(int id) {
        attributes.setInt(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_SET_PMU(), id);
    }

    /**
     * Chooses how many event counters the performance monitor has, besides the cycle counter, after {@link #setPmu}; of all
     * vCPUs at once. KVM_SET_DEVICE_ATTR, group KVM_ARM_VCPU_PMU_V3_CTRL, attribute KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS,
     * since Linux 6.16.
     *
     * @param count
     *            0 to as many as the host's PMU has, at most 31
     * @throws IllegalArgumentException
     *             for another count
     * @throws KvmException
     *             when the kernel refuses: ENODEV (the vCPU has no PMU), EINVAL (the host's PMU has fewer, or none has been
     *             chosen), EBUSY (the PMU is ready), ENXIO (this kernel has no such attribute)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setPmuNrCounters(int count) {
        RegisterIds.check("the number of event counters", count, MAX_COUNTERS + 1);
        attributes.setInt(kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS(),
                count);
    }

    /**
     * Chooses where the guest finds the vCPU's stolen time. KVM_SET_DEVICE_ATTR, group KVM_ARM_VCPU_PVTIME_CTRL,
     * {@link io.github.kvm4j.Capability#STEAL_TIME}.
     *
     * @param guestAddress
     *            a guest-physical address in a memory slot, a multiple of 64
     * @throws IllegalArgumentException
     *             when the address is no multiple of 64
     * @throws KvmException
     *             when the kernel refuses: ENXIO (this kernel does not count stolen time), EINVAL (the address is in no
     *             memory slot), EEXIST (set already)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_DEVICE_ATTR)
    public void setPvTimeAddress(long guestAddress) {
        if (guestAddress % PV_TIME_ALIGNMENT != 0) {
            throw new IllegalArgumentException(String.format(
                    "stolen time at 0x%x: the address must be a multiple of %d", guestAddress, PV_TIME_ALIGNMENT));
        }
        attributes.setLong(kvm_arm64_h.KVM_ARM_VCPU_PVTIME_CTRL(), kvm_arm64_h.KVM_ARM_VCPU_PVTIME_IPA(),
                guestAddress);
    }

    /**
     * Debugs the guest from outside: what to be told as {@link io.github.kvm4j.exit.Arm64Exit.Debug}. It replaces what was
     * set before. KVM_SET_GUEST_DEBUG, section 4.87, {@link Capability#SET_GUEST_DEBUG}.
     *
     * @param debug
     *            what to be told; {@link GuestDebug#none()} for nothing more
     * @throws IllegalArgumentException
     *             when it has more breakpoints than {@link Capability#GUEST_DEBUG_HW_BPS}, or more watchpoints than
     *             {@link Capability#GUEST_DEBUG_HW_WPS}: the kernel would pass over those that the processor has not
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_GUEST_DEBUG)
    public void setGuestDebug(GuestDebug debug) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            vm.require(Ioctl.KVM_SET_GUEST_DEBUG, FdKind.VCPU);
            requireAtMost("breakpoints", debug.breakpoints(), Capability.GUEST_DEBUG_HW_BPS);
            requireAtMost("watchpoints", debug.watchpoints(), Capability.GUEST_DEBUG_HW_WPS);
            fd.call(Ioctl.KVM_SET_GUEST_DEBUG, debug.write(arena));
        } finally {
            fd.leave();
        }
    }

    private void requireAtMost(String what, int count, Capability limit) {
        if (count > 0 && count > vm.checkExtension(limit.number())) {
            throw new IllegalArgumentException(count + " " + what + ": this processor has "
                    + vm.checkExtension(limit.number()) + " (KVM_CAP_" + limit.name() + ")");
        }
    }

    private static void requireInterrupt(String whose, int interrupt, int last) {
        if (interrupt < FIRST_PPI || interrupt > last) {
            throw new IllegalArgumentException(
                    whose + " is " + interrupt + "; it goes from " + FIRST_PPI + " to " + last);
        }
    }
}
