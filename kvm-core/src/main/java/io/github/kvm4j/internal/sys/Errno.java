package io.github.kvm4j.internal.sys;

import io.github.kvm4j.bindings.libc.libc_h;

/** The kernel's errno values and their names. */
public enum Errno {

    // @formatter:off
    EPERM(libc_h.EPERM()),
    ENOENT(libc_h.ENOENT()),
    ESRCH(libc_h.ESRCH()),
    EINTR(libc_h.EINTR()),
    EIO(libc_h.EIO()),
    ENXIO(libc_h.ENXIO()),
    E2BIG(libc_h.E2BIG()),
    ENOEXEC(libc_h.ENOEXEC()),
    EBADF(libc_h.EBADF()),
    ECHILD(libc_h.ECHILD()),
    EAGAIN(libc_h.EAGAIN()),
    ENOMEM(libc_h.ENOMEM()),
    EACCES(libc_h.EACCES()),
    EFAULT(libc_h.EFAULT()),
    ENOTBLK(libc_h.ENOTBLK()),
    EBUSY(libc_h.EBUSY()),
    EEXIST(libc_h.EEXIST()),
    EXDEV(libc_h.EXDEV()),
    ENODEV(libc_h.ENODEV()),
    ENOTDIR(libc_h.ENOTDIR()),
    EISDIR(libc_h.EISDIR()),
    EINVAL(libc_h.EINVAL()),
    ENFILE(libc_h.ENFILE()),
    EMFILE(libc_h.EMFILE()),
    ENOTTY(libc_h.ENOTTY()),
    ETXTBSY(libc_h.ETXTBSY()),
    EFBIG(libc_h.EFBIG()),
    ENOSPC(libc_h.ENOSPC()),
    ESPIPE(libc_h.ESPIPE()),
    EROFS(libc_h.EROFS()),
    EMLINK(libc_h.EMLINK()),
    EPIPE(libc_h.EPIPE()),
    EDOM(libc_h.EDOM()),
    ERANGE(libc_h.ERANGE()),
    EDEADLK(libc_h.EDEADLK()),
    ENAMETOOLONG(libc_h.ENAMETOOLONG()),
    ENOLCK(libc_h.ENOLCK()),
    ENOSYS(libc_h.ENOSYS()),
    ENOTEMPTY(libc_h.ENOTEMPTY()),
    ELOOP(libc_h.ELOOP()),
    ENOMSG(libc_h.ENOMSG()),
    EIDRM(libc_h.EIDRM()),
    ECHRNG(libc_h.ECHRNG()),
    EL2NSYNC(libc_h.EL2NSYNC()),
    EL3HLT(libc_h.EL3HLT()),
    EL3RST(libc_h.EL3RST()),
    ELNRNG(libc_h.ELNRNG()),
    EUNATCH(libc_h.EUNATCH()),
    ENOCSI(libc_h.ENOCSI()),
    EL2HLT(libc_h.EL2HLT()),
    EBADE(libc_h.EBADE()),
    EBADR(libc_h.EBADR()),
    EXFULL(libc_h.EXFULL()),
    ENOANO(libc_h.ENOANO()),
    EBADRQC(libc_h.EBADRQC()),
    EBADSLT(libc_h.EBADSLT()),
    EBFONT(libc_h.EBFONT()),
    ENOSTR(libc_h.ENOSTR()),
    ENODATA(libc_h.ENODATA()),
    ETIME(libc_h.ETIME()),
    ENOSR(libc_h.ENOSR()),
    ENONET(libc_h.ENONET()),
    ENOPKG(libc_h.ENOPKG()),
    EREMOTE(libc_h.EREMOTE()),
    ENOLINK(libc_h.ENOLINK()),
    EADV(libc_h.EADV()),
    ESRMNT(libc_h.ESRMNT()),
    ECOMM(libc_h.ECOMM()),
    EPROTO(libc_h.EPROTO()),
    EMULTIHOP(libc_h.EMULTIHOP()),
    EDOTDOT(libc_h.EDOTDOT()),
    EBADMSG(libc_h.EBADMSG()),
    EOVERFLOW(libc_h.EOVERFLOW()),
    ENOTUNIQ(libc_h.ENOTUNIQ()),
    EBADFD(libc_h.EBADFD()),
    EREMCHG(libc_h.EREMCHG()),
    ELIBACC(libc_h.ELIBACC()),
    ELIBBAD(libc_h.ELIBBAD()),
    ELIBSCN(libc_h.ELIBSCN()),
    ELIBMAX(libc_h.ELIBMAX()),
    ELIBEXEC(libc_h.ELIBEXEC()),
    EILSEQ(libc_h.EILSEQ()),
    ERESTART(libc_h.ERESTART()),
    ESTRPIPE(libc_h.ESTRPIPE()),
    EUSERS(libc_h.EUSERS()),
    ENOTSOCK(libc_h.ENOTSOCK()),
    EDESTADDRREQ(libc_h.EDESTADDRREQ()),
    EMSGSIZE(libc_h.EMSGSIZE()),
    EPROTOTYPE(libc_h.EPROTOTYPE()),
    ENOPROTOOPT(libc_h.ENOPROTOOPT()),
    EPROTONOSUPPORT(libc_h.EPROTONOSUPPORT()),
    ESOCKTNOSUPPORT(libc_h.ESOCKTNOSUPPORT()),
    EOPNOTSUPP(libc_h.EOPNOTSUPP()),
    EPFNOSUPPORT(libc_h.EPFNOSUPPORT()),
    EAFNOSUPPORT(libc_h.EAFNOSUPPORT()),
    EADDRINUSE(libc_h.EADDRINUSE()),
    EADDRNOTAVAIL(libc_h.EADDRNOTAVAIL()),
    ENETDOWN(libc_h.ENETDOWN()),
    ENETUNREACH(libc_h.ENETUNREACH()),
    ENETRESET(libc_h.ENETRESET()),
    ECONNABORTED(libc_h.ECONNABORTED()),
    ECONNRESET(libc_h.ECONNRESET()),
    ENOBUFS(libc_h.ENOBUFS()),
    EISCONN(libc_h.EISCONN()),
    ENOTCONN(libc_h.ENOTCONN()),
    ESHUTDOWN(libc_h.ESHUTDOWN()),
    ETOOMANYREFS(libc_h.ETOOMANYREFS()),
    ETIMEDOUT(libc_h.ETIMEDOUT()),
    ECONNREFUSED(libc_h.ECONNREFUSED()),
    EHOSTDOWN(libc_h.EHOSTDOWN()),
    EHOSTUNREACH(libc_h.EHOSTUNREACH()),
    EALREADY(libc_h.EALREADY()),
    EINPROGRESS(libc_h.EINPROGRESS()),
    ESTALE(libc_h.ESTALE()),
    EUCLEAN(libc_h.EUCLEAN()),
    ENOTNAM(libc_h.ENOTNAM()),
    ENAVAIL(libc_h.ENAVAIL()),
    EISNAM(libc_h.EISNAM()),
    EREMOTEIO(libc_h.EREMOTEIO()),
    EDQUOT(libc_h.EDQUOT()),
    ENOMEDIUM(libc_h.ENOMEDIUM()),
    EMEDIUMTYPE(libc_h.EMEDIUMTYPE()),
    ECANCELED(libc_h.ECANCELED()),
    ENOKEY(libc_h.ENOKEY()),
    EKEYEXPIRED(libc_h.EKEYEXPIRED()),
    EKEYREVOKED(libc_h.EKEYREVOKED()),
    EKEYREJECTED(libc_h.EKEYREJECTED()),
    EOWNERDEAD(libc_h.EOWNERDEAD()),
    ENOTRECOVERABLE(libc_h.ENOTRECOVERABLE()),
    ERFKILL(libc_h.ERFKILL()),
    EHWPOISON(libc_h.EHWPOISON()),
    EFTYPE(libc_h.EFTYPE());
    // @formatter:on

    private final int number;

    Errno(int number) {
        this.number = number;
    }

    /** The value, positive. */
    public int number() {
        return number;
    }

    /** Whether what a call of {@link Libc} returned is this failure. */
    public boolean is(long result) {
        return result == -number;
    }

    /** The name of an errno, or {@code errno N} for one that has none here. */
    public static String name(int number) {
        for (Errno errno : values()) {
            if (errno.number == number) {
                return errno.name();
            }
        }
        return "errno " + number;
    }
}
