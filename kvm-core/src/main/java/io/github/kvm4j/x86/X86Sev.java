package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Arrays;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.kvm_enc_region;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_sev_attestation_report;
import io.github.kvm4j.bindings.x86.kvm_sev_cmd;
import io.github.kvm4j.bindings.x86.kvm_sev_guest_status;
import io.github.kvm4j.bindings.x86.kvm_sev_init;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_measure;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_secret;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_start;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_update_data;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_finish;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_start;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_update;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.unsafe.RawSevCommands;

/**
 * The commands of AMD's secure encrypted virtualization that launch a guest: SEV, SEV-ES and SEV-SNP. KVM_MEMORY_ENCRYPT_OP,
 * section 4.110, with the names of Documentation/virt/kvm/x86/amd-memory-encryption.rst; sending, receiving and debugging a
 * guest is {@link #unsafe()}'s. Any thread may use it. None of it has been tried on such a processor: the structures
 * are held against the header.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, EIO when the firmware does, and the message has its
 * error; and {@link ClosedException} when this or the VM is closed.
 */
public final class X86Sev implements AutoCloseable {

    private static final String PATH = "/dev/sev";

    /** More than any measurement or report has. */
    private static final int BLOB = 4096;
    private static final int NONCE = 16;
    private static final int HOST_DATA = 32;

    private final VmState vm;
    private final HeldRegion held;

    /** The firmware, which nearly every command wants. */
    private final Fd firmware;

    private X86Sev(VmState vm, HeldRegion held, Fd firmware) {
        this.vm = vm;
        this.held = held;
        this.firmware = firmware;
    }

    static X86Sev open(VmState vm, HeldRegion held) {
        return vm.lifecycle().whileOpen(() -> {
            Libc libc = vm.fd().host().libc();
            long result = libc.open(PATH, libc_h.O_RDWR() | libc_h.O_CLOEXEC());
            if (result < 0) {
                throw new KvmException("open(" + PATH + ")", (int) -result,
                        "the firmware of AMD's secure encrypted virtualization: the host lacks it or its driver, or this user"
                                + " may not open it");
            }
            Fd firmware = Fd.own(libc, (int) result, PATH);
            vm.afterClose(firmware::close);
            return new X86Sev(vm, held, firmware);
        });
    }

    /** Closes the firmware's descriptor. A second call does nothing. */
    @Override
    public void close() {
        firmware.close();
    }

    private void command(String name, int id, MemorySegment data) {
        long result = attempt(name, id, data);
        if (result < 0) {
            throw Explanations.failure(Ioctl.KVM_MEMORY_ENCRYPT_OP, call(name), result);
        }
    }

    private static String call(String name) {
        return Ioctl.KVM_MEMORY_ENCRYPT_OP + "(" + name + ")";
    }

