// SPDX-License-Identifier: MIT
// errors.c - the names and texts of errors, by number.

#include "lib/base/errors.h"

#include <stddef.h>

#include "abi/errors.h"
#include "lib/base/compiler.h"

struct error_entry {
    const char *name;
    const char *text;
};

#define ERROR(name, text) [name] = { #name, text }

static const struct error_entry errors[] = {
    ERROR(EPERM, "operation not permitted"),
    ERROR(ENOENT, "no such file or directory"),
    ERROR(ESRCH, "no such process"),
    ERROR(EINTR, "interrupted system call"),
    ERROR(EIO, "input/output error"),
    ERROR(ENXIO, "no such device or address"),
    ERROR(E2BIG, "argument list too long"),
    ERROR(ENOEXEC, "exec format error"),
    ERROR(EBADF, "bad file descriptor"),
    ERROR(ECHILD, "no child processes"),
    ERROR(EAGAIN, "resource temporarily unavailable"),
    ERROR(ENOMEM, "cannot allocate memory"),
    ERROR(EACCES, "permission denied"),
    ERROR(EFAULT, "bad address"),
    ERROR(ENOTBLK, "block device required"),
    ERROR(EBUSY, "device or resource busy"),
    ERROR(EEXIST, "file exists"),
    ERROR(EXDEV, "invalid cross-device link"),
    ERROR(ENODEV, "no such device"),
    ERROR(ENOTDIR, "not a directory"),
    ERROR(EISDIR, "is a directory"),
    ERROR(EINVAL, "invalid argument"),
    ERROR(ENFILE, "too many open files in system"),
    ERROR(EMFILE, "too many open files"),
    ERROR(ENOTTY, "inappropriate ioctl for device"),
    ERROR(ETXTBSY, "text file busy"),
    ERROR(EFBIG, "file too large"),
    ERROR(ENOSPC, "no space left on device"),
    ERROR(ESPIPE, "illegal seek"),
    ERROR(EROFS, "read-only file system"),
    ERROR(EMLINK, "too many links"),
    ERROR(EPIPE, "broken pipe"),
    ERROR(EDOM, "numerical argument out of domain"),
    ERROR(ERANGE, "numerical result out of range"),
    ERROR(EDEADLK, "resource deadlock avoided"),
    ERROR(ENAMETOOLONG, "file name too long"),
    ERROR(ENOLCK, "no locks available"),
    ERROR(ENOSYS, "function not implemented"),
    ERROR(ENOTEMPTY, "directory not empty"),
    ERROR(ELOOP, "too many levels of symbolic links"),
    ERROR(ENOMSG, "no message of desired type"),
    ERROR(EIDRM, "identifier removed"),
    ERROR(ECHRNG, "channel number out of range"),
    ERROR(EL2NSYNC, "level 2 not synchronized"),
    ERROR(EL3HLT, "level 3 halted"),
    ERROR(EL3RST, "level 3 reset"),
    ERROR(ELNRNG, "link number out of range"),
    ERROR(EUNATCH, "protocol driver not attached"),
    ERROR(ENOCSI, "no csi structure available"),
    ERROR(EL2HLT, "level 2 halted"),
    ERROR(EBADE, "invalid exchange"),
    ERROR(EBADR, "invalid request descriptor"),
    ERROR(EXFULL, "exchange full"),
    ERROR(ENOANO, "no anode"),
    ERROR(EBADRQC, "invalid request code"),
    ERROR(EBADSLT, "invalid slot"),
    ERROR(EBFONT, "bad font file format"),
    ERROR(ENOSTR, "device not a stream"),
    ERROR(ENODATA, "no data available"),
    ERROR(ETIME, "timer expired"),
    ERROR(ENOSR, "out of streams resources"),
    ERROR(ENONET, "machine is not on the network"),
    ERROR(ENOPKG, "package not installed"),
    ERROR(EREMOTE, "object is remote"),
    ERROR(ENOLINK, "link has been severed"),
    ERROR(EADV, "advertise error"),
    ERROR(ESRMNT, "srmount error"),
    ERROR(ECOMM, "communication error on send"),
    ERROR(EPROTO, "protocol error"),
    ERROR(EMULTIHOP, "multihop attempted"),
    ERROR(EDOTDOT, "rfs specific error"),
    ERROR(EBADMSG, "bad message"),
    ERROR(EOVERFLOW, "value too large for defined data type"),
    ERROR(ENOTUNIQ, "name not unique on network"),
    ERROR(EBADFD, "file descriptor in bad state"),
    ERROR(EREMCHG, "remote address changed"),
    ERROR(ELIBACC, "can not access a needed shared library"),
    ERROR(ELIBBAD, "accessing a corrupted shared library"),
    ERROR(ELIBSCN, ".lib section in a.out corrupted"),
    ERROR(ELIBMAX, "attempting to link in too many shared libraries"),
    ERROR(ELIBEXEC, "cannot exec a shared library directly"),
    ERROR(EILSEQ, "invalid or incomplete multibyte or wide character"),
    ERROR(ERESTART, "interrupted system call should be restarted"),
    ERROR(ESTRPIPE, "streams pipe error"),
    ERROR(EUSERS, "too many users"),
    ERROR(ENOTSOCK, "socket operation on non-socket"),
    ERROR(EDESTADDRREQ, "destination address required"),
    ERROR(EMSGSIZE, "message too long"),
    ERROR(EPROTOTYPE, "protocol wrong type for socket"),
    ERROR(ENOPROTOOPT, "protocol not available"),
    ERROR(EPROTONOSUPPORT, "protocol not supported"),
    ERROR(ESOCKTNOSUPPORT, "socket type not supported"),
    ERROR(EOPNOTSUPP, "operation not supported"),
    ERROR(EPFNOSUPPORT, "protocol family not supported"),
    ERROR(EAFNOSUPPORT, "address family not supported by protocol"),
    ERROR(EADDRINUSE, "address already in use"),
    ERROR(EADDRNOTAVAIL, "cannot assign requested address"),
    ERROR(ENETDOWN, "network is down"),
    ERROR(ENETUNREACH, "network is unreachable"),
    ERROR(ENETRESET, "network dropped connection on reset"),
    ERROR(ECONNABORTED, "software caused connection abort"),
    ERROR(ECONNRESET, "connection reset by peer"),
    ERROR(ENOBUFS, "no buffer space available"),
    ERROR(EISCONN, "transport endpoint is already connected"),
    ERROR(ENOTCONN, "transport endpoint is not connected"),
    ERROR(ESHUTDOWN, "cannot send after transport endpoint shutdown"),
    ERROR(ETOOMANYREFS, "too many references: cannot splice"),
    ERROR(ETIMEDOUT, "connection timed out"),
    ERROR(ECONNREFUSED, "connection refused"),
    ERROR(EHOSTDOWN, "host is down"),
    ERROR(EHOSTUNREACH, "no route to host"),
    ERROR(EALREADY, "operation already in progress"),
    ERROR(EINPROGRESS, "operation now in progress"),
    ERROR(ESTALE, "stale file handle"),
    ERROR(EUCLEAN, "structure needs cleaning"),
    ERROR(ENOTNAM, "not a xenix named type file"),
    ERROR(ENAVAIL, "no xenix semaphores available"),
    ERROR(EISNAM, "is a named type file"),
    ERROR(EREMOTEIO, "remote i/o error"),
    ERROR(EDQUOT, "disk quota exceeded"),
    ERROR(ENOMEDIUM, "no medium found"),
    ERROR(EMEDIUMTYPE, "wrong medium type"),
    ERROR(ECANCELED, "operation canceled"),
    ERROR(ENOKEY, "required key not available"),
    ERROR(EKEYEXPIRED, "key has expired"),
    ERROR(EKEYREVOKED, "key has been revoked"),
    ERROR(EKEYREJECTED, "key was rejected by service"),
    ERROR(EOWNERDEAD, "owner died"),
    ERROR(ENOTRECOVERABLE, "state not recoverable"),
    ERROR(ERFKILL, "operation not possible due to rf-kill"),
};

static const struct error_entry *find(int error)
{
    // Unsigned, so that the lowest number of all, which has no positive one, is no trap.
    unsigned number = error < 0 ? 0U - (unsigned)error : (unsigned)error;

    if (number >= ARRAY_LEN(errors) || errors[number].name == NULL)
        return NULL;
    return &errors[number];
}

const char *error_name(int error)
{
    const struct error_entry *entry = find(error);

    return entry != NULL ? entry->name : NULL;
}

const char *error_text(int error)
{
    const struct error_entry *entry = find(error);

    return entry != NULL ? entry->text : "unknown error";
}
