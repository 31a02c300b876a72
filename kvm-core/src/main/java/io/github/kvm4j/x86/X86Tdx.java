package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.ToLongFunction;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_tdx_capabilities;
import io.github.kvm4j.bindings.x86.kvm_tdx_cmd;
import io.github.kvm4j.bindings.x86.kvm_tdx_init_mem_region;
import io.github.kvm4j.bindings.x86.kvm_tdx_init_vm;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.MemoryRegion;

/**
 * The commands of Intel's trust domains: KVM_MEMORY_ENCRYPT_OP, section 4.110, on the VM and its vCPUs, with the names of
 * Documentation/virt/kvm/x86/intel-tdx.rst. None of it has been tried on such a processor: the structures are held against
 * the header.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, with the TDX module's error in the message, and
 * {@link ClosedException} when the VM or vCPU is closed. Those that take a vCPU are refused with
 * {@link IllegalStateException} when another thread uses it.
 */
public final class X86Tdx {

    /** The kernel's limit of CPUID entries. */
    private static final int ENTRIES = 256;

    private static final int PAGE = 4096;
    private static final int DIGEST = 48;

    private final VmState vm;
    private final HeldRegion held;

    X86Tdx(VmState vm, HeldRegion held) {
        this.vm = vm;
        this.held = held;
    }

