package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_config;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;

/**
 * What a vCPU is, to be changed before the first run: KVM_REG_RISCV_CONFIG, each of 8 bytes.
 */
public enum ConfigRegister implements RiscvRegister {

    /** The single-letter extensions, a bit for each letter from A. */
    ISA(kvm_riscv_config.isa$offset()),
    /** The bytes of a block of the Zicbom instructions; read-only. */
    ZICBOM_BLOCK_SIZE(kvm_riscv_config.zicbom_block_size$offset()),
    /** The vendor that the guest is told. */
    MVENDORID(kvm_riscv_config.mvendorid$offset()),
    /** The microarchitecture that the guest is told. */
    MARCHID(kvm_riscv_config.marchid$offset()),
    /** The implementation that the guest is told. */
    MIMPID(kvm_riscv_config.mimpid$offset()),
    /** The bytes of a block of the Zicboz instructions; read-only. */
    ZICBOZ_BLOCK_SIZE(kvm_riscv_config.zicboz_block_size$offset()),
    /** The widest address translation that satp takes; read-only. */
    SATP_MODE(kvm_riscv_config.satp_mode$offset()),
    /** The bytes of a block of the Zicbop instructions; read-only. */
    ZICBOP_BLOCK_SIZE(kvm_riscv_config.zicbop_block_size$offset());

    private final long id;

    ConfigRegister(long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_CONFIG(), offset);
    }

    @Override
    public long id() {
        return id;
    }
}
