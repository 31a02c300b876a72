/** The C interface of Linux KVM, as jextract sees it: constants, ioctl numbers and structs. */
module io.github.kvm4j.bindings {
    exports io.github.kvm4j.bindings;
    exports io.github.kvm4j.bindings.arm64;
    exports io.github.kvm4j.bindings.libc;
    exports io.github.kvm4j.bindings.powerpc;
    exports io.github.kvm4j.bindings.riscv;
    exports io.github.kvm4j.bindings.s390;
    exports io.github.kvm4j.bindings.x86;
}
