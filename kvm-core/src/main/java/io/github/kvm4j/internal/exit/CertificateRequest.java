package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_exit_snp_req_certs;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_SNP_REQ_CERTS. */
public final class CertificateRequest extends Flyweight implements X86Exit.SnpReqCerts {

    private static final long REQUEST = kvm_run.snp_req_certs$offset();
    private static final long ADDRESS = REQUEST + kvm_exit_snp_req_certs.gpa$offset();
    private static final long PAGES = REQUEST + kvm_exit_snp_req_certs.npages$offset();
    private static final long RESULT = REQUEST + kvm_exit_snp_req_certs.ret$offset();

    private long address;
    private long pages;
    private long neededPages;
    private int result;

    CertificateRequest() {
    }

    @Override
    void load(RunPage run) {
        address = run.getLong(ADDRESS);
        pages = run.getLong(PAGES);
        neededPages = pages;
        // One of the four results that KVM knows, a positive errno; the kernel presets 0, success.
        result = libc_h.EIO();
    }

    @Override
    void complete(RunPage run) {
        run.setLong(PAGES, neededPages);
        run.setLong(RESULT, result);
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long pages() {
        return pages;
    }

    @Override
    public void answer() {
        answer(0, pages);
    }

    @Override
    public void needPages(long number) {
        answer(libc_h.ENOSPC(), number);
    }

    @Override
    public void retry() {
        answer(libc_h.EAGAIN(), pages);
    }

    private void answer(int newResult, long newPages) {
        requireCurrent();
        result = newResult;
        neededPages = newPages;
    }

    @Override
    public String toString() {
        return String.format("SnpReqCerts[0x%x, %d pages]", address, pages);
    }
}
