package io.github.kvm4j.examples;

import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a test where /dev/kvm cannot be opened; with the system property kvm.tests=required it fails instead. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("kvm")
@ExtendWith(RequiresKvm.Condition.class)
@interface RequiresKvm {

    /** Asks without the library under test, so that a fault of its own is no reason to skip. */
    final class Condition implements ExecutionCondition {

        private static final Path DEVICE = Path.of("/dev/kvm");

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            try (FileChannel _ = FileChannel.open(DEVICE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return ConditionEvaluationResult.enabled(DEVICE + " can be opened");
            } catch (IOException e) {
                String reason = DEVICE + " cannot be opened: " + e;
                if ("required".equals(System.getProperty("kvm.tests"))) {
                    throw new IllegalStateException("kvm.tests=required, and " + reason, e);
                }
                return ConditionEvaluationResult.disabled(reason);
            }
        }
    }
}
