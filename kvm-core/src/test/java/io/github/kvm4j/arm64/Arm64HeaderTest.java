package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_regs;
import io.github.kvm4j.bindings.arm64.user_fpsimd_state;
import io.github.kvm4j.testing.HeaderConstants;

/** Features, attributes and registers are those of the header, by name and number: all of them, and no other. */
class Arm64HeaderTest {

    private static final Set<String> IOCTLS = Set.of("INIT", "FINALIZE");

    /** The vCPU's attributes: their groups, and those of the groups that have methods; the timers are an enum. */
    private static final Set<String> ATTRIBUTES = Set.of("PMU_V3_CTRL", "PMU_V3_IRQ", "PMU_V3_INIT", "PMU_V3_FILTER",
            "PMU_V3_SET_PMU", "PMU_V3_SET_NR_COUNTERS", "TIMER_CTRL", "PVTIME_CTRL", "PVTIME_IPA");

    private static Map<String, Long> constants(String prefix) throws ReflectiveOperationException {
        return HeaderConstants.of(kvm_arm64_h.class, prefix, name -> true);
    }

    /** By their names, the ids of the constants that a class has of its own kind. */
    private static Map<String, Long> ids(Class<? extends Arm64Register> registers) throws IllegalAccessException {
        Map<String, Long> ids = new TreeMap<>();
        for (Field field : registers.getFields()) {
            if (field.getType() == registers) {
                ids.put(field.getName(), ((Arm64Register) field.get(null)).id());
            }
        }
        return ids;
    }

    @Test
    void featuresAreTheHeaders() throws ReflectiveOperationException {
        Map<String, Long> features = HeaderConstants.of(kvm_arm64_h.class, "KVM_ARM_VCPU_",
                name -> !ATTRIBUTES.contains(name) && !IOCTLS.contains(name) && !name.startsWith("TIMER_IRQ_"));
        Map<String, Long> numbers = new TreeMap<>();
        for (VcpuFeature feature : VcpuFeature.values()) {
            numbers.put(feature.name(), (long) feature.number());
        }
        assertEquals(features, numbers);
    }

    @Test
    void timersAreTheHeaders() throws ReflectiveOperationException {
        Map<String, Arm64Timer> byName = Map.of("VTIMER", Arm64Timer.VIRTUAL, "PTIMER", Arm64Timer.PHYSICAL, "HVTIMER",
                Arm64Timer.HYPERVISOR_VIRTUAL, "HPTIMER", Arm64Timer.HYPERVISOR_PHYSICAL);
        Map<String, Long> numbers = new TreeMap<>();
        byName.forEach((name, timer) -> numbers.put(name, (long) timer.attribute()));
        assertEquals(constants("KVM_ARM_VCPU_TIMER_IRQ_"), numbers);
        assertEquals(numbers.size(), Arm64Timer.values().length);
    }

    @Test
    void registersOfTheFirmwareAreTheHeaders() throws ReflectiveOperationException {
        Map<String, Long> header = HeaderConstants.of(kvm_arm64_h.class, "KVM_REG_ARM_",
                name -> name.equals("PSCI_VERSION") || name.matches("SMCCC_ARCH_WORKAROUND_\\d"));
        assertEquals(header, ids(FirmwareRegister.class));

        Map<String, Long> bitmaps = new TreeMap<>();
        HeaderConstants.of(kvm_arm64_h.class, "KVM_REG_ARM_", name -> name.matches("(STD|VENDOR).*_BMAP(_\\d)?"))
                .forEach((name, id) -> bitmaps.put(name.replace("_BMAP", "").replace("STD", "STANDARD")
                        .replace("HYP", "HYPERVISOR"), id));
        assertEquals(bitmaps, ids(FirmwareFeatureRegister.class));
    }

    @Test
    void timersRegistersAreTheHeaders() throws ReflectiveOperationException {
        Map<String, String> names = Map.of("TIMER_CTL", "CNTV_CTL_EL0", "TIMER_CVAL", "CNTV_CVAL_EL0", "TIMER_CNT",
                "CNTVCT_EL0", "PTIMER_CTL", "CNTP_CTL_EL0", "PTIMER_CVAL", "CNTP_CVAL_EL0", "PTIMER_CNT", "CNTPCT_EL0");
        Map<String, Long> header = new TreeMap<>();
        HeaderConstants.of(kvm_arm64_h.class, "KVM_REG_ARM_", name -> name.matches("P?TIMER_.*"))
                .forEach((name, id) -> header.put(names.getOrDefault(name, name), id));
        Map<String, Long> ids = ids(SystemRegister.class);
        ids.keySet().retainAll(names.values());
        assertEquals(header, ids);
    }

