import org.jspecify.annotations.NullMarked;

/**
 * Linux KVM from Java: {@link io.github.kvm4j.Kvm}, {@link io.github.kvm4j.Vm}, {@link io.github.kvm4j.Vcpu} and
 * {@link io.github.kvm4j.Device}, each tied to its file descriptor.
 * <p>
 * Start java with {@code --enable-native-access=io.github.kvm4j} (or {@code ALL-UNNAMED} on the class path).
 */
@NullMarked module io.github.kvm4j {
    requires io.github.kvm4j.bindings;
    requires org.slf4j;
    requires static org.jspecify;

    exports io.github.kvm4j;
    exports io.github.kvm4j.arm64;
    exports io.github.kvm4j.exit;
    exports io.github.kvm4j.memory;
    exports io.github.kvm4j.riscv;
    exports io.github.kvm4j.unsafe;
    exports io.github.kvm4j.util;
    exports io.github.kvm4j.util.x86;
    exports io.github.kvm4j.x86;
}
