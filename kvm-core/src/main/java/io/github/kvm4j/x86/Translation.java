package io.github.kvm4j.x86;

/**
 * Where a linear address of the guest leads, from {@link X86Vcpu#translate}. The kernel's structure also says whether the
 * page is writable and for the user; x86's KVM fills in constants there.
 *
 * @param isValid
 *            whether it leads anywhere
 * @param physicalAddress
 *            the guest-physical address; all ones when it is not valid
 */
public record Translation(boolean isValid, long physicalAddress) {
}
