package io.github.kvm4j.arm64;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * CCSIDR_EL1, of which there is one for each cache: KVM_REG_ARM_DEMUX, of 4 bytes.
 *
 * @param cache
 *            which cache, as CSSELR_EL1 selects it, 0 to 255
 */
public record CacheSizeRegister(int cache) implements Arm64Register {

    /** Checks the number. */
    public CacheSizeRegister {
        RegisterIds.check("the cache's number", cache, kvm_arm64_h.KVM_REG_ARM_DEMUX_VAL_MASK() + 1);
    }

    static CacheSizeRegister fromId(long id) {
        return new CacheSizeRegister((int) (id & kvm_arm64_h.KVM_REG_ARM_DEMUX_VAL_MASK()));
    }

    @Override
    public long id() {
        return RegisterIds.ARM64_U32 | kvm_arm64_h.KVM_REG_ARM_DEMUX() | kvm_arm64_h.KVM_REG_ARM_DEMUX_ID_CCSIDR()
                | cache;
    }

    @Override
    public String toString() {
        return "CCSIDR_EL1[" + cache + "]";
    }
}
