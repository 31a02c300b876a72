package io.github.kvm4j.x86;

/**
 * The versions of Hyper-V's enlightened VMCS that a KVM has, from {@link X86VcpuOptions#hypervEnlightenedVmcs()}.
 *
 * @param lowest
 *            the oldest
 * @param highest
 *            the newest
 */
public record HypervVmcsVersions(int lowest, int highest) {
}
