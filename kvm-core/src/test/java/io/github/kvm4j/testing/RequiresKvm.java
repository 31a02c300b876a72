package io.github.kvm4j.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The test runs guests on {@code /dev/kvm}. Where that cannot be opened it is skipped with the reason; with
 * {@code -Dkvm.tests=required} it fails instead. {@link KvmTests} counts both and prints the counts at the end.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(KvmTests.class)
public @interface RequiresKvm {
}
