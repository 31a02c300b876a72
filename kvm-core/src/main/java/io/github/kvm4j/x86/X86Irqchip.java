package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.x86.kvm_irqchip;
import io.github.kvm4j.bindings.x86.kvm_pit_state2;
import io.github.kvm4j.bindings.x86.kvm_reinject_control;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The state of the interrupt controllers that {@link X86Vm#createIrqchip()} makes, and of the timer of
 * {@link X86Vm#createPit2()}. The local APICs are the vCPUs': {@link X86Apic}. Any thread may use it.
 * <p>
 * Every method throws {@link UnsupportedCapabilityException} without the capability, {@link KvmException} when the kernel
 * refuses, ENXIO for one that the VM does not have, and {@link ClosedException} when the VM is closed.
 */
public final class X86Irqchip {

    private final VmState vm;

    X86Irqchip(VmState vm) {
        this.vm = vm;
    }

    /**
     * Reads the first PIC. KVM_GET_IRQCHIP with KVM_IRQCHIP_PIC_MASTER, section 4.26, {@link Capability#IRQCHIP}.
     *
     * @return its registers
     */
    @Issues(Ioctl.KVM_GET_IRQCHIP)
    public Pic getPicMaster() {
        return getPic(kvm_x86_h.KVM_IRQCHIP_PIC_MASTER());
    }

    /**
     * Writes the first PIC. KVM_SET_IRQCHIP with KVM_IRQCHIP_PIC_MASTER, section 4.27, {@link Capability#IRQCHIP}.
     *
     * @param pic
     *            its registers
     * @throws IllegalArgumentException
     *             when one of them has more than 8 bits
     */
    @Issues(Ioctl.KVM_SET_IRQCHIP)
    public void setPicMaster(Pic pic) {
        setPic(kvm_x86_h.KVM_IRQCHIP_PIC_MASTER(), pic);
    }

    /**
     * Reads the second PIC. KVM_GET_IRQCHIP with KVM_IRQCHIP_PIC_SLAVE, section 4.26, {@link Capability#IRQCHIP}.
     *
     * @return its registers
     */
    @Issues(Ioctl.KVM_GET_IRQCHIP)
    public Pic getPicSlave() {
        return getPic(kvm_x86_h.KVM_IRQCHIP_PIC_SLAVE());
    }

    /**
     * Writes the second PIC. KVM_SET_IRQCHIP with KVM_IRQCHIP_PIC_SLAVE, section 4.27, {@link Capability#IRQCHIP}.
     *
     * @param pic
     *            its registers
     * @throws IllegalArgumentException
     *             when one of them has more than 8 bits
     */
    @Issues(Ioctl.KVM_SET_IRQCHIP)
    public void setPicSlave(Pic pic) {
        setPic(kvm_x86_h.KVM_IRQCHIP_PIC_SLAVE(), pic);
    }

    private Pic getPic(int chip) {
        vm.require(Ioctl.KVM_GET_IRQCHIP);
        try (Arena arena = Arena.ofConfined()) {
            Pic pic = new Pic();
            pic.readFrom(read(arena, chip));
            return pic;
        }
    }

    private void setPic(int chip, Pic pic) {
        vm.require(Ioctl.KVM_SET_IRQCHIP);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment irqchip = chip(arena, chip);
            pic.writeTo(registers(irqchip));
            vm.fd().call(Ioctl.KVM_SET_IRQCHIP, irqchip);
        }
    }

    /**
     * Reads the IOAPIC. KVM_GET_IRQCHIP with KVM_IRQCHIP_IOAPIC, section 4.26, {@link Capability#IRQCHIP}.
     *
     * @return its registers
     */
    @Issues(Ioctl.KVM_GET_IRQCHIP)
    public Ioapic getIoapic() {
        vm.require(Ioctl.KVM_GET_IRQCHIP);
        try (Arena arena = Arena.ofConfined()) {
            Ioapic ioapic = new Ioapic();
            ioapic.readFrom(read(arena, kvm_x86_h.KVM_IRQCHIP_IOAPIC()));
            return ioapic;
        }
    }

    /**
     * Writes the IOAPIC. KVM_SET_IRQCHIP with KVM_IRQCHIP_IOAPIC, section 4.27, {@link Capability#IRQCHIP}. Interrupts that
     * wait in {@link Ioapic#irr} are delivered.
     *
     * @param ioapic
     *            its registers
     */
    @Issues(Ioctl.KVM_SET_IRQCHIP)
    public void setIoapic(Ioapic ioapic) {
        vm.require(Ioctl.KVM_SET_IRQCHIP);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment irqchip = chip(arena, kvm_x86_h.KVM_IRQCHIP_IOAPIC());
            ioapic.writeTo(registers(irqchip));
            vm.fd().call(Ioctl.KVM_SET_IRQCHIP, irqchip);
        }
    }

    private MemorySegment read(Arena arena, int chip) {
        MemorySegment irqchip = chip(arena, chip);
        vm.fd().call(Ioctl.KVM_GET_IRQCHIP, irqchip);
        return registers(irqchip);
    }

    private static MemorySegment chip(Arena arena, int chip) {
        MemorySegment irqchip = kvm_irqchip.allocate(arena);
        kvm_irqchip.chip_id(irqchip, chip);
        return irqchip;
    }

    private static MemorySegment registers(MemorySegment irqchip) {
        return irqchip.asSlice(kvm_irqchip.chip$offset());
    }

    /**
     * Reads the timer. KVM_GET_PIT2, section 4.72, {@link Capability#PIT_STATE2}.
     *
     * @return its channels
     */
    @Issues(Ioctl.KVM_GET_PIT2)
    public Pit getPit2() {
        vm.require(Ioctl.KVM_GET_PIT2);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = kvm_pit_state2.allocate(arena);
            vm.fd().call(Ioctl.KVM_GET_PIT2, state);
            Pit pit = new Pit();
            pit.readFrom(state);
            return pit;
        }
    }

    /**
     * Writes the timer. KVM_SET_PIT2, section 4.73, {@link Capability#PIT_STATE2}. The kernel starts the channels anew:
     * {@link PitChannel#countLoadTime} is the time of this call.
     *
     * @param pit
     *            its channels
     * @throws IllegalArgumentException
     *             when a field is out of its range
     */
    @Issues(Ioctl.KVM_SET_PIT2)
    public void setPit2(Pit pit) {
        vm.require(Ioctl.KVM_SET_PIT2);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = kvm_pit_state2.allocate(arena);
            pit.writeTo(state);
            vm.fd().call(Ioctl.KVM_SET_PIT2, state);
        }
    }

    /**
     * Says whether the timer makes up for ticks that the guest was too slow for. KVM_REINJECT_CONTROL,
     * {@link Capability#REINJECT_CONTROL}.
     *
     * @param reinjects
     *            whether, as it does by default
     */
    @Issues(Ioctl.KVM_REINJECT_CONTROL)
    public void setPitReinjection(boolean reinjects) {
        vm.require(Ioctl.KVM_REINJECT_CONTROL);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = kvm_reinject_control.allocate(arena);
            kvm_reinject_control.pit_reinject(control, (byte) (reinjects ? 1 : 0));
            vm.fd().call(Ioctl.KVM_REINJECT_CONTROL, control);
        }
    }
}
