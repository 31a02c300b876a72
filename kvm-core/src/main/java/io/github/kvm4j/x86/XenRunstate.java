package io.github.kvm4j.x86;

/**
 * How long a Xen vCPU has been in which state: {@link X86VcpuXen#getRunstate()}.
 *
 * @param state
 *            0 running, 1 runnable, 2 blocked, 3 offline; or one more, when adjusting, for none
 * @param stateEntryTime
 *            since when, on the guest's clock in nanoseconds
 * @param running
 *            nanoseconds
 * @param runnable
 *            nanoseconds
 * @param blocked
 *            nanoseconds
 * @param offline
 *            nanoseconds
 */
public record XenRunstate(long state, long stateEntryTime, long running, long runnable, long blocked, long offline) {
}
