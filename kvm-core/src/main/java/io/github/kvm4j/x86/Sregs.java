package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_sregs;

/**
 * The special registers of an x86 vCPU ({@code struct kvm_sregs}): segments, descriptor tables, control registers. Plain
 * values, which nothing ties to a vCPU.
 *
 * @see X86Vcpu#getSregs(Sregs)
 */
public final class Sregs {

    private static final long BITMAP = kvm_sregs.interrupt_bitmap$offset();
    private static final int BITMAP_WORDS = (int) kvm_sregs.interrupt_bitmap$layout().elementCount();

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
    /** Control register CR0. */
    public long cr0;
    /** Control register CR2: the linear address of the last page fault. */
    public long cr2;
    /** Control register CR3: the physical address of the page tables, and flags. */
    public long cr3;
    /** Control register CR4. */
    public long cr4;
    /** Control register CR8: the task priority. */
    public long cr8;
    /** The extended feature enable register. */
    public long efer;
    /** The MSR IA32_APIC_BASE. */
    public long apicBase;
    /** A bit for the one external interrupt, if any, that is acknowledged but not yet delivered; 256 bits. */
    public final long[] interruptBitmap = new long[BITMAP_WORDS];

    /** Makes a set of zeros. */
    public Sregs() {
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Sregs copy() {
        Sregs copy = new Sregs();
        copy.cs.set(cs);
        copy.ds.set(ds);
        copy.es.set(es);
        copy.fs.set(fs);
        copy.gs.set(gs);
        copy.ss.set(ss);
        copy.tr.set(tr);
        copy.ldt.set(ldt);
        copy.gdt.set(gdt);
        copy.idt.set(idt);
        copy.cr0 = cr0;
        copy.cr2 = cr2;
        copy.cr3 = cr3;
        copy.cr4 = cr4;
        copy.cr8 = cr8;
        copy.efer = efer;
        copy.apicBase = apicBase;
        System.arraycopy(interruptBitmap, 0, copy.interruptBitmap, 0, BITMAP_WORDS);
        return copy;
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
        for (int i = 0; i < BITMAP_WORDS; i++) {
            interruptBitmap[i] = sregs.getAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i);
        }
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
        for (int i = 0; i < BITMAP_WORDS; i++) {
            sregs.setAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i, interruptBitmap[i]);
        }
    }

    /** Whether a bit of the interrupt bitmap is set. */
    static boolean hasInterrupt(MemorySegment sregs) {
        long bits = 0;
        for (int i = 0; i < BITMAP_WORDS; i++) {
            bits |= sregs.getAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i);
        }
        return bits != 0;
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Sregs other
                && cs.equals(other.cs)
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
                && apicBase == other.apicBase
                && Arrays.equals(interruptBitmap, other.interruptBitmap);
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
        return text.append(
                String.format("gdt %s%nidt %s%ncr0 %x cr2 %x cr3 %x cr4 %x cr8 %x efer %x apic base %x", gdt, idt,
                        cr0, cr2, cr3, cr4, cr8, efer, apicBase))
                .toString();
    }
}
