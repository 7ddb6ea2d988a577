/* SPDX-License-Identifier: Apache-2.0 */
/* p1_abi.h: numbers and layouts of preview 1, as the guest has them. Little endian, like all guests. */
#ifndef WASI_P1_ABI_H
#define WASI_P1_ABI_H

#include <stdint.h>

enum p1_errno {
	P1_SUCCESS,
	P1_2BIG,
	P1_ACCES,
	P1_ADDRINUSE,
	P1_ADDRNOTAVAIL,
	P1_AFNOSUPPORT,
	P1_AGAIN,
	P1_ALREADY,
	P1_BADF,
	P1_BADMSG,
	P1_BUSY,
	P1_CANCELED,
	P1_CHILD,
	P1_CONNABORTED,
	P1_CONNREFUSED,
	P1_CONNRESET,
	P1_DEADLK,
	P1_DESTADDRREQ,
	P1_DOM,
	P1_DQUOT,
	P1_EXIST,
	P1_FAULT,
	P1_FBIG,
	P1_HOSTUNREACH,
	P1_IDRM,
	P1_ILSEQ,
	P1_INPROGRESS,
	P1_INTR,
	P1_INVAL,
	P1_IO,
	P1_ISCONN,
	P1_ISDIR,
	P1_LOOP,
	P1_MFILE,
	P1_MLINK,
	P1_MSGSIZE,
	P1_MULTIHOP,
	P1_NAMETOOLONG,
	P1_NETDOWN,
	P1_NETRESET,
	P1_NETUNREACH,
	P1_NFILE,
	P1_NOBUFS,
	P1_NODEV,
	P1_NOENT,
	P1_NOEXEC,
	P1_NOLCK,
	P1_NOLINK,
	P1_NOMEM,
	P1_NOMSG,
	P1_NOPROTOOPT,
	P1_NOSPC,
	P1_NOSYS,
	P1_NOTCONN,
	P1_NOTDIR,
	P1_NOTEMPTY,
	P1_NOTRECOVERABLE,
	P1_NOTSOCK,
	P1_NOTSUP,
	P1_NOTTY,
	P1_NXIO,
	P1_OVERFLOW,
	P1_OWNERDEAD,
	P1_PERM,
	P1_PIPE,
	P1_PROTO,
	P1_PROTONOSUPPORT,
	P1_PROTOTYPE,
	P1_RANGE,
	P1_ROFS,
	P1_SPIPE,
	P1_SRCH,
	P1_STALE,
	P1_TIMEDOUT,
	P1_TXTBSY,
	P1_XDEV,
	P1_NOTCAPABLE,
	/* WasmEdge's, of sock_getaddrinfo. */
	P1_AIADDRFAMILY,
	P1_AIAGAIN,
	P1_AIBADFLAG,
	P1_AIFAIL,
	P1_AIFAMILY,
	P1_AIMEMORY,
	P1_AINODATA,
	P1_AINONAME,
	P1_AISERVICE,
	P1_AISOCKTYPE,
	P1_AISYSTEM,
};

/* Rights: RIGHT(bit, ID). */
#define P1_RIGHTS(RIGHT)                   \
	RIGHT(0, FD_DATASYNC)              \
	RIGHT(1, FD_READ)                  \
	RIGHT(2, FD_SEEK)                  \
	RIGHT(3, FD_FDSTAT_SET_FLAGS)      \
	RIGHT(4, FD_SYNC)                  \
	RIGHT(5, FD_TELL)                  \
	RIGHT(6, FD_WRITE)                 \
	RIGHT(7, FD_ADVISE)                \
	RIGHT(8, FD_ALLOCATE)              \
	RIGHT(9, PATH_CREATE_DIRECTORY)    \
	RIGHT(10, PATH_CREATE_FILE)        \
	RIGHT(11, PATH_LINK_SOURCE)        \
	RIGHT(12, PATH_LINK_TARGET)        \
	RIGHT(13, PATH_OPEN)               \
	RIGHT(14, FD_READDIR)              \
	RIGHT(15, PATH_READLINK)           \
	RIGHT(16, PATH_RENAME_SOURCE)      \
	RIGHT(17, PATH_RENAME_TARGET)      \
	RIGHT(18, PATH_FILESTAT_GET)       \
	RIGHT(19, PATH_FILESTAT_SET_SIZE)  \
	RIGHT(20, PATH_FILESTAT_SET_TIMES) \
	RIGHT(21, FD_FILESTAT_GET)         \
	RIGHT(22, FD_FILESTAT_SET_SIZE)    \
	RIGHT(23, FD_FILESTAT_SET_TIMES)   \
	RIGHT(24, PATH_SYMLINK)            \
	RIGHT(25, PATH_REMOVE_DIRECTORY)   \
	RIGHT(26, PATH_UNLINK_FILE)        \
	RIGHT(27, POLL_FD_READWRITE)       \
	RIGHT(28, SOCK_SHUTDOWN)           \
	RIGHT(29, SOCK_ACCEPT)

