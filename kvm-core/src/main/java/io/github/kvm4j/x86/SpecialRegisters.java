package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_sregs;

/**
 * What {@link Sregs} and {@link Sregs2} have in common: segments, descriptor tables, control registers. The kernel's two
 * structures begin with it, in the same places.
 */
public abstract sealed class SpecialRegisters permits Sregs, Sregs2 {

    /** The code segment. */
    public final Segment cs = new Segment();
    /** The data segment. */
    public final Segment ds = new Segment();
    /** The extra segment. */
    public final Segment es = new Segment();
    /** The FS segment. */
    public final Segment fs = new Segment();
    /** The GS segment. */
    public final Segment gs = new Segment();
    /** The stack segment. */
    public final Segment ss = new Segment();
    /** The task register. */
    public final Segment tr = new Segment();
    /** The local descriptor table's register. */
    public final Segment ldt = new Segment();
    /** The global descriptor table's register. */
    public final DescriptorTable gdt = new DescriptorTable();
    /** The interrupt descriptor table's register. */
    public final DescriptorTable idt = new DescriptorTable();
    /** Control register CR0: flags of {@link Cr0}. */
    public long cr0;
    /** Control register CR2: the linear address of the last page fault. */
    public long cr2;
    /** Control register CR3: the physical address of the page tables, and flags. */
    public long cr3;
    /** Control register CR4: flags of {@link Cr4}. */
    public long cr4;
    /** Control register CR8: the task priority. */
    public long cr8;
    /** The extended feature enable register: flags of {@link Efer}. */
    public long efer;
    /** The MSR IA32_APIC_BASE. */
    public long apicBase;

    SpecialRegisters() {
    }

    /**
     * Takes over what both kinds have of another.
     *
     * @param other
     *            where from
     */
    public void setCommon(SpecialRegisters other) {
        cs.set(other.cs);
        ds.set(other.ds);
        es.set(other.es);
        fs.set(other.fs);
        gs.set(other.gs);
        ss.set(other.ss);
        tr.set(other.tr);
        ldt.set(other.ldt);
        gdt.set(other.gdt);
        idt.set(other.idt);
        cr0 = other.cr0;
        cr2 = other.cr2;
        cr3 = other.cr3;
        cr4 = other.cr4;
        cr8 = other.cr8;
        efer = other.efer;
        apicBase = other.apicBase;
    }

    void readFrom(MemorySegment sregs) {
        cs.readFrom(sregs, kvm_sregs.cs$offset());
        ds.readFrom(sregs, kvm_sregs.ds$offset());
        es.readFrom(sregs, kvm_sregs.es$offset());
        fs.readFrom(sregs, kvm_sregs.fs$offset());
        gs.readFrom(sregs, kvm_sregs.gs$offset());
        ss.readFrom(sregs, kvm_sregs.ss$offset());
        tr.readFrom(sregs, kvm_sregs.tr$offset());
        ldt.readFrom(sregs, kvm_sregs.ldt$offset());
        gdt.readFrom(sregs, kvm_sregs.gdt$offset());
        idt.readFrom(sregs, kvm_sregs.idt$offset());
        cr0 = kvm_sregs.cr0(sregs);
        cr2 = kvm_sregs.cr2(sregs);
        cr3 = kvm_sregs.cr3(sregs);
        cr4 = kvm_sregs.cr4(sregs);
        cr8 = kvm_sregs.cr8(sregs);
        efer = kvm_sregs.efer(sregs);
        apicBase = kvm_sregs.apic_base(sregs);
    }

    void writeTo(MemorySegment sregs) {
        cs.writeTo(sregs, kvm_sregs.cs$offset());
        ds.writeTo(sregs, kvm_sregs.ds$offset());
        es.writeTo(sregs, kvm_sregs.es$offset());
        fs.writeTo(sregs, kvm_sregs.fs$offset());
        gs.writeTo(sregs, kvm_sregs.gs$offset());
        ss.writeTo(sregs, kvm_sregs.ss$offset());
        tr.writeTo(sregs, kvm_sregs.tr$offset());
        ldt.writeTo(sregs, kvm_sregs.ldt$offset());
        gdt.writeTo(sregs, kvm_sregs.gdt$offset());
        idt.writeTo(sregs, kvm_sregs.idt$offset());
        kvm_sregs.cr0(sregs, cr0);
        kvm_sregs.cr2(sregs, cr2);
        kvm_sregs.cr3(sregs, cr3);
        kvm_sregs.cr4(sregs, cr4);
        kvm_sregs.cr8(sregs, cr8);
        kvm_sregs.efer(sregs, efer);
        kvm_sregs.apic_base(sregs, apicBase);
    }

    boolean commonEquals(SpecialRegisters other) {
        return cs.equals(other.cs)
                && ds.equals(other.ds)
                && es.equals(other.es)
                && fs.equals(other.fs)
                && gs.equals(other.gs)
                && ss.equals(other.ss)
                && tr.equals(other.tr)
                && ldt.equals(other.ldt)
                && gdt.equals(other.gdt)
                && idt.equals(other.idt)
                && cr0 == other.cr0
                && cr2 == other.cr2
                && cr3 == other.cr3
                && cr4 == other.cr4
                && cr8 == other.cr8
                && efer == other.efer
                && apicBase == other.apicBase;
    }

    /** What the kernel looks at when it refuses: the registers with flags, by name. */
    String flags() {
        return "cr0 " + Flags.text(Cr0.class, Cr0::bit, cr0) + " cr4 " + Flags.text(Cr4.class, Cr4::bit, cr4)
                + " efer " + Flags.text(Efer.class, Efer::bit, efer);
    }

    @Override
    public int hashCode() {
        return Objects.hash(cs, ds, ss, gdt, idt, cr0, cr3, cr4, efer);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        String[] names = {"cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt"};
        Segment[] segments = {cs, ds, es, fs, gs, ss, tr, ldt};
        for (int i = 0; i < names.length; i++) {
            text.append(String.format("%-3s %s%n", names[i], segments[i]));
        }
        return text.append(String.format("gdt %s%nidt %s%n%s%ncr2 %x cr3 %x cr8 %x apic base %x", gdt, idt, flags(),
                cr2, cr3, cr8, apicBase)).toString();
    }
}
