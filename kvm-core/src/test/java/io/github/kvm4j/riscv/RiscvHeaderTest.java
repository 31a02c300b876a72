package io.github.kvm4j.riscv;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemoryLayout;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.riscv.__riscv_v_ext_state;
import io.github.kvm4j.bindings.riscv.kvm_riscv_aia_csr;
import io.github.kvm4j.bindings.riscv.kvm_riscv_config;
import io.github.kvm4j.bindings.riscv.kvm_riscv_core;
import io.github.kvm4j.bindings.riscv.kvm_riscv_csr;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_sbi_fwft;
import io.github.kvm4j.bindings.riscv.kvm_riscv_sbi_sta;
import io.github.kvm4j.bindings.riscv.kvm_riscv_smstateen_csr;
import io.github.kvm4j.bindings.riscv.kvm_riscv_timer;
import io.github.kvm4j.testing.HeaderConstants;

/** The registers are those of the header and its structures, by name and number: all of them, and no other. */
class RiscvHeaderTest {

    /** KVM_REG_RISCV and the size of 8 bytes, as the documentation has them (section 4.68). */
    private static final long U64 = 0x8030_0000_0000_0000L;

    /** An enum's ids are those of numbers, its names theirs. */
    private static <E extends Enum<E> & RiscvRegister> void assertNumbered(Class<E> registers, long group,
            Map<String, Long> numbers) {
        Map<String, Long> expected = new TreeMap<>();
        numbers.forEach((name, number) -> expected.put(name, U64 | group | number));
        Map<String, Long> ids = new TreeMap<>();
        for (E register : registers.getEnumConstants()) {
            ids.put(register.name(), register.id());
        }
        assertEquals(expected, ids);
    }

    private static Map<String, Long> longs(MemoryLayout structure) {
        return HeaderConstants.members(structure, Long.BYTES);
    }

    private static void put(Map<String, Long> all, String prefix, int subgroup, Map<String, Long> members) {
        members.forEach((name, number) -> all.put(prefix + name, subgroup | number));
    }

    @Test
    void isaExtensionsAreTheHeaders() throws ReflectiveOperationException {
        assertNumbered(IsaExtension.class, kvm_riscv_h.KVM_REG_RISCV_ISA_EXT(),
                HeaderConstants.of(kvm_riscv_h.class, "KVM_RISCV_ISA_EXT_", name -> !name.equals("MAX")));
        assertEquals(kvm_riscv_h.KVM_RISCV_ISA_EXT_MAX(), IsaExtension.values().length);
    }

    @Test
    void sbiExtensionsAreTheHeaders() throws ReflectiveOperationException {
        assertNumbered(SbiExtension.class, kvm_riscv_h.KVM_REG_RISCV_SBI_EXT(),
                HeaderConstants.of(kvm_riscv_h.class, "KVM_RISCV_SBI_EXT_", name -> !name.equals("MAX")));
        assertEquals(kvm_riscv_h.KVM_RISCV_SBI_EXT_MAX(), SbiExtension.values().length);
    }

    @Test
    void registersThatHaveAPlaceInAStructureAreItsMembers() {
        assertNumbered(ConfigRegister.class, kvm_riscv_h.KVM_REG_RISCV_CONFIG(), longs(kvm_riscv_config.layout()));
        assertNumbered(TimerRegister.class, kvm_riscv_h.KVM_REG_RISCV_TIMER(), longs(kvm_riscv_timer.layout()));

        Map<String, Long> core = new TreeMap<>();
        longs(kvm_riscv_core.layout()).forEach((name, number) -> core.put(name.replace("REGS_", ""), number));
        assertNumbered(CoreRegister.class, kvm_riscv_h.KVM_REG_RISCV_CORE(), core);

        Map<String, Long> control = new TreeMap<>();
        put(control, "", kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), longs(kvm_riscv_csr.layout()));
        put(control, "", kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), longs(kvm_riscv_aia_csr.layout()));
        put(control, "", kvm_riscv_h.KVM_REG_RISCV_CSR_SMSTATEEN(), longs(kvm_riscv_smstateen_csr.layout()));
        assertNumbered(ControlRegister.class, kvm_riscv_h.KVM_REG_RISCV_CSR(), control);

        Map<String, Long> state = new TreeMap<>();
        put(state, "STA_", kvm_riscv_h.KVM_REG_RISCV_SBI_STA(), longs(kvm_riscv_sbi_sta.layout()));
        put(state, "FWFT_", kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(), longs(kvm_riscv_sbi_fwft.layout()));
        assertNumbered(SbiStateRegister.class, kvm_riscv_h.KVM_REG_RISCV_SBI_STATE(), state);

        Map<String, Long> vector = longs(__riscv_v_ext_state.layout());
        vector.remove("DATAP"); // the kernel's own, of signal frames
        assertNumbered(VectorControlRegister.class, kvm_riscv_h.KVM_REG_RISCV_VECTOR(), vector);
    }

    @Test
    void everyGroupOfTheHeaderHasItsType() throws ReflectiveOperationException {
        Set<String> groups = Set.of("CONFIG", "CORE", "CSR", "CSR_GENERAL", "CSR_AIA", "CSR_SMSTATEEN", "TIMER", "FP_F",
                "FP_D", "ISA_EXT", "ISA_SINGLE", "SBI_EXT", "SBI_SINGLE", "VECTOR", "SBI_STATE", "SBI_STA", "SBI_FWFT");
        // Sixty-four extensions at once: what the single ones do, for a caller who counts ioctls.
        Set<String> untyped = Set.of("ISA_MULTI_EN", "ISA_MULTI_DIS", "ISA_MULTI_REG_LAST", "SBI_MULTI_EN",
                "SBI_MULTI_DIS", "SBI_MULTI_REG_LAST");
        Set<String> fields = Set.of("TYPE_MASK", "TYPE_SHIFT", "SUBTYPE_MASK", "SUBTYPE_SHIFT");
        assertEquals(Set.of(), HeaderConstants.of(kvm_riscv_h.class, "KVM_REG_RISCV_",
                name -> !groups.contains(name) && !untyped.contains(name) && !fields.contains(name)).keySet());
    }
}
