package io.github.kvm4j.x86;

/**
 * What the firmware says of a guest: {@link X86Sev#guestStatus()}.
 *
 * @param handle
 *            the firmware's handle
 * @param policy
 *            the policy that it was launched with
 * @param state
 *            the firmware's state: 0 uninitialized, 1 being launched, 2 measured, 3 running, 4 being sent, 5 being received
 */
public record SevGuestStatus(int handle, int policy, int state) {
}
