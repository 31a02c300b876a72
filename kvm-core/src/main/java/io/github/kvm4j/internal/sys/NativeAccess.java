package io.github.kvm4j.internal.sys;

import java.lang.foreign.MemorySegment;

/** Whether this module may use the restricted methods of java.lang.foreign, asked before the first of them is needed. */
public final class NativeAccess {

    private NativeAccess() {
    }

    /**
     * Refuses with the remedy where the JVM denies native access. Without this the refusal would come out of a static
     * initializer, and only once.
     *
     * @throws IllegalCallerException
     *             naming the exact option
     */
    @SuppressWarnings("restricted")
    public static void require() {
        try {
            // The cheapest restricted method: it makes a view of nothing.
            MemorySegment.NULL.reinterpret(0);
        } catch (IllegalCallerException e) {
            throw new IllegalCallerException(
                    "kvm4j needs native access: start java with --enable-native-access=" + grantee(), e);
        }
    }

    private static String grantee() {
        Module module = NativeAccess.class.getModule();
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
