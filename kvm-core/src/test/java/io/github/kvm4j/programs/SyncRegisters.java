package io.github.kvm4j.programs;

import java.util.EnumSet;

import io.github.kvm4j.Vcpu;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.SyncReg;
import io.github.kvm4j.x86.SyncRegs;
import io.github.kvm4j.x86.VcpuEvents;
import io.github.kvm4j.x86.X86Interrupts;

/**
 * At every exit of a guest reads all that there is to read without an allocation, and writes it back. For a JVM without a
 * garbage collector: it ends well only if nothing is allocated.
 */
public final class SyncRegisters {

    /** A million of the smallest object would be 16 MB, and what is left of the heap is 13. */
    private static final int EXITS = Rounds.of(200_000);
    private static final int CALLS = 5;

    private SyncRegisters() {
    }

    public static void main(String[] args) {
        // again: out 0x10, al; inc bl; jmp again
        try (RealModeGuest guest = new RealModeGuest("e6 10 fe c3 eb fa")) {
            Vcpu vcpu = guest.vcpu;
            SyncRegs sync = vcpu.x86().syncRegs();
            X86Interrupts interrupts = vcpu.x86().interrupts();
            sync.enable(EnumSet.allOf(SyncReg.class));
            Regs regs = new Regs();
            Sregs sregs = new Sregs();
            VcpuEvents events = new VcpuEvents();
            int wrong = 0;
            for (int i = 0; i < EXITS; i++) {
                if (!(vcpu.run() instanceof Exit.Io) || interrupts.isReadyForInjection()
                        || interrupts.isInterruptFlagSet() || interrupts.cr8() != 0 || interrupts.apicBase() == 0) {
                    wrong++;
                }
                for (int call = 0; call < CALLS; call++) {
                    sync.getRegs(regs);
                    sync.getSregs(sregs);
                    sync.getVcpuEvents(events);
                    sync.setRegs(regs);
                    sync.setSregs(sregs);
                    sync.setVcpuEvents(events);
                }
                if ((regs.rbx & 0xff) != (i & 0xff)) {
                    wrong++;
                }
            }
            if (wrong != 0) {
                throw new AssertionError(wrong + " were not as they should be");
            }
            System.out.println(EXITS + " exits, " + regs.rbx + " at last");
        }
    }
}