    /** Returns 0, or EAGAIN negated, when the command is to be repeated. */
    private long attempt(String name, int id, MemorySegment data) {
        int number = firmware.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment command = kvm_sev_cmd.allocate(arena);
            kvm_sev_cmd.id(command, id);
            kvm_sev_cmd.data(command, data.address());
            kvm_sev_cmd.sev_fd(command, number);
            long result = vm.fd().attempt(Ioctl.KVM_MEMORY_ENCRYPT_OP, command);
            if (result >= 0 || Errno.EAGAIN.is(result)) {
                return Math.min(result, 0);
            }
            int error = kvm_sev_cmd.error(command);
            throw Explanations.failure(Ioctl.KVM_MEMORY_ENCRYPT_OP, call(name), result,
                    error == 0 ? "" : "the firmware's error is 0x" + Integer.toHexString(error));
        } finally {
            firmware.release();
            // The command has no more of it than its address.
            Reference.reachabilityFence(data);
        }
    }

    private static MemorySegment bytes(Arena arena, byte[] content) {
        return content.length == 0 ? MemorySegment.NULL : arena.allocateFrom(JAVA_BYTE, content);
    }

    /** A command whose structure has an address in this region. */
    private void command(MemoryRegion region, String name, int id, MemorySegment data) {
        held.during(region, () -> {
            command(name, id, data);
            return 0;
        });
    }

    /** The host address of a part of a region, checked. */
    private static long part(MemoryRegion region, long offset, long length) {
        HeldRegion.check(region, offset, length);
        return region.segment().address() + offset;
    }

    /**
     * Prepares the VM, before the first vCPU. KVM_SEV_INIT2.
     *
     * @param vmsaFeatures
     *            features of the guest's saved state, as the system's attribute KVM_X86_SEV_VMSA_FEATURES has them
     * @param flags
     *            0
     * @param ghcbVersion
     *            the version of the guest-hypervisor protocol; 0 for the default, and for SEV without more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void init2(long vmsaFeatures, int flags, int ghcbVersion) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_init.allocate(arena);
            kvm_sev_init.vmsa_features(data, vmsaFeatures);
            kvm_sev_init.flags(data, flags);
            kvm_sev_init.ghcb_version(data, (short) Fields.check("ghcbVersion", ghcbVersion, 0xffff));
            command("KVM_SEV_INIT2", kvm_x86_h.KVM_SEV_INIT2(), data);
        }
    }

    /**
     * Begins to launch a guest of SEV or SEV-ES. KVM_SEV_LAUNCH_START.
     *
     * @param policy
     *            the guest's policy
     * @param dhCertificate
     *            the owner's Diffie-Hellman certificate; empty for none
     * @param session
     *            the owner's session parameters; empty for none
     * @return the firmware's handle
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public int launchStart(int policy, byte[] dhCertificate, byte[] session) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_launch_start.allocate(arena);
            kvm_sev_launch_start.policy(data, policy);
            kvm_sev_launch_start.dh_uaddr(data, bytes(arena, dhCertificate).address());
            kvm_sev_launch_start.dh_len(data, dhCertificate.length);
            kvm_sev_launch_start.session_uaddr(data, bytes(arena, session).address());
            kvm_sev_launch_start.session_len(data, session.length);
            command("KVM_SEV_LAUNCH_START", kvm_x86_h.KVM_SEV_LAUNCH_START(), data);
            return kvm_sev_launch_start.handle(data);
        }
    }

    /**
     * Encrypts guest memory as it is, and measures it. KVM_SEV_LAUNCH_UPDATE_DATA. Offset and length are multiples of 16.
     *
     * @param region
     *            the region
     * @param offset
     *            bytes from its start
     * @param length
     *            bytes, less than 2 GiB
     * @throws IllegalArgumentException
     *             when that is not within the region, or that is no region of the VM, or not any more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void launchUpdateData(MemoryRegion region, long offset, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_launch_update_data.allocate(arena);
            kvm_sev_launch_update_data.uaddr(data, part(region, offset, length));
            kvm_sev_launch_update_data.len(data, length);
            command(region, "KVM_SEV_LAUNCH_UPDATE_DATA", kvm_x86_h.KVM_SEV_LAUNCH_UPDATE_DATA(), data);
        }
    }

    /** Encrypts the states of all vCPUs, and measures them. KVM_SEV_LAUNCH_UPDATE_VMSA, of SEV-ES. */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void launchUpdateVmsa() {
        command("KVM_SEV_LAUNCH_UPDATE_VMSA", kvm_x86_h.KVM_SEV_LAUNCH_UPDATE_VMSA(), MemorySegment.NULL);
    }

    /**
     * Ends the measurement. KVM_SEV_LAUNCH_MEASURE.
     *
     * @return the measurement, for the owner
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public byte[] launchMeasure() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment blob = arena.allocate(BLOB);
            MemorySegment data = kvm_sev_launch_measure.allocate(arena);
            kvm_sev_launch_measure.uaddr(data, blob.address());
            kvm_sev_launch_measure.len(data, BLOB);
            command("KVM_SEV_LAUNCH_MEASURE", kvm_x86_h.KVM_SEV_LAUNCH_MEASURE(), data);
            return Arrays.copyOf(blob.toArray(JAVA_BYTE), Math.clamp(kvm_sev_launch_measure.len(data), 0, BLOB));
        }
    }

    /**
     * Puts the owner's secret into guest memory. KVM_SEV_LAUNCH_SECRET.
     *
     * @param header
     *            the owner's packet header
     * @param region
     *            the region
     * @param offset
     *            bytes from its start
     * @param secret
     *            the secret as the owner has encrypted it
     * @throws IllegalArgumentException
     *             when there is no room for it in the region, or that is no region of the VM, or not any more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void launchSecret(byte[] header, MemoryRegion region, long offset, byte[] secret) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_launch_secret.allocate(arena);
            kvm_sev_launch_secret.hdr_uaddr(data, bytes(arena, header).address());
            kvm_sev_launch_secret.hdr_len(data, header.length);
            kvm_sev_launch_secret.guest_uaddr(data, part(region, offset, secret.length));
            kvm_sev_launch_secret.guest_len(data, secret.length);
            kvm_sev_launch_secret.trans_uaddr(data, bytes(arena, secret).address());
            kvm_sev_launch_secret.trans_len(data, secret.length);
            command(region, "KVM_SEV_LAUNCH_SECRET", kvm_x86_h.KVM_SEV_LAUNCH_SECRET(), data);
        }
    }

    /** Makes the guest ready to run. KVM_SEV_LAUNCH_FINISH. */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void launchFinish() {
        command("KVM_SEV_LAUNCH_FINISH", kvm_x86_h.KVM_SEV_LAUNCH_FINISH(), MemorySegment.NULL);
    }

    /**
     * Asks the firmware for the guest. KVM_SEV_GUEST_STATUS.
     *
     * @return what it says
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public SevGuestStatus guestStatus() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_guest_status.allocate(arena);
            command("KVM_SEV_GUEST_STATUS", kvm_x86_h.KVM_SEV_GUEST_STATUS(), data);
            return new SevGuestStatus(kvm_sev_guest_status.handle(data), kvm_sev_guest_status.policy(data),
                    kvm_sev_guest_status.state(data));
        }
    }

    /**
     * Asks the firmware for an attestation report. KVM_SEV_GET_ATTESTATION_REPORT.
     *
     * @param nonce
     *            16 bytes of the owner's
     * @return the report
     * @throws IllegalArgumentException
     *             when it has another length
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public byte[] attestationReport(byte[] nonce) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment blob = arena.allocate(BLOB);
            MemorySegment data = kvm_sev_attestation_report.allocate(arena);
            MemorySegment.copy(Fields.check("the nonce", nonce, NONCE), 0, data, JAVA_BYTE,
                    kvm_sev_attestation_report.mnonce$offset(), NONCE);
            kvm_sev_attestation_report.uaddr(data, blob.address());
            kvm_sev_attestation_report.len(data, BLOB);
            command("KVM_SEV_GET_ATTESTATION_REPORT", kvm_x86_h.KVM_SEV_GET_ATTESTATION_REPORT(), data);
            return Arrays.copyOf(blob.toArray(JAVA_BYTE), Math.clamp(kvm_sev_attestation_report.len(data), 0, BLOB));
        }
    }

    /**
     * Begins to launch a guest of SEV-SNP. KVM_SEV_SNP_LAUNCH_START.
     *
     * @param policy
     *            the guest's policy
     * @param workarounds
     *            16 bytes: the OS visible workarounds of the guest
     * @throws IllegalArgumentException
     *             when they have another length
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void snpLaunchStart(long policy, byte[] workarounds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_snp_launch_start.allocate(arena);
            kvm_sev_snp_launch_start.policy(data, policy);
            MemorySegment.copy(Fields.check("the workarounds", workarounds, NONCE), 0, data, JAVA_BYTE,
                    kvm_sev_snp_launch_start.gosvw$offset(), NONCE);
            command("KVM_SEV_SNP_LAUNCH_START", kvm_x86_h.KVM_SEV_SNP_LAUNCH_START(), data);
        }
    }

    /**
     * Gives a guest of SEV-SNP private pages with the content of shared memory. KVM_SEV_SNP_LAUNCH_UPDATE, again and again
     * until all of it is done, EAGAIN included.
     *
     * @param pageNumber
     *            the first guest-physical page's number, its address divided by 4096
     * @param region
     *            where the content is
     * @param offset
     *            bytes from its start, a multiple of 4096
     * @param length
     *            bytes, a multiple of 4096
     * @param type
     *            what the pages are
     * @throws IllegalArgumentException
     *             when the content is not within the region, or that is no region of the VM, or not any more
     * @throws IllegalStateException
     *             when the kernel says that it has succeeded, and has done none of what is left: the guest would be measured
     *             without it
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void snpLaunchUpdate(long pageNumber, MemoryRegion region, long offset, long length, SnpPageType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_snp_launch_update.allocate(arena);
            kvm_sev_snp_launch_update.gfn_start(data, pageNumber);
            kvm_sev_snp_launch_update.uaddr(data, part(region, offset, length));
            kvm_sev_snp_launch_update.len(data, length);
            kvm_sev_snp_launch_update.type(data, (byte) type.number());
            // The kernel moves all three on as far as it has come, unless it wants to be called again.
            for (long left = length; left > 0;) {
                long result = held.during(region,
                        () -> attempt("KVM_SEV_SNP_LAUNCH_UPDATE", kvm_x86_h.KVM_SEV_SNP_LAUNCH_UPDATE(), data));
                long now = kvm_sev_snp_launch_update.len(data);
                if (result == 0 && (now < 0 || now >= left)) {
                    throw new IllegalStateException(call("KVM_SEV_SNP_LAUNCH_UPDATE") + " succeeded and moved nothing: "
                            + left + " bytes of " + length + " are left");
                }
                left = result == 0 ? now : left;
            }
        }
    }

    /**
     * Makes a guest of SEV-SNP ready to run. KVM_SEV_SNP_LAUNCH_FINISH.
     *
     * @param idBlock
     *            the owner's identity block; empty for none
     * @param idAuthentication
     *            what authenticates it; empty for none
     * @param authorKey
     *            whether that has an author's key
     * @param vcekDisabled
     *            whether the processor's own key may not sign reports
     * @param hostData
     *            32 bytes that reports will have
     * @throws IllegalArgumentException
     *             when one of them has another length than the firmware's structure
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void snpLaunchFinish(byte[] idBlock, byte[] idAuthentication, boolean authorKey, boolean vcekDisabled,
            byte[] hostData) {
        if (idBlock.length > 0) {
            Fields.check("the identity block", idBlock, kvm_x86_h.KVM_SEV_SNP_ID_BLOCK_SIZE());
            Fields.check("the authentication", idAuthentication, kvm_x86_h.KVM_SEV_SNP_ID_AUTH_SIZE());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = kvm_sev_snp_launch_finish.allocate(arena);
            if (idBlock.length > 0) {
                kvm_sev_snp_launch_finish.id_block_uaddr(data, bytes(arena, idBlock).address());
                kvm_sev_snp_launch_finish.id_auth_uaddr(data, bytes(arena, idAuthentication).address());
                kvm_sev_snp_launch_finish.id_block_en(data, (byte) 1);
                kvm_sev_snp_launch_finish.auth_key_en(data, (byte) (authorKey ? 1 : 0));
            }
            kvm_sev_snp_launch_finish.vcek_disabled(data, (byte) (vcekDisabled ? 1 : 0));
            MemorySegment.copy(Fields.check("the host's data", hostData, HOST_DATA), 0, data, JAVA_BYTE,
                    kvm_sev_snp_launch_finish.host_data$offset(), HOST_DATA);
            command("KVM_SEV_SNP_LAUNCH_FINISH", kvm_x86_h.KVM_SEV_SNP_LAUNCH_FINISH(), data);
        }
    }

    /**
     * Makes a guest's request for an attestation report with certificates an exit,
     * {@link io.github.kvm4j.exit.X86Exit.SnpReqCerts}, before the first vCPU. KVM_SEV_SNP_ENABLE_REQ_CERTS, where the system's
     * attribute KVM_X86_SEV_SNP_REQ_CERTS is there.
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_OP)
    public void snpEnableReqCerts() {
        command("KVM_SEV_SNP_ENABLE_REQ_CERTS", kvm_x86_h.KVM_SEV_SNP_ENABLE_REQ_CERTS(), MemorySegment.NULL);
    }

    /**
     * Returns the way to issue a command that has no method here.
     *
     * @return the unsafe part
     */
    public RawSevCommands unsafe() {
        return new RawSevCommands((data, id) -> command("command " + id, id, data));
    }

    /**
     * Pins a region of guest memory, which the firmware encrypts in place. KVM_MEMORY_ENCRYPT_REG_REGION, section 4.111.
     *
     * @param region
     *            the region
     * @throws IllegalArgumentException
     *             when it is no region of the VM, or not any more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_REG_REGION)
    public void registerRegion(MemoryRegion region) {
        region(Ioctl.KVM_MEMORY_ENCRYPT_REG_REGION, region);
    }

    /**
     * Lets a region go that {@link #registerRegion} has pinned. KVM_MEMORY_ENCRYPT_UNREG_REGION, section 4.112.
     *
     * @param region
     *            the region
     * @throws IllegalArgumentException
     *             when it is no region of the VM, or not any more
     */
    @Issues(Ioctl.KVM_MEMORY_ENCRYPT_UNREG_REGION)
    public void unregisterRegion(MemoryRegion region) {
        region(Ioctl.KVM_MEMORY_ENCRYPT_UNREG_REGION, region);
    }

    private void region(Ioctl ioctl, MemoryRegion region) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = kvm_enc_region.allocate(arena);
            kvm_enc_region.addr(range, region.segment().address());
            kvm_enc_region.size(range, region.size());
            KvmFd.check(ioctl, held.during(region, () -> vm.fd().attempt(ioctl, range)));
        }
    }

    @Override
    public String toString() {
        return "X86Sev[" + firmware + "]";
    }
}
