package io.github.kvm4j.x86;

/**
 * What trust domains can have on this host: {@link X86Tdx#capabilities()}.
 *
 * @param supportedAttributes
 *            the attributes that may be chosen
 * @param supportedXfam
 *            the components of the extended state that may be chosen
 * @param cpuid
 *            the bits of CPUID that may be chosen
 */
public record TdxCapabilities(long supportedAttributes, long supportedXfam, Cpuid cpuid) {
}
