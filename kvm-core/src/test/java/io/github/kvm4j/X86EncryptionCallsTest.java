package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_enc_region;
import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_sev_attestation_report;
import io.github.kvm4j.bindings.x86.kvm_sev_cmd;
import io.github.kvm4j.bindings.x86.kvm_sev_guest_status;
import io.github.kvm4j.bindings.x86.kvm_sev_init;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_measure;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_secret;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_start;
import io.github.kvm4j.bindings.x86.kvm_sev_launch_update_data;
import io.github.kvm4j.bindings.x86.kvm_sev_send_start;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_finish;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_start;
import io.github.kvm4j.bindings.x86.kvm_sev_snp_launch_update;
import io.github.kvm4j.bindings.x86.kvm_tdx_capabilities;
import io.github.kvm4j.bindings.x86.kvm_tdx_cmd;
import io.github.kvm4j.bindings.x86.kvm_tdx_init_mem_region;
import io.github.kvm4j.bindings.x86.kvm_tdx_init_vm;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.CpuidEntry;
import io.github.kvm4j.x86.SevGuestStatus;
import io.github.kvm4j.x86.SnpPageType;
import io.github.kvm4j.x86.TdxCapabilities;
import io.github.kvm4j.x86.X86Sev;
import io.github.kvm4j.x86.X86Tdx;

