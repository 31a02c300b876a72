package io.github.kvm4j.internal.sys;

import java.lang.foreign.MemorySegment;

/** Whether this module may use the restricted methods of java.lang.foreign, asked before the first of them is needed. */
public final class NativeAccess {

    /** What grants it. */
    public static final String OPTION = "--enable-native-access=" + grantee();

    private NativeAccess() {
    }

    /** Whether the JVM lets us. Without asking, the refusal would come out of a static initializer, and only once. */
    @SuppressWarnings("restricted")
    public static boolean isGranted() {
        try {
            // The cheapest restricted method: it makes a view of nothing.
            MemorySegment.NULL.reinterpret(0);
            return true;
        } catch (IllegalCallerException e) {
            return false;
        }
    }

    private static String grantee() {
        Module module = NativeAccess.class.getModule();
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
