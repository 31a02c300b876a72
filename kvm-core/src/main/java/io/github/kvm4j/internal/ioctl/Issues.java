package io.github.kvm4j.internal.ioctl;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Names the ioctls that a public method issues. {@code docs/coverage.md} is made of these. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Issues {

    /** The ioctls. */
    Ioctl[] value();
}