enum p1_right {
#define RIGHT(bit, id) P1_R_##id = 1 << bit,
	P1_RIGHTS(RIGHT)
#undef RIGHT
		P1_R_ALL = (1 << 30) - 1,
};

enum p1_filetype {
	P1_TYPE_UNKNOWN,
	P1_TYPE_BLOCK_DEVICE,
	P1_TYPE_CHARACTER_DEVICE,
	P1_TYPE_DIRECTORY,
	P1_TYPE_REGULAR_FILE,
	P1_TYPE_SOCKET_DGRAM,
	P1_TYPE_SOCKET_STREAM,
	P1_TYPE_SYMBOLIC_LINK,
};

enum p1_fdflags {
	P1_FD_APPEND = 1,
	P1_FD_DSYNC = 2,
	P1_FD_NONBLOCK = 4,
	P1_FD_RSYNC = 8,
	P1_FD_SYNC = 16,
	P1_FD_ALL = 31,
};

enum p1_oflags {
	P1_O_CREAT = 1,
	P1_O_DIRECTORY = 2,
	P1_O_EXCL = 4,
	P1_O_TRUNC = 8,
	P1_O_ALL = 15,
};

enum { P1_LOOKUP_FOLLOW = 1 };
enum { P1_PRESTAT_DIR = 0, P1_PRESTAT_OTHER = 1 };

enum p1_fstflags {
	P1_FST_ATIM = 1,
	P1_FST_ATIM_NOW = 2,
	P1_FST_MTIM = 4,
	P1_FST_MTIM_NOW = 8,
	P1_FST_ALL = 15,
};

enum p1_clock {
	P1_CLOCK_REALTIME,
	P1_CLOCK_MONOTONIC,
	P1_CLOCK_PROCESS_CPUTIME,
	P1_CLOCK_THREAD_CPUTIME,
};

enum p1_eventtype { P1_EVENT_CLOCK, P1_EVENT_FD_READ, P1_EVENT_FD_WRITE };
enum { P1_SUBCLOCK_ABSTIME = 1 };
enum { P1_EVENT_HANGUP = 1 };

enum p1_riflags { P1_RI_PEEK = 1, P1_RI_WAITALL = 2, P1_RI_ALL = 3 };
enum { P1_RO_TRUNCATED = 1 };
enum p1_sdflags { P1_SD_RD = 1, P1_SD_WR = 2 };

enum { P1_DIRENT_BYTES = 24, P1_EVENT_BYTES = 32 };

struct p1_fdstat {
	uint8_t filetype;
	uint8_t pad1;
	uint16_t flags;
	uint32_t pad2;
	uint64_t rights;
	uint64_t inheriting;
};
_Static_assert(sizeof(struct p1_fdstat) == 24, "preview 1");

struct p1_filestat {
	uint64_t dev;
	uint64_t ino;
	uint8_t filetype;
	uint8_t pad[7];
	uint64_t nlink;
	uint64_t size;
	uint64_t atim;
	uint64_t mtim;
	uint64_t ctim;
};
_Static_assert(sizeof(struct p1_filestat) == 64, "preview 1");

/* wasi_unstable's. */
struct p0_filestat {
	uint64_t dev;
	uint64_t ino;
	uint8_t filetype;
	uint8_t pad[3];
	uint32_t nlink;
	uint64_t size;
	uint64_t atim;
	uint64_t mtim;
	uint64_t ctim;
};
_Static_assert(sizeof(struct p0_filestat) == 56, "wasi_unstable");

struct p1_dirent {
	uint64_t next;
	uint64_t ino;
	uint32_t name_size;
	uint8_t type;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct p1_dirent) == P1_DIRENT_BYTES, "preview 1");

struct p1_subscription {
	uint64_t userdata;
	uint8_t type;
	uint8_t pad[7];
	union {
		struct {
			uint32_t id;
			uint32_t pad;
			uint64_t timeout;
			uint64_t precision;
			uint16_t flags;
		} clock;
		uint32_t fd;
	} of;
};
_Static_assert(sizeof(struct p1_subscription) == 48, "preview 1");

/* wasi_unstable's clock has an identifier in front. */
struct p0_subscription {
	uint64_t userdata;
	uint8_t type;
	uint8_t pad[7];
	union {
		struct {
			uint64_t identifier;
			uint32_t id;
			uint32_t pad;
			uint64_t timeout;
			uint64_t precision;
			uint16_t flags;
		} clock;
		uint32_t fd;
	} of;
};
_Static_assert(sizeof(struct p0_subscription) == 56, "wasi_unstable");

struct p1_event {
	uint64_t userdata;
	uint16_t error;
	uint8_t type;
	uint8_t pad[5];
	uint64_t nbytes;
	uint16_t flags;
	uint8_t pad2[6];
};
_Static_assert(sizeof(struct p1_event) == P1_EVENT_BYTES, "preview 1");

#endif
