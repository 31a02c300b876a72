package io.github.kvm4j.testing;

import java.util.EnumSet;
import java.util.HexFormat;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.util.x86.LongMode;
import io.github.kvm4j.util.x86.PageFlag;
import io.github.kvm4j.util.x86.PageSize;
import io.github.kvm4j.util.x86.PageTables;

/**
 * A VM with 64 KiB of memory at 0, mapped to itself, and one vCPU that starts in 64-bit mode at {@link #ENTRY}, in ring 3
 * and with the privilege to use ports: code that a KVM without a hypervisor's processor runs on the real one.
 */
public final class UserModeGuest implements AutoCloseable {

    public static final long ENTRY = 0x8000;
    public static final long STACK = 0xf000;

    private static final long MEMORY_SIZE = 0x10000;
    private static final long PAGES = 0x1000;
    private static final long TABLES = 0x4000;

    public final Kvm kvm;
    public final Vm vm;
    public final Vcpu vcpu;

    /** @param code the instructions in hexadecimal, blanks between bytes allowed */
    public UserModeGuest(String code) {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, MEMORY_SIZE);
        vm.memory().write(ENTRY, HexFormat.of().parseHex(code.replace(" ", "")));
        vcpu = vm.createVcpu(0);
        vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
        PageTables pages = new PageTables(vm.memory(), PAGES, TABLES - PAGES).identity(PageSize.SIZE_2M.bytes(),
                PageSize.SIZE_2M, EnumSet.of(PageFlag.WRITABLE, PageFlag.USER));
        new LongMode(vm.memory(), pages, TABLES).withIoPrivilege(3).enterUser(vcpu, ENTRY, STACK);
    }

    @Override
    public void close() {
        kvm.close();
    }
}
