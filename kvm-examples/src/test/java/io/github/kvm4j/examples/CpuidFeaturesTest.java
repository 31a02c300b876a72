package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.x86.CpuidEntry;

/** KVM's own feature bits have the names and places of the kernel's header. */
class CpuidFeaturesTest {

    @Test
    void theNamesOfKvmsFeaturesAreTheHeaders() throws ReflectiveOperationException {
        int checked = 0;
        for (Method constant : kvm_x86_h.class.getMethods()) {
            if (constant.getName().startsWith("KVM_FEATURE_")) {
                int bit = ((Number) constant.invoke(null)).intValue();
                CpuidEntry entry = new CpuidEntry(kvm_x86_h.KVM_CPUID_FEATURES(), 0, 0, 1 << bit, 0, 0, 0);
                assertEquals(List.of(constant.getName().substring("KVM_FEATURE_".length())),
                        CpuidFeatures.KVM.in(entry));
                checked++;
            }
        }
        assertTrue(checked > 15, "checked " + checked);
    }
}