    /** Returns 0, or EINTR or EAGAIN negated, when the command is to be repeated. */
    private static long attempt(String name, int id, int flags, long data, ToLongFunction<MemorySegment> call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment command = kvm_tdx_cmd.allocate(arena);
            kvm_tdx_cmd.id(command, id);
            kvm_tdx_cmd.flags(command, flags);
            kvm_tdx_cmd.data(command, data);
            long result = call.applyAsLong(command);
            if (result >= 0 || Errno.EINTR.is(result) || Errno.EAGAIN.is(result)) {
                return Math.min(result, 0);
            }
            long error = kvm_tdx_cmd.hw_error(command);
            throw Explanations.failure(Ioctl.KVM_MEMORY_ENCRYPT_OP, Ioctl.KVM_MEMORY_ENCRYPT_OP + "(" + name + ")",
                    result, error == 0 ? "" : "the TDX module's error is 0x" + Long.toHexString(error));
        }
    }

    private static void command(String name, int id, long data, ToLongFunction<MemorySegment> call) {
        long result = attempt(name, id, 0, data, call);
        if (result < 0) {
            throw Explanations.failure(Ioctl.KVM_MEMORY_ENCRYPT_OP, Ioctl.KVM_MEMORY_ENCRYPT_OP + "(" + name + ")",
                    result);
        }
    }

    private long onVm(MemorySegment command) {
        return vm.fd().attempt(Ioctl.KVM_MEMORY_ENCRYPT_OP, command);
    }

    private static ToLongFunction<MemorySegment> on(X86Vcpu vcpu) {
        return command -> vcpu.calls.fd.attempt(Ioctl.KVM_MEMORY_ENCRYPT_OP, command);
    }

    /**
     * Asks what trust domains can have. KVM_TDX_CAPABILITIES.
     *
     * @return what may be chosen in {@link #initVm}
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public TdxCapabilities capabilities() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(
                    kvm_tdx_capabilities.sizeof() + ENTRIES * kvm_cpuid_entry2.sizeof(), Long.BYTES);
            MemorySegment table = data.asSlice(kvm_tdx_capabilities.cpuid$offset());
            kvm_cpuid2.nent(table, ENTRIES);
            command("KVM_TDX_CAPABILITIES", kvm_x86_h.KVM_TDX_CAPABILITIES(), data.address(), this::onVm);
            return new TdxCapabilities(kvm_tdx_capabilities.supported_attrs(data),
                    kvm_tdx_capabilities.supported_xfam(data), CpuidTables.read(table));
        }
    }

    /**
     * Makes the trust domain, before the first vCPU. KVM_TDX_INIT_VM.
     *
     * @param attributes
     *            its attributes
     * @param xfam
     *            its components of the extended state
     * @param configuration
     *            48 bytes that its reports have as MRCONFIGID
     * @param owner
     *            48 bytes that they have as MROWNER
     * @param ownerConfiguration
     *            48 bytes that they have as MROWNERCONFIG
     * @param cpuid
     *            what its CPUID instruction returns, as far as that may be chosen
     * @throws IllegalArgumentException
     *             when one of the three has another length
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void initVm(long attributes, long xfam, byte[] configuration, byte[] owner, byte[] ownerConfiguration,
            Cpuid cpuid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = CpuidTables.write(cpuid, arena);
            MemorySegment data = arena.allocate(kvm_tdx_init_vm.cpuid$offset() + table.byteSize(), Long.BYTES);
            kvm_tdx_init_vm.attributes(data, attributes);
            kvm_tdx_init_vm.xfam(data, xfam);
            digest(data, kvm_tdx_init_vm.mrconfigid$offset(), configuration);
            digest(data, kvm_tdx_init_vm.mrowner$offset(), owner);
            digest(data, kvm_tdx_init_vm.mrownerconfig$offset(), ownerConfiguration);
            data.asSlice(kvm_tdx_init_vm.cpuid$offset()).copyFrom(table);
            command("KVM_TDX_INIT_VM", kvm_x86_h.KVM_TDX_INIT_VM(), data.address(), this::onVm);
        }
    }

    private static void digest(MemorySegment data, long offset, byte[] digest) {
        MemorySegment.copy(Fields.check("a digest", digest, DIGEST), 0, data, JAVA_BYTE, offset, DIGEST);
    }

    /**
     * Makes a vCPU one of the trust domain's. KVM_TDX_INIT_VCPU.
     *
     * @param vcpu
     *            the vCPU
     * @param rcx
     *            what it starts with in RCX: the address of its firmware's hand-over, by convention
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void initVcpu(X86Vcpu vcpu, long rcx) {
        command("KVM_TDX_INIT_VCPU", kvm_x86_h.KVM_TDX_INIT_VCPU(), rcx, on(vcpu));
    }

    /**
     * Gives the trust domain private pages with the content of shared memory. KVM_TDX_INIT_MEM_REGION, again and again until
     * all of it is done.
     *
     * @param vcpu
     *            a vCPU of the trust domain's
     * @param guestAddress
     *            where they are to be, guest-physical, a multiple of 4096
     * @param region
     *            where the content is
     * @param offset
     *            bytes from its start, a multiple of 4096
     * @param pages
     *            how many, at least 1
     * @param measured
     *            whether their content is measured: KVM_TDX_MEASURE_MEMORY_REGION
     * @throws IllegalArgumentException
     *             when the content is not within the region, or that is no region of the VM, or not any more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void initMemRegion(X86Vcpu vcpu, long guestAddress, MemoryRegion region, long offset, int pages,
            boolean measured) {
        HeldRegion.check(region, offset, (long) pages * PAGE);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_tdx_init_mem_region.allocate(arena);
            kvm_tdx_init_mem_region.source_addr(data, region.segment().address() + offset);
            kvm_tdx_init_mem_region.gpa(data, guestAddress);
            kvm_tdx_init_mem_region.nr_pages(data, pages);
            long result;
            do {
                // The kernel moves all three on as far as it has come.
                result = held.during(region,
                        () -> attempt("KVM_TDX_INIT_MEM_REGION", kvm_x86_h.KVM_TDX_INIT_MEM_REGION(),
                                measured ? (int) kvm_x86_h.KVM_TDX_MEASURE_MEMORY_REGION() : 0, data.address(),
                                on(vcpu)));
            } while (result < 0);
        }
    }

    /**
     * Asks what a vCPU's CPUID instruction returns, with all that the TDX module makes of it. KVM_TDX_GET_CPUID.
     *
     * @param vcpu
     *            a vCPU of the trust domain's
     * @return the table
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public Cpuid getCpuid(X86Vcpu vcpu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(kvm_cpuid2.sizeof() + ENTRIES * kvm_cpuid_entry2.sizeof(), Long.BYTES);
            kvm_cpuid2.nent(table, ENTRIES);
            command("KVM_TDX_GET_CPUID", kvm_x86_h.KVM_TDX_GET_CPUID(), table.address(), on(vcpu));
            return CpuidTables.read(table);
        }
    }

    /** Ends the measurement and makes the trust domain ready to run. KVM_TDX_FINALIZE_VM. */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void finalizeVm() {
        command("KVM_TDX_FINALIZE_VM", kvm_x86_h.KVM_TDX_FINALIZE_VM(), 0, this::onVm);
    }
}
