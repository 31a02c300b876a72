package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Set;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.bindings.x86.kvm_sync_regs;
import io.github.kvm4j.bindings.x86.kvm_vcpu_events;
import io.github.kvm4j.internal.exit.SyncBlock;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * Registers in the run page: for a loop that reads or changes them at every exit, and saves an ioctl each time.
 * {@link Capability#SYNC_REGS}; KVM documentation, section 6 (KVM_CAP_SYNC_REGS) and kvm_valid_regs, kvm_dirty_regs in
 * section 5.
 * <pre>{@code
 * SyncRegs sync = vcpu.x86().syncRegs();
 * sync.enable(EnumSet.of(SyncReg.REGS));
 * while (vcpu.run() instanceof X86Exit.Debug) {
 *     sync.getRegs(regs);     // no system call
 *     regs.rip += 2;
 *     sync.setRegs(regs);     // none either: the next run takes them
 * }
 * }</pre>
 * <p>
 * <b>What is read</b> is what the vCPU had when its last run ended, however that was. Once another call has been made on
 * this vCPU, which may have changed it, or before the first run, it is the ioctl that is issued. What comes to a vCPU that
 * does not run, by nobody's call on it, is seen by {@link X86Vcpu} at once and here after the next run: an NMI, SMI or INIT
 * that another vCPU or a device sends changes its events. Of a guest whose state is protected (SEV-ES, TDX) KVM puts nothing
 * in the page, and what is read is not the guest's.
 * <p>
 * <b>What is written</b> takes effect at the start of the next run, before the answer to the exit does, as if it had been
 * set by ioctl just then; until then it is what is read here. A run that a kick ends at once takes it too. What the
 * kernel would refuse it refuses there, with EINVAL out of {@link io.github.kvm4j.Vcpu#run()}, and what it has not taken by
 * then is dropped: it takes the general registers, then the special ones, then the events, so that with wrong special
 * registers the general ones are the new ones, and the events those of before.
 * While a kind of registers waits so, {@link X86Vcpu} refuses to get and set it; other calls see the vCPU without it.
 * A vCPU that waits for its INIT, by an in-kernel local APIC, runs nothing and takes nothing: what is written is lost.
 * <p>
 * As with {@link X86Vcpu}, a call from a second thread while one is in progress is refused. All but {@link #enable}
 * allocates nothing.
 */
public final class SyncRegs {

    private final VmState vm;
    private final VcpuFd fd;
    private final SyncBlock block;

    /** The places in the page. */
    final MemorySegment regs;
    private final MemorySegment sregs;
    private final MemorySegment events;

    /** Where special registers and events are put together first: a field out of range must not leave half of them. */
    private final MemorySegment newSregs;
    private final MemorySegment newEvents;

    SyncRegs(VmState vm, VcpuFd fd, MemorySegment newSregs, MemorySegment newEvents) {
        this.vm = vm;
        this.fd = fd;
        this.block = fd.runPage().sync();
        this.regs = block.slice(kvm_sync_regs.regs$offset(), kvm_regs.sizeof());
        this.sregs = block.slice(kvm_sync_regs.sregs$offset(), kvm_sregs.sizeof());
        this.events = block.slice(kvm_sync_regs.events$offset(), kvm_vcpu_events.sizeof());
        this.newSregs = newSregs;
        this.newEvents = newEvents;
    }

    /**
     * Chooses what the run page has, from the next run on. Each kind costs every run the time to copy it.
     *
     * @param kinds
     *            the kinds that may be read and written here; none for none
     * @throws UnsupportedCapabilityException
     *             when this KVM does not have one of them in the run page
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void enable(Set<SyncReg> kinds) {
        fd.enter();
        try {
            long bits = kinds.stream().mapToLong(SyncReg::bit).reduce(0, (a, b) -> a | b);
            if ((bits & ~vm.checkExtension(Capability.SYNC_REGS.number())) != 0) {
                throw new UnsupportedCapabilityException("SyncRegs.enable(" + kinds + ")", Capability.SYNC_REGS);
            }
            select(bits);
        } finally {
            fd.leave();
        }
    }

    /** KVM_SYNC_X86_ bits, unchecked; the caller has entered. */
    void select(long bits) {
        block.select(bits);
    }

    /**
     * Reads the general registers: out of the run page, or by KVM_GET_REGS where that is not up to date.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses the ioctl
     * @throws IllegalStateException
     *             when {@link SyncReg#REGS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REGS)
    public void getRegs(Regs into) {
        fd.enter();
        try {
            refresh(SyncReg.REGS, Ioctl.KVM_GET_REGS, regs);
            into.readFrom(regs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Writes the general registers: the next run takes them.
     *
     * @param from
     *            what to write
     * @throws IllegalStateException
     *             when {@link SyncReg#REGS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void setRegs(Regs from) {
        fd.enter();
        try {
            require(SyncReg.REGS);
            from.writeTo(regs);
            block.written(SyncReg.REGS.bit());
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers: out of the run page, or by KVM_GET_SREGS where that is not up to date, or where the page
     * has an interrupt: KVM only ever adds one there, and leaves those that were delivered since.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses the ioctl
     * @throws IllegalStateException
     *             when {@link SyncReg#SREGS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_SREGS)
    public void getSregs(Sregs into) {
        fd.enter();
        try {
            require(SyncReg.SREGS);
            if (!block.holds(SyncReg.SREGS.bit()) || mayHaveOldInterrupt()) {
                fd.call(Ioctl.KVM_GET_SREGS, sregs);
            }
            into.readFrom(sregs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Writes the special registers: the next run takes them, or fails with EINVAL as {@link X86Vcpu#setSregs} does.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when CR8, or a field of a segment or descriptor table, is out of its range
     * @throws IllegalStateException
     *             when {@link SyncReg#SREGS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void setSregs(Sregs from) {
        fd.enter();
        try {
            require(SyncReg.SREGS);
            X86Interrupts.checkCr8(from.cr8);
            from.writeTo(newSregs);
            sregs.copyFrom(newSregs);
            block.written(SyncReg.SREGS.bit());
            // As X86Vcpu.setSregs: without an in-kernel local APIC the page's own CR8 is what counts.
            fd.runPage().setCr8(from.cr8);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the pending events: out of the run page, or by KVM_GET_VCPU_EVENTS where that is not up to date.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses the ioctl
     * @throws IllegalStateException
     *             when {@link SyncReg#EVENTS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_VCPU_EVENTS)
    public void getVcpuEvents(VcpuEvents into) {
        fd.enter();
        try {
            refresh(SyncReg.EVENTS, Ioctl.KVM_GET_VCPU_EVENTS, events);
            into.readFrom(events);
        } finally {
            fd.leave();
        }
    }

    /**
     * Writes the pending events: the next run takes them, or fails with EINVAL as {@link X86Vcpu#setVcpuEvents} does.
     *
     * @param from
     *            what to write
     * @throws IllegalArgumentException
     *             when a field is out of its range
     * @throws IllegalStateException
     *             when {@link SyncReg#EVENTS} is not enabled, or another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void setVcpuEvents(VcpuEvents from) {
        fd.enter();
        try {
            require(SyncReg.EVENTS);
            from.writeTo(newEvents);
            events.copyFrom(newEvents);
            block.written(SyncReg.EVENTS.bit());
        } finally {
            fd.leave();
        }
    }

    private void require(SyncReg kind) {
        if (!block.isSelected(kind.bit())) {
            throw new IllegalStateException(kind + " are not enabled in the run page: enable() them");
        }
    }

    /**
     * A run sets the bit of an interrupt that is not yet delivered, and clears none. So a bitmap of zeros is right, and the
     * ioctl, which fills all of it, makes it right again. Nothing of this is a run's work.
     */
    private boolean mayHaveOldInterrupt() {
        return !block.isWritten(SyncReg.SREGS.bit()) && Sregs.hasInterrupt(sregs);
    }

    /** Makes sure that the page has what the vCPU has, or will have. */
    private void refresh(SyncReg kind, Ioctl getter, MemorySegment place) {
        require(kind);
        if (!block.holds(kind.bit())) {
            fd.call(getter, place);
        }
    }
}
