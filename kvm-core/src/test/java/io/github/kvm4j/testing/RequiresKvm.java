package io.github.kvm4j.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

import io.github.kvm4j.Capability;
import io.github.kvm4j.internal.sys.Architecture;

/**
 * The test runs guests on {@code /dev/kvm}. Where that cannot be opened it is skipped with the reason; with
 * {@code -Dkvm.tests=required} it fails instead. On a host of another architecture, or with a KVM that lacks what the
 * test is about, it is skipped and names what is lacking. A method adds to what its class says. {@link KvmTests} counts
 * what ran and what did not, and prints it at the end.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("kvm")
@ExtendWith(KvmTests.class)
public @interface RequiresKvm {

    /** The architectures that it is for; none means all. */
    Architecture[] arch() default {};

    /** What the KVM must have, asked on a VM of the default type. */
    Capability[] capability() default {};

    /** The kernel's version that first does it, as "6.17", where no capability tells; empty means any. */
    String kernel() default "";

    /** The implementations that are known not to do it. */
    KvmKind[] notOn() default {};
}
