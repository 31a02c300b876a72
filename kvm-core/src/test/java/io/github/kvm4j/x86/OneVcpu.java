package io.github.kvm4j.x86;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.testing.RealModeGuest;

/** What tests of a vCPU's state begin with: a VM with a little memory at 0, and one vCPU. */
abstract class OneVcpu {

    Kvm kvm;
    Vm vm;
    Vcpu vcpu;
    X86Vcpu x86;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
        vcpu = vm.createVcpu(0);
        x86 = vcpu.x86();
    }

    @AfterEach
    void close() {
        kvm.close();
    }
}