    /** A core register's number is its place in the structure, in words; an array's first element has the array's. */
    @Test
    void coreRegistersAreTheStructures() {
        Map<String, CoreRegister> first = new TreeMap<>(Map.of("REGS_REGS", CoreRegister.X0, "REGS_SP", CoreRegister.SP,
                "REGS_PC", CoreRegister.PC, "REGS_PSTATE", CoreRegister.PSTATE, "SP_EL1", CoreRegister.SP_EL1,
                "ELR_EL1", CoreRegister.ELR_EL1, "SPSR", CoreRegister.SPSR_EL1, "FP_REGS_FPSR", CoreRegister.FPSR,
                "FP_REGS_FPCR", CoreRegister.FPCR));
        Map<String, Long> structure = HeaderConstants.members(kvm_regs.layout(), Integer.BYTES);
        structure.remove("FP_REGS___RESERVED");
        Map<String, Long> places = new TreeMap<>();
        first.forEach((name, register) -> places.put(name, register.id() & 0xffff));
        assertEquals(structure, places);
        assertEquals(kvm_regs.fp_regs$offset() / Integer.BYTES, CoreRegister.V0.id() & 0xffff);
        assertEquals(user_fpsimd_state.fpsr$offset(), (CoreRegister.V31.id() - CoreRegister.V0.id()) * Integer.BYTES
                + CoreRegister.V31.size());
        Map<String, Long> states = new TreeMap<>();
        for (CoreRegister register : CoreRegister.values()) {
            if (register.name().startsWith("SPSR_")) {
                states.put(register.name().substring("SPSR_".length()),
                        (register.id() - CoreRegister.SPSR_EL1.id()) * Integer.BYTES / Long.BYTES);
            }
        }
        // KVM_SPSR_SVC is another name of EL1's.
        Map<String, Long> header = new TreeMap<>();
        header.putAll(Map.of("EL1", (long) kvm_arm64_h.KVM_SPSR_SVC(), "ABT", (long) kvm_arm64_h.KVM_SPSR_ABT(), "UND",
                (long) kvm_arm64_h.KVM_SPSR_UND(), "IRQ", (long) kvm_arm64_h.KVM_SPSR_IRQ(), "FIQ",
                (long) kvm_arm64_h.KVM_SPSR_FIQ()));
        assertEquals(header, states);
        assertEquals(kvm_arm64_h.KVM_NR_SPSR(), states.size());
    }

    @Test
    void everyGroupOfTheHeaderHasItsType() throws ReflectiveOperationException {
        Set<String> groups = Set.of("CORE", "DEMUX", "DEMUX_ID_CCSIDR", "FW", "FW_FEAT_BMAP");
        Set<String> fields = Set.of("COPROC_MASK", "COPROC_SHIFT", "DEMUX_ID_MASK", "DEMUX_ID_SHIFT", "DEMUX_VAL_MASK",
                "DEMUX_VAL_SHIFT");
        // The registers that tests above look at, and what their values mean.
        String registers = "P?TIMER_C(TL|VAL|NT)|PSCI_VERSION|SMCCC_ARCH_WORKAROUND_\\d(_.*)?"
                + "|(STD|STD_HYP|VENDOR_HYP)_(BMAP(_2)?|BIT_.*)";
        assertEquals(Set.of(), HeaderConstants.of(kvm_arm64_h.class, "KVM_REG_ARM_",
                name -> !groups.contains(name) && !fields.contains(name) && !name.matches(registers)).keySet());
        assertEquals(Set.of(), HeaderConstants.of(kvm_arm64_h.class, "KVM_REG_ARM64_",
                name -> !name.matches("SYSREG(_(OP0|OP1|CRN|CRM|OP2)_(MASK|SHIFT))?|SVE(_(ZREG|PREG|FFR)_BASE|_VLS)?"))
                .keySet());
    }
}
