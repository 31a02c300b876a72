package io.github.kvm4j.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.Tag;

/**
 * The tests run no guest, but what they see depends on the host's architecture, C library or kernel: they run on the
 * emulated machines too.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("host")
public @interface DependsOnHost {
}
