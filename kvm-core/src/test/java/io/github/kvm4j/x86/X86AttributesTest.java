package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RequiresKvm;

/** Attributes of the system and of vCPUs, which go by their numbers. */
@RequiresKvm(arch = Architecture.X86)
class X86AttributesTest {

    private static byte[] bytes(long value) {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(value).array();
    }

    private static long number(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong();
    }

    /** KVM_X86_XCOMP_GUEST_SUPP: the parts of XSAVE that a guest can have, those of the CPUID table among them. */
    @Test
    @RequiresKvm(capability = Capability.SYS_ATTRIBUTES)
    void theSystemTellsWhichPartsOfXsaveThereAre() {
        try (Kvm kvm = Kvm.open()) {
            int group = kvm_x86_h.KVM_X86_GRP_SYSTEM();
            int attribute = kvm_x86_h.KVM_X86_XCOMP_GUEST_SUPP();
            assertTrue(kvm.hasAttribute(group, attribute));
            long parts = number(kvm.getAttribute(group, attribute, Long.BYTES));
            long announced = kvm.x86().getSupportedCpuid().find(0xd, 0)
                    .map(entry -> Integer.toUnsignedLong(entry.eax())).orElse(0L);
            assertEquals(announced, announced & parts, () -> "0x" + Long.toHexString(parts));
            assertTrue(announced == 0 || (parts & 3) == 3, "x87 and SSE");
            assertEquals("ENXIO",
                    assertThrows(KvmException.class, () -> kvm.getAttribute(group, 99, Long.BYTES)).errnoName());
        }
    }

    /** KVM_VCPU_TSC_OFFSET; PVM takes it and keeps its own. */
    @Test
    @RequiresKvm(capability = Capability.VCPU_ATTRIBUTES, notOn = KvmKind.PVM)
    void theOffsetOfAVcpusTimeStampCounterIsSet() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            Vcpu vcpu = vm.createVcpu(0);
            int group = kvm_x86_h.KVM_VCPU_TSC_CTRL();
            int attribute = kvm_x86_h.KVM_VCPU_TSC_OFFSET();
            assertTrue(vcpu.hasAttribute(group, attribute));
            assertFalse(vcpu.hasAttribute(group, 99));
            byte[] offset = bytes(number(vcpu.getAttribute(group, attribute, Long.BYTES)) + (1L << 50));
            vcpu.setAttribute(group, attribute, offset);
            // A host whose counters are not stable corrects it with each ioctl.
            long off = number(vcpu.getAttribute(group, attribute, Long.BYTES)) - number(offset);
            assertTrue(Math.abs(off) < 1L << 40, () -> off + " off");
        }
    }
}
