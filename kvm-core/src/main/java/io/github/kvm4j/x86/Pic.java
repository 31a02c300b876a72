package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_pic_state;

/**
 * The registers of one of the two in-kernel 8259 interrupt controllers ({@code struct kvm_pic_state}), 8 bits each: plain values,
 * which nothing ties to a VM.
 *
 * @see X86Irqchip#getPicMaster()
 */
public final class Pic {

    /** The levels of the lines when they were last looked at. */
    public int lastIrr;
    /** The interrupts that wait. */
    public int irr;
    /** The interrupts that are masked. */
    public int imr;
    /** The interrupts in service. */
    public int isr;
    /** The line with the highest priority. */
    public int priorityAdd;
    /** The vector of line 0. */
    public int irqBase;
    /** Which register a read gives. */
    public int readRegSelect;
    /** Whether the next read polls. */
    public int poll;
    /** Whether special mask mode is on. */
    public int specialMask;
    /** How far the initialization is. */
    public int initState;
    /** Whether interrupts end by themselves. */
    public int autoEoi;
    /** Whether priorities rotate then. */
    public int rotateOnAutoEoi;
    /** Whether special fully nested mode is on. */
    public int specialFullyNestedMode;
    /** Whether the initialization has a fourth word. */
    public int init4;
    /** The lines that are level-triggered. */
    public int elcr;
    /** The lines that can be. */
    public int elcrMask;

    /** Makes one of zeros. */
    public Pic() {
    }

    /**
     * Makes a copy.
     *
     * @return an equal one
     */
    public Pic copy() {
        Pic copy = new Pic();
        copy.lastIrr = lastIrr;
        copy.irr = irr;
        copy.imr = imr;
        copy.isr = isr;
        copy.priorityAdd = priorityAdd;
        copy.irqBase = irqBase;
        copy.readRegSelect = readRegSelect;
        copy.poll = poll;
        copy.specialMask = specialMask;
        copy.initState = initState;
        copy.autoEoi = autoEoi;
        copy.rotateOnAutoEoi = rotateOnAutoEoi;
        copy.specialFullyNestedMode = specialFullyNestedMode;
        copy.init4 = init4;
        copy.elcr = elcr;
        copy.elcrMask = elcrMask;
        return copy;
    }

    void readFrom(MemorySegment from) {
        lastIrr = Byte.toUnsignedInt(kvm_pic_state.last_irr(from));
        irr = Byte.toUnsignedInt(kvm_pic_state.irr(from));
        imr = Byte.toUnsignedInt(kvm_pic_state.imr(from));
        isr = Byte.toUnsignedInt(kvm_pic_state.isr(from));
        priorityAdd = Byte.toUnsignedInt(kvm_pic_state.priority_add(from));
        irqBase = Byte.toUnsignedInt(kvm_pic_state.irq_base(from));
        readRegSelect = Byte.toUnsignedInt(kvm_pic_state.read_reg_select(from));
        poll = Byte.toUnsignedInt(kvm_pic_state.poll(from));
        specialMask = Byte.toUnsignedInt(kvm_pic_state.special_mask(from));
        initState = Byte.toUnsignedInt(kvm_pic_state.init_state(from));
        autoEoi = Byte.toUnsignedInt(kvm_pic_state.auto_eoi(from));
        rotateOnAutoEoi = Byte.toUnsignedInt(kvm_pic_state.rotate_on_auto_eoi(from));
        specialFullyNestedMode = Byte.toUnsignedInt(kvm_pic_state.special_fully_nested_mode(from));
        init4 = Byte.toUnsignedInt(kvm_pic_state.init4(from));
        elcr = Byte.toUnsignedInt(kvm_pic_state.elcr(from));
        elcrMask = Byte.toUnsignedInt(kvm_pic_state.elcr_mask(from));
    }

    void writeTo(MemorySegment to) {
        kvm_pic_state.last_irr(to, (byte) Fields.check("lastIrr", lastIrr, 0xff));
        kvm_pic_state.irr(to, (byte) Fields.check("irr", irr, 0xff));
        kvm_pic_state.imr(to, (byte) Fields.check("imr", imr, 0xff));
        kvm_pic_state.isr(to, (byte) Fields.check("isr", isr, 0xff));
        kvm_pic_state.priority_add(to, (byte) Fields.check("priorityAdd", priorityAdd, 0xff));
        kvm_pic_state.irq_base(to, (byte) Fields.check("irqBase", irqBase, 0xff));
        kvm_pic_state.read_reg_select(to, (byte) Fields.check("readRegSelect", readRegSelect, 0xff));
        kvm_pic_state.poll(to, (byte) Fields.check("poll", poll, 0xff));
        kvm_pic_state.special_mask(to, (byte) Fields.check("specialMask", specialMask, 0xff));
        kvm_pic_state.init_state(to, (byte) Fields.check("initState", initState, 0xff));
        kvm_pic_state.auto_eoi(to, (byte) Fields.check("autoEoi", autoEoi, 0xff));
        kvm_pic_state.rotate_on_auto_eoi(to, (byte) Fields.check("rotateOnAutoEoi", rotateOnAutoEoi, 0xff));
        kvm_pic_state.special_fully_nested_mode(to,
                (byte) Fields.check("specialFullyNestedMode", specialFullyNestedMode, 0xff));
        kvm_pic_state.init4(to, (byte) Fields.check("init4", init4, 0xff));
        kvm_pic_state.elcr(to, (byte) Fields.check("elcr", elcr, 0xff));
        kvm_pic_state.elcr_mask(to, (byte) Fields.check("elcrMask", elcrMask, 0xff));
    }

    private long[] values() {
        return new long[]{lastIrr, irr, imr, isr, priorityAdd, irqBase, readRegSelect, poll, specialMask, initState,
                autoEoi, rotateOnAutoEoi, specialFullyNestedMode, init4, elcr, elcrMask};
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Pic other && Arrays.equals(values(), other.values());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values());
    }

    @Override
    public String toString() {
        return String.format(
                "lastIrr %x irr %x imr %x isr %x priorityAdd %x irqBase %x readRegSelect %x poll %x specialMask %x initState %x autoEoi %x rotateOnAutoEoi %x specialFullyNestedMode %x init4 %x elcr %x elcrMask %x",
                lastIrr, irr, imr, isr, priorityAdd, irqBase, readRegSelect, poll, specialMask, initState, autoEoi,
                rotateOnAutoEoi, specialFullyNestedMode, init4, elcr, elcrMask);
    }
}
