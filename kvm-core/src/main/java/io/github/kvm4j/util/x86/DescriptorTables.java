package io.github.kvm4j.util.x86;

import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/** The GDT, the task state and the IDT of one vCPU, together in guest memory. */
final class DescriptorTables {

    /** Room for all of them: the task state may have more than 8 KiB. */
    static final int SIZE = 0x4000;

    private static final int ALIGNMENT = 0x1000;
    private static final int TSS = 0x100;
    private static final int IDT = 0x3000;

    private final GuestMemory memory;
    private final long address;
    private final Idt idt;
    private final Tss tss;

    DescriptorTables(GuestMemory memory, long address, Idt idt, Tss tss) {
        if (address % ALIGNMENT != 0) {
            throw new IllegalArgumentException(
                    String.format("descriptor tables at 0x%x: it must be a multiple of 4096", address));
        }
        this.memory = memory;
        this.address = address;
        this.idt = idt;
        this.tss = tss;
    }

    Idt idt() {
        return idt;
    }

    Tss tss() {
        return tss;
    }

    /** Writes them, and loads what they say. */
    void load(Sregs sregs, int code, int data) {
        Gdt gdt = Gdt.flat();
        int task = gdt.add(SegmentDescriptor.tss(tss, address + TSS));
        gdt.writeTo(memory, address);
        tss.writeTo(memory, address + TSS);
        idt.writeTo(memory, address + IDT);
        gdt.loadInto(sregs.gdt, address);
        idt.loadInto(sregs.idt, address + IDT);
        gdt.loadInto(sregs.tr, task);
        gdt.loadInto(sregs.cs, code);
        for (Segment segment : new Segment[]{sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss}) {
            gdt.loadInto(segment, data);
        }
    }
}