/** The commands of SEV and TDX, for which no machine is at hand: what the kernel would see, by the generated structures. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("restricted")
class X86EncryptionCallsTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final MemoryRegion region = vm.memory().add(0, 0x10000);

    @AfterEach
    void close() {
        kvm.close();
        assertEquals(List.of(), libc.openFds());
    }

    private static MemorySegment at(long address, long size) {
        return MemorySegment.ofAddress(address).reinterpret(size);
    }

    private static byte[] bytes(long address, long size) {
        return at(address, size).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Answers the commands with this, which gets the number and the data's address; notes the numbers. */
    private List<Integer> sev(BiFunction<Integer, Long, Long> answer) {
        List<Integer> ids = new ArrayList<>();
        libc.answering(Ioctl.KVM_MEMORY_ENCRYPT_OP, call -> {
            MemorySegment command = call.argument();
            assertEquals("VM", call.on());
            assertTrue(kvm_sev_cmd.sev_fd(command) > 100, "a descriptor");
            assertEquals(0, kvm_sev_cmd.error(command));
            ids.add(kvm_sev_cmd.id(command));
            return answer.apply(kvm_sev_cmd.id(command), kvm_sev_cmd.data(command));
        });
        return ids;
    }

    @Test
    void sevIsLaunched() {
        byte[] dh = {1, 2, 3};
        byte[] session = {4, 5};
        byte[] header = {6};
        byte[] secret = {7, 8, 9, 10};
        long host = region.segment().address();
        List<Integer> ids = sev((id, data) -> {
            if (id == kvm_x86_h.KVM_SEV_INIT2()) {
                MemorySegment init = at(data, kvm_sev_init.sizeof());
                assertEquals(0x1234_5678_9abcL, kvm_sev_init.vmsa_features(init));
                assertEquals(0, kvm_sev_init.flags(init));
                assertEquals(2, kvm_sev_init.ghcb_version(init));
            } else if (id == kvm_x86_h.KVM_SEV_LAUNCH_START()) {
                MemorySegment start = at(data, kvm_sev_launch_start.sizeof());
                assertEquals(5, kvm_sev_launch_start.policy(start));
                assertArrayEquals(dh, bytes(kvm_sev_launch_start.dh_uaddr(start), kvm_sev_launch_start.dh_len(start)));
                assertArrayEquals(session, bytes(kvm_sev_launch_start.session_uaddr(start),
                        kvm_sev_launch_start.session_len(start)));
                kvm_sev_launch_start.handle(start, 77);
            } else if (id == kvm_x86_h.KVM_SEV_LAUNCH_UPDATE_DATA()) {
                MemorySegment update = at(data, kvm_sev_launch_update_data.sizeof());
                assertEquals(host + 0x1000, kvm_sev_launch_update_data.uaddr(update));
                assertEquals(0x2000, kvm_sev_launch_update_data.len(update));
            } else if (id == kvm_x86_h.KVM_SEV_LAUNCH_MEASURE()) {
                MemorySegment measure = at(data, kvm_sev_launch_measure.sizeof());
                at(kvm_sev_launch_measure.uaddr(measure), 48).fill((byte) 0x5a);
                assertTrue(kvm_sev_launch_measure.len(measure) >= 48);
                kvm_sev_launch_measure.len(measure, 48);
            } else if (id == kvm_x86_h.KVM_SEV_LAUNCH_SECRET()) {
                MemorySegment put = at(data, kvm_sev_launch_secret.sizeof());
                assertArrayEquals(header,
                        bytes(kvm_sev_launch_secret.hdr_uaddr(put), kvm_sev_launch_secret.hdr_len(put)));
                assertEquals(host + 0x3000, kvm_sev_launch_secret.guest_uaddr(put));
                assertEquals(4, kvm_sev_launch_secret.guest_len(put));
                assertArrayEquals(secret,
                        bytes(kvm_sev_launch_secret.trans_uaddr(put), kvm_sev_launch_secret.trans_len(put)));
            } else if (id == kvm_x86_h.KVM_SEV_GUEST_STATUS()) {
                MemorySegment status = at(data, kvm_sev_guest_status.sizeof());
                kvm_sev_guest_status.handle(status, 77);
                kvm_sev_guest_status.policy(status, 5);
                kvm_sev_guest_status.state(status, 3);
            } else if (id == kvm_x86_h.KVM_SEV_GET_ATTESTATION_REPORT()) {
                MemorySegment report = at(data, kvm_sev_attestation_report.sizeof());
                assertEquals(9, kvm_sev_attestation_report.mnonce(report).get(ValueLayout.JAVA_BYTE, 9));
                kvm_sev_attestation_report.len(report, 100);
            } else {
                assertEquals(0L, data);
            }
            return 0L;
        });
        X86Sev sev = vm.x86().openSev();
        sev.init2(0x1234_5678_9abcL, 0, 2);
        assertEquals(77, sev.launchStart(5, dh, session));
        sev.launchUpdateData(region, 0x1000, 0x2000);
        sev.launchUpdateVmsa();
        byte[] measurement = sev.launchMeasure();
        assertEquals(48, measurement.length);
        assertEquals(0x5a, measurement[47]);
        sev.launchSecret(header, region, 0x3000, secret);
        sev.launchFinish();
        assertEquals(new SevGuestStatus(77, 5, 3), sev.guestStatus());
        byte[] nonce = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        assertEquals(100, sev.attestationReport(nonce).length);
        assertEquals(List.of(kvm_x86_h.KVM_SEV_INIT2(), kvm_x86_h.KVM_SEV_LAUNCH_START(),
                kvm_x86_h.KVM_SEV_LAUNCH_UPDATE_DATA(), kvm_x86_h.KVM_SEV_LAUNCH_UPDATE_VMSA(),
                kvm_x86_h.KVM_SEV_LAUNCH_MEASURE(), kvm_x86_h.KVM_SEV_LAUNCH_SECRET(),
                kvm_x86_h.KVM_SEV_LAUNCH_FINISH(), kvm_x86_h.KVM_SEV_GUEST_STATUS(),
                kvm_x86_h.KVM_SEV_GET_ATTESTATION_REPORT()), ids);
        assertThrows(IllegalArgumentException.class, () -> sev.launchUpdateData(region, 0xf000, 0x1001));
        assertThrows(IllegalArgumentException.class, () -> sev.launchUpdateData(region, -1, 16));
        assertThrows(IllegalArgumentException.class, () -> sev.launchUpdateData(region, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> sev.attestationReport(new byte[15]));
        assertEquals(9, ids.size());
    }

    @Test
    void snpIsLaunchedUntilAllIsDone() {
        byte[] hostData = new byte[32];
        hostData[31] = 9;
        byte[] block = new byte[kvm_x86_h.KVM_SEV_SNP_ID_BLOCK_SIZE()];
        block[1] = 2;
        byte[] authentication = new byte[kvm_x86_h.KVM_SEV_SNP_ID_AUTH_SIZE()];
        authentication[2] = 3;
        List<Long> left = new ArrayList<>();
        sev((id, data) -> {
            if (id == kvm_x86_h.KVM_SEV_SNP_LAUNCH_START()) {
                MemorySegment start = at(data, kvm_sev_snp_launch_start.sizeof());
                assertEquals(0x30000, kvm_sev_snp_launch_start.policy(start));
                assertEquals(4, kvm_sev_snp_launch_start.gosvw(start).get(ValueLayout.JAVA_BYTE, 3));
            } else if (id == kvm_x86_h.KVM_SEV_SNP_LAUNCH_UPDATE()) {
                MemorySegment update = at(data, kvm_sev_snp_launch_update.sizeof());
                long length = kvm_sev_snp_launch_update.len(update);
                left.add(length);
                assertEquals(0x100 + (0x3000 - length) / 4096, kvm_sev_snp_launch_update.gfn_start(update));
                assertEquals(region.segment().address() + 0x2000 + 0x3000 - length,
                        kvm_sev_snp_launch_update.uaddr(update));
                assertEquals(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_UNMEASURED(), kvm_sev_snp_launch_update.type(update));
                kvm_sev_snp_launch_update.gfn_start(update, kvm_sev_snp_launch_update.gfn_start(update) + 1);
                kvm_sev_snp_launch_update.uaddr(update, kvm_sev_snp_launch_update.uaddr(update) + 4096);
                kvm_sev_snp_launch_update.len(update, length - 4096);
            } else {
                MemorySegment finish = at(data, kvm_sev_snp_launch_finish.sizeof());
                boolean identified = kvm_sev_snp_launch_finish.id_block_en(finish) != 0;
                assertEquals(identified, kvm_sev_snp_launch_finish.id_block_uaddr(finish) != 0);
                if (identified) {
                    assertArrayEquals(block, bytes(kvm_sev_snp_launch_finish.id_block_uaddr(finish), block.length));
                    assertArrayEquals(authentication,
                            bytes(kvm_sev_snp_launch_finish.id_auth_uaddr(finish), authentication.length));
                    assertEquals(1, kvm_sev_snp_launch_finish.auth_key_en(finish));
                }
                assertEquals(identified ? 0 : 1, kvm_sev_snp_launch_finish.vcek_disabled(finish));
                assertArrayEquals(hostData,
                        kvm_sev_snp_launch_finish.host_data(finish).toArray(ValueLayout.JAVA_BYTE));
            }
            return 0L;
        });
        X86Sev sev = vm.x86().openSev();
        byte[] workarounds = new byte[16];
        workarounds[3] = 4;
        sev.snpLaunchStart(0x30000, workarounds);
        sev.snpLaunchUpdate(0x100, region, 0x2000, 0x3000, SnpPageType.UNMEASURED);
        assertEquals(List.of(0x3000L, 0x2000L, 0x1000L), left);
        sev.snpLaunchFinish(block, authentication, true, false, hostData);
        sev.snpLaunchFinish(new byte[0], new byte[0], false, true, hostData);
        assertThrows(IllegalArgumentException.class,
                () -> sev.snpLaunchFinish(new byte[1], new byte[0], false, true, hostData));
    }

    /** The kernel wants to be called again, and then does a page. */
    @Test
    void anSnpUpdateThatIsToBeRepeatedIs() {
        List<Long> left = new ArrayList<>();
        sev((id, data) -> {
            if (id != kvm_x86_h.KVM_SEV_SNP_LAUNCH_UPDATE()) {
                return -(long) Errno.EAGAIN.number();
            }
            MemorySegment update = at(data, kvm_sev_snp_launch_update.sizeof());
            left.add(kvm_sev_snp_launch_update.len(update));
            if (left.size() % 2 == 1) {
                return -(long) Errno.EAGAIN.number();
            }
            kvm_sev_snp_launch_update.len(update, kvm_sev_snp_launch_update.len(update) - 4096);
            return 0L;
        });
        X86Sev sev = vm.x86().openSev();
        sev.snpLaunchUpdate(0x100, region, 0, 0x2000, SnpPageType.NORMAL);
        assertEquals(List.of(0x2000L, 0x2000L, 0x1000L, 0x1000L), left);
        assertEquals("EAGAIN", assertThrows(KvmException.class, sev::launchFinish).errnoName());
    }

    @Test
    void anSnpUpdateThatMovesNothingIsNotTakenForDone() {
        for (long lengthLeft : new long[]{0x2000, 0x3000, -4096}) {
            sev((id, data) -> {
                kvm_sev_snp_launch_update.len(at(data, kvm_sev_snp_launch_update.sizeof()), lengthLeft);
                return 0L;
            });
            X86Sev sev = vm.x86().openSev();
            IllegalStateException e = assertThrows(IllegalStateException.class,
                    () -> sev.snpLaunchUpdate(0x100, region, 0, 0x2000, SnpPageType.NORMAL));
            assertTrue(e.getMessage().contains("8192 bytes of 8192 are left"), e.getMessage());
            sev.close();
        }
    }

    @Test
    void commandsWithoutAMethodGoByTheirNumbers() {
        List<Integer> ids = sev((id, data) -> {
            if (id == kvm_x86_h.KVM_SEV_SEND_START()) {
                assertEquals(7, kvm_sev_send_start.policy(at(data, kvm_sev_send_start.sizeof())));
                kvm_sev_send_start.session_len(at(data, kvm_sev_send_start.sizeof()), 99);
                return 0L;
            }
            assertEquals(0L, data);
            return id == kvm_x86_h.KVM_SEV_SEND_CANCEL() ? -Errno.EINVAL.number() : 0L;
        });
        X86Sev sev = vm.x86().openSev();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment start = kvm_sev_send_start.allocate(arena);
            kvm_sev_send_start.policy(start, 7);
            sev.unsafe().command(kvm_x86_h.KVM_SEV_SEND_START(), start);
            assertEquals(99, kvm_sev_send_start.session_len(start));
            KvmException e = assertThrows(KvmException.class,
                    () -> sev.unsafe().command(kvm_x86_h.KVM_SEV_SEND_CANCEL(), MemorySegment.NULL));
            assertEquals("KVM_MEMORY_ENCRYPT_OP(command " + kvm_x86_h.KVM_SEV_SEND_CANCEL() + ")", e.call());
            assertThrows(IllegalArgumentException.class,
                    () -> sev.unsafe().command(1, MemorySegment.ofArray(new byte[8])));
            assertThrows(IllegalArgumentException.class, () -> sev.unsafe().command(1, start.asReadOnly()));
        }
        sev.snpEnableReqCerts();
        assertEquals(List.of(kvm_x86_h.KVM_SEV_SEND_START(), kvm_x86_h.KVM_SEV_SEND_CANCEL(),
                kvm_x86_h.KVM_SEV_SNP_ENABLE_REQ_CERTS()), ids);
        sev.close();
        assertThrows(ClosedException.class, () -> sev.unsafe().command(1, MemorySegment.NULL));
    }

    @Test
    void theFirmwaresErrorIsInTheMessage() {
        libc.answering(Ioctl.KVM_MEMORY_ENCRYPT_OP, call -> {
            kvm_sev_cmd.error(call.argument(), 0x16);
            return -Errno.EIO.number();
        });
        X86Sev sev = vm.x86().openSev();
        KvmException e = assertThrows(KvmException.class, sev::launchFinish);
        assertEquals("KVM_MEMORY_ENCRYPT_OP(KVM_SEV_LAUNCH_FINISH)", e.call());
        assertTrue(e.getMessage().contains("firmware's error is 0x16"), e.getMessage());
        sev.close();
        sev.close();
        assertThrows(ClosedException.class, sev::launchFinish);
        X86Sev other = vm.x86().openSev();
        vm.close();
        assertThrows(ClosedException.class, other::launchFinish);
        assertThrows(ClosedException.class, vm.x86()::openSev);
    }

    @Test
    void aHostWithoutTheFirmwareSaysSo() {
        libc.refusingToOpen(Errno.ENOENT);
        KvmException e = assertThrows(KvmException.class, vm.x86()::openSev);
        assertEquals("open(/dev/sev)", e.call());
        assertEquals("ENOENT", e.errnoName());
    }

    @Test
    void regionsAreRegistered() {
        List<List<Long>> seen = new ArrayList<>();
        for (Ioctl ioctl : List.of(Ioctl.KVM_MEMORY_ENCRYPT_REG_REGION, Ioctl.KVM_MEMORY_ENCRYPT_UNREG_REGION)) {
            libc.answering(ioctl, call -> {
                seen.add(List.of((long) ioctl.ordinal(), kvm_enc_region.addr(call.argument()),
                        kvm_enc_region.size(call.argument())));
                return 0;
            });
        }
        X86Sev sev = vm.x86().openSev();
        sev.registerRegion(region);
        sev.unregisterRegion(region);
        long address = region.segment().address();
        assertEquals(List.of(List.of((long) Ioctl.KVM_MEMORY_ENCRYPT_REG_REGION.ordinal(), address, 0x10000L),
                List.of((long) Ioctl.KVM_MEMORY_ENCRYPT_UNREG_REGION.ordinal(), address, 0x10000L)), seen);
    }

    private static void entry(MemorySegment table, int function, int eax) {
        kvm_cpuid2.nent(table, 1);
        MemorySegment entry = table.asSlice(kvm_cpuid2.entries$offset(), kvm_cpuid_entry2.sizeof());
        kvm_cpuid_entry2.function(entry, function);
        kvm_cpuid_entry2.eax(entry, eax);
    }

    @Test
    void aTrustDomainIsMade() {
        byte[] configuration = new byte[48];
        configuration[0] = 1;
        byte[] owner = new byte[48];
        owner[47] = 2;
        byte[] ownerConfiguration = new byte[48];
        ownerConfiguration[20] = 3;
        Cpuid cpuid = new Cpuid(List.of(new CpuidEntry(7, 0, 1, 2, 3, 4, 5)));
        Vcpu vcpu = vm.createVcpu(0);
        List<Object> seen = new ArrayList<>();
        libc.answering(Ioctl.KVM_MEMORY_ENCRYPT_OP, call -> {
            int id = kvm_tdx_cmd.id(call.argument());
            long data = kvm_tdx_cmd.data(call.argument());
            assertEquals(0, kvm_tdx_cmd.hw_error(call.argument()));
            seen.add(call.on() + " " + id + " " + kvm_tdx_cmd.flags(call.argument()));
            if (id == kvm_x86_h.KVM_TDX_CAPABILITIES()) {
                MemorySegment capabilities = at(data, kvm_tdx_capabilities.sizeof() + 256 * kvm_cpuid_entry2.sizeof());
                kvm_tdx_capabilities.supported_attrs(capabilities, 11);
                kvm_tdx_capabilities.supported_xfam(capabilities, 22);
                MemorySegment table = capabilities.asSlice(kvm_tdx_capabilities.cpuid$offset());
                assertEquals(256, kvm_cpuid2.nent(table));
                entry(table, 1, 33);
            } else if (id == kvm_x86_h.KVM_TDX_INIT_VM()) {
                MemorySegment init = at(data, kvm_tdx_init_vm.sizeof() + kvm_cpuid_entry2.sizeof());
                assertEquals(44, kvm_tdx_init_vm.attributes(init));
                assertEquals(55, kvm_tdx_init_vm.xfam(init));
                assertArrayEquals(configuration, kvm_tdx_init_vm.mrconfigid(init).toArray(ValueLayout.JAVA_BYTE));
                assertArrayEquals(owner, kvm_tdx_init_vm.mrowner(init).toArray(ValueLayout.JAVA_BYTE));
                assertArrayEquals(ownerConfiguration,
                        kvm_tdx_init_vm.mrownerconfig(init).toArray(ValueLayout.JAVA_BYTE));
                MemorySegment table = init.asSlice(kvm_tdx_init_vm.cpuid$offset());
                assertEquals(1, kvm_cpuid2.nent(table));
                assertEquals(7, kvm_cpuid_entry2.function(table.asSlice(kvm_cpuid2.entries$offset())));
                assertEquals(5, kvm_cpuid_entry2.edx(table.asSlice(kvm_cpuid2.entries$offset())));
            } else if (id == kvm_x86_h.KVM_TDX_INIT_VCPU()) {
                assertEquals(0x8000, data);
            } else if (id == kvm_x86_h.KVM_TDX_INIT_MEM_REGION()) {
                MemorySegment range = at(data, kvm_tdx_init_mem_region.sizeof());
                long pages = kvm_tdx_init_mem_region.nr_pages(range);
                assertEquals(region.segment().address() + 0x4000 + (3 - pages) * 4096,
                        kvm_tdx_init_mem_region.source_addr(range));
                assertEquals(0x100000 + (3 - pages) * 4096, kvm_tdx_init_mem_region.gpa(range));
                kvm_tdx_init_mem_region.source_addr(range, kvm_tdx_init_mem_region.source_addr(range) + 4096);
                kvm_tdx_init_mem_region.gpa(range, kvm_tdx_init_mem_region.gpa(range) + 4096);
                kvm_tdx_init_mem_region.nr_pages(range, pages - 1);
                return pages == 3 ? -Errno.EINTR.number() : pages == 2 ? -Errno.EAGAIN.number() : 0;
            } else if (id == kvm_x86_h.KVM_TDX_GET_CPUID()) {
                entry(at(data, kvm_cpuid2.sizeof() + 256 * kvm_cpuid_entry2.sizeof()), 2, 66);
            }
            return 0;
        });
        X86Tdx tdx = vm.x86().tdx();
        assertEquals(new TdxCapabilities(11, 22, new Cpuid(List.of(new CpuidEntry(1, 0, 0, 33, 0, 0, 0)))),
                tdx.capabilities());
        tdx.initVm(44, 55, configuration, owner, ownerConfiguration, cpuid);
        tdx.initVcpu(vcpu.x86(), 0x8000);
        tdx.initMemRegion(vcpu.x86(), 0x100000, region, 0x4000, 3, true);
        assertEquals(66, tdx.getCpuid(vcpu.x86()).find(2).orElseThrow().eax());
        tdx.finalizeVm();
        assertEquals(
                List.of("VM " + kvm_x86_h.KVM_TDX_CAPABILITIES() + " 0", "VM " + kvm_x86_h.KVM_TDX_INIT_VM() + " 0",
                        "vCPU 0 " + kvm_x86_h.KVM_TDX_INIT_VCPU() + " 0",
                        "vCPU 0 " + kvm_x86_h.KVM_TDX_INIT_MEM_REGION() + " 1",
                        "vCPU 0 " + kvm_x86_h.KVM_TDX_INIT_MEM_REGION() + " 1",
                        "vCPU 0 " + kvm_x86_h.KVM_TDX_INIT_MEM_REGION() + " 1",
                        "vCPU 0 " + kvm_x86_h.KVM_TDX_GET_CPUID() + " 0",
                        "VM " + kvm_x86_h.KVM_TDX_FINALIZE_VM() + " 0"),
                seen);
        assertThrows(IllegalArgumentException.class,
                () -> tdx.initMemRegion(vcpu.x86(), 0, region, 0xf000, 2, false));
        assertThrows(IllegalArgumentException.class,
                () -> tdx.initVm(0, 0, new byte[47], owner, ownerConfiguration, cpuid));
        libc.answering(Ioctl.KVM_MEMORY_ENCRYPT_OP, call -> {
            kvm_tdx_cmd.hw_error(call.argument(), 0xc000_0100_0000_0000L);
            return -Errno.EIO.number();
        });
        KvmException e = assertThrows(KvmException.class, tdx::finalizeVm);
        assertTrue(e.getMessage().contains("KVM_TDX_FINALIZE_VM") && e.getMessage().contains("0xc000010000000000"),
                e.getMessage());
        vm.close();
        assertThrows(ClosedException.class, tdx::finalizeVm);
        assertThrows(ClosedException.class, () -> tdx.initVcpu(vcpu.x86(), 0));
    }

    /** The kernel writes to the memory of a launch by its host address, whatever is mapped there by then. */
    @Test
    void memoryThatIsRemovedIsNotGivenToTheKernel() {
        try (X86Sev sev = vm.x86().openSev()) {
            X86Tdx tdx = vm.x86().tdx();
            Vcpu vcpu = vm.createVcpu(0);
            vm.memory().remove(region);
            for (Runnable call : List.<Runnable>of(() -> sev.launchUpdateData(region, 0, 0x1000),
                    () -> sev.launchSecret(new byte[1], region, 0, new byte[16]),
                    () -> sev.snpLaunchUpdate(0, region, 0, 0x1000, SnpPageType.NORMAL),
                    () -> sev.registerRegion(region), () -> sev.unregisterRegion(region),
                    () -> tdx.initMemRegion(vcpu.x86(), 0, region, 0, 1, false))) {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
                assertTrue(e.getMessage().contains("no region of this VM"), e.getMessage());
            }
        }
        assertEquals(0, libc.count("KVM_MEMORY_ENCRYPT_OP"));
        assertEquals(0, libc.count("KVM_MEMORY_ENCRYPT_REG_REGION"));
        assertEquals(0, libc.count("KVM_MEMORY_ENCRYPT_UNREG_REGION"));
    }

    @Test
    void memoryIsRemovedWhenTheKernelIsThroughWithIt() throws InterruptedException {
        CountDownLatch inKernel = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicBoolean mapped = new AtomicBoolean();
        libc.onIoctl(Ioctl.KVM_MEMORY_ENCRYPT_OP, () -> {
            inKernel.countDown();
            Concurrent.await(goOn);
            Concurrent.pause(50);
            mapped.set(region.segment().scope().isAlive());
        });
        try (X86Sev sev = vm.x86().openSev()) {
            CompletableFuture<?> launch = Concurrent.call(() -> {
                sev.launchUpdateData(region, 0, 0x1000);
                return true;
            });
            Concurrent.await(inKernel);
            CompletableFuture<?> removal = Concurrent.call(() -> {
                goOn.countDown();
                vm.memory().remove(region);
                return true;
            });
            Concurrent.finish(launch);
            Concurrent.finish(removal);
        }
        assertTrue(mapped.get(), "removed under the kernel");
        assertFalse(region.segment().scope().isAlive());
    }
}
