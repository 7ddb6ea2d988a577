/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1.c: the table of preview 1's functions, how a guest's call reaches a body, and what all bodies share.
 *
 * A call is one C call from the interpreter: the arguments are read from the slots of the frame, the errno is written
 * over them. Nothing is allocated.
 */
#include "wasi/p1.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "exec/instance.h"
#include "wasi/path.h"

/* -- The table ----------------------------------------------------------------------------------------- */

/* Adapters: the slots of a frame as the numbers a body wants. */
#define LETTER(letter) #letter
#define ARG_TYPE_i uint32_t
#define ARG_TYPE_I uint64_t
#define CALL_0(f) f(p)
#define A(n, t) (ARG_TYPE_##t) args[n]
#define CALL_1(f, a) f(p, A(0, a))
#define CALL_2(f, a, b) f(p, A(0, a), A(1, b))
#define CALL_3(f, a, b, c) f(p, A(0, a), A(1, b), A(2, c))
#define CALL_4(f, a, b, c, d) f(p, A(0, a), A(1, b), A(2, c), A(3, d))
#define CALL_5(f, a, b, c, d, e) f(p, A(0, a), A(1, b), A(2, c), A(3, d), A(4, e))
#define CALL_6(f, a, b, c, d, e, g) f(p, A(0, a), A(1, b), A(2, c), A(3, d), A(4, e), A(5, g))
#define CALL_7(f, a, b, c, d, e, g, h) \
	f(p, A(0, a), A(1, b), A(2, c), A(3, d), A(4, e), A(5, g), A(6, h))
#define CALL_8(f, a, b, c, d, e, g, h, i) \
	f(p, A(0, a), A(1, b), A(2, c), A(3, d), A(4, e), A(5, g), A(6, h), A(7, i))
#define CALL_9(f, a, b, c, d, e, g, h, i, j) \
	f(p, A(0, a), A(1, b), A(2, c), A(3, d), A(4, e), A(5, g), A(6, h), A(7, i), A(8, j))

#define P1(name, result, ...)                                                            \
	static uint32_t call_##name(struct p1 *p, const slot *args)                      \
	{                                                                                \
		(void)args;                                                              \
		return P1_PASTE(CALL_, P1_COUNT(__VA_ARGS__))(p1_##name, ##__VA_ARGS__); \
	}
#include "wasi/p1.def"
#undef P1

enum { NONE, ERRNO };

const struct p1_row p1_rows[] = {
#define P1(name, result, ...)                                                               \
	{#name, "" P1_MAP(LETTER, ##__VA_ARGS__), sizeof(#name) - 1, P1_COUNT(__VA_ARGS__), \
	 (result) == ERRNO},
#include "wasi/p1.def"
#undef P1
};
const uint32_t p1_row_count = ARRAY_SIZE(p1_rows);

static uint32_t (*const calls[])(struct p1 *p, const slot *args) = {
#define P1(name, result, ...) call_##name,
#include "wasi/p1.def"
#undef P1
};

uint32_t p1_call(const struct p1_row *row, struct p1 *p, const slot *args)
{
	return calls[row - p1_rows](p, args);
}

static bool text_is(const char *text, const char *bytes, size_t size)
{
	return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

bool p1_is_module(const char *name, size_t size, bool *ret_unstable)
{
	*ret_unstable = text_is("wasi_unstable", name, size);
	return *ret_unstable || text_is("wasi_snapshot_preview1", name, size);
}

const struct p1_row *p1_find(const char *name, size_t size)
{
	for (uint32_t i = 0; i < p1_row_count; i++)
		if (p1_rows[i].name_size == size && memcmp(p1_rows[i].name, name, size) == 0)
			return &p1_rows[i];
	return NULL;
}

const struct p1_row *p1_find_second(const struct p1_row *row)
{
	static const char suffix[] = "_v2";
	char name[32];

	if (row->name_size + sizeof(suffix) > sizeof(name))
		return NULL;
	memcpy(name, row->name, row->name_size);
	memcpy(name + row->name_size, suffix, sizeof(suffix));
	return p1_find(name, row->name_size + sizeof(suffix) - 1);
}

/* -- A call ---------------------------------------------------------------------------------------------- */

enum { P1_TYPES = 16 }; /* parameters and a result */

struct p1_host {
	struct host host; /* first: what exec knows */
	const struct p1_row *row;
	struct system *system; /* counted */
	bool unstable;
	uint32_t types[P1_TYPES];
};

static void release(struct host *host)
{
	system_unref(((struct p1_host *)(void *)host)->system);
	free(host);
}

/* The guest ends when it was interrupted, or nothing is left to finish of a stop. */
static enum status end_of(struct p1 *p)
{
	struct thread *thread = p->thread;

	if (thread_is_interrupted(thread))
		return thread_trap(thread, TRAP_INTERRUPTED,
				   thread->call_pc != NULL ? thread->call_pc - 1 : NULL);
	if (stop_is_due(&p->system->stop)) {
		thread->exit_code = p->system->stop.code;
		return STATUS_EXIT;
	}
	return p->status;
}

/* What the guest shows as "memory". Pointers of preview 1 have 32 bits: with a memory of 64 every one leads out. */
static struct memory *memory_of(const struct instance *calling)
{
	struct memory *memory = calling != NULL ? calling->shown_memory : NULL;

	return memory != NULL && !memory->limits.is64 ? memory : NULL;
}

static enum status enter(struct thread *thread, struct func *self, slot *frame)
{
	const struct p1_host *host = (const struct p1_host *)(const void *)self->of.host;
	struct p1 p = {
		.thread = thread,
		.system = host->system,
		.memory = memory_of(thread->calling),
		.unstable = host->unstable,
		.waiter = {&thread->wake, &thread->interrupt, &host->system->stop},
	};
	uint32_t error;

	if (thread_native_left(thread) < HOST_STACK_RESERVE)
		return thread_trap(thread, TRAP_STACK_EXHAUSTED,
				   thread->call_pc != NULL ? thread->call_pc - 1 : NULL);
	error = p1_call(host->row, &p, frame);
	if (host->row->returns)
		frame[0] = error;
	return end_of(&p);
}

/* What the store has made already; NULL: none. */
static struct func *find_func(const struct store *store, const struct system *system,
			      const struct p1_row *row, bool unstable)
{
	for (struct host *h = store->hosts; h != NULL; h = h->next) {
		const struct p1_host *host = (const struct p1_host *)(const void *)h;

		if (h->func.entry == enter && host->row == row && host->system == system &&
		    host->unstable == unstable)
			return &h->func;
	}
	return NULL;
}

struct func *p1_func(struct store *store, struct system *system, const struct p1_row *row,
		     bool unstable, uint32_t type)
{
	struct func *made = find_func(store, system, row, unstable);
	struct p1_host *host = made == NULL ? calloc(1, sizeof(*host)) : NULL;

	if (host == NULL)
		return made;
	host->row = row;
	host->system = system_ref(system);
	host->unstable = unstable;
	for (uint32_t i = 0; i < row->param_count; i++)
		host->types[i] = row->params[i] == 'i' ? TYPE_I32 : TYPE_I64;
	host->types[row->param_count] = TYPE_I32;
	host->host.types = host->types;
	host->host.param_count = row->param_count;
	host->host.result_count = row->returns;
	host->host.store = store;
	host->host.release = release;
	host->host.next = store->hosts;
	host->host.func = (struct func){
		.entry = enter,
		.of.host = &host->host,
		.type = type,
		.params = row->param_count,
		.results = row->returns,
	};
	store->hosts = &host->host;
	return &host->host.func;
}

/* -- Guest memory ------------------------------------------------------------------------------------------ */

void *p1_at(const struct p1 *p, uint32_t at, uint64_t size)
{
	if (p->memory == NULL || !memory_contains(p->memory, at, size))
		return NULL;
	return p->memory->base + at;
}

#define GET(bits)                                                               \
	bool p1_get##bits(const struct p1 *p, uint32_t at, uint##bits##_t *ret) \
	{                                                                       \
		const void *from = p1_at(p, at, sizeof(*ret));                  \
                                                                                \
		if (from != NULL)                                               \
			p1_read(ret, from, sizeof(*ret));                       \
		return from != NULL;                                            \
	}
#define PUT(bits)                                                                \
	bool p1_put##bits(const struct p1 *p, uint32_t at, uint##bits##_t value) \
	{                                                                        \
		void *to = p1_at(p, at, sizeof(value));                          \
                                                                                 \
		if (to != NULL)                                                  \
			memcpy(to, &value, sizeof(value));                       \
		return to != NULL;                                               \
	}
GET(32)
PUT(8)
PUT(16)
PUT(32)
PUT(64)
#undef GET
#undef PUT

uint32_t p1_get_parts(const struct p1 *p, uint32_t at, uint32_t count, struct p1_parts *ret)
{
	const uint8_t *guest = p1_at(p, at, (uint64_t)count * 8);
	uint64_t all = 0;

	if (guest == NULL)
		return P1_FAULT;
	ret->count = 0;
	for (uint32_t i = 0; i < count && ret->count < P1_PARTS; i++) {
		struct iovec *part = &ret->items[ret->count];
		uint32_t pair[2];

		p1_read(pair, guest + (size_t)i * 8, sizeof(pair));
		part->iov_base = p1_at(p, pair[0], pair[1]);
		part->iov_len = pair[1];
		if (part->iov_base == NULL)
			return P1_FAULT;
		all += pair[1];
		ret->count += pair[1] != 0; /* empty ones must not hide what comes behind them */
	}
	return all > UINT32_MAX ? P1_INVAL : P1_SUCCESS;
}

uint32_t p1_text(const struct p1 *p, uint32_t at, uint32_t size, const char **ret, char **ret_copy)
{
	enum { MOST = 1 << 20 }; /* more than any name has */

	*ret_copy = NULL;
	*ret = p1_at(p, at, size);
	if (*ret == NULL)
		return P1_FAULT;
	if (!p->memory->limits.shared)
		return P1_SUCCESS;
	if (size > MOST)
		return P1_NAMETOOLONG;
	*ret_copy = malloc((size_t)size + 1);
	if (*ret_copy == NULL)
		return P1_NOMEM;
	p1_read(*ret_copy, *ret, size);
	*ret = *ret_copy;
	return P1_SUCCESS;
}

/* -- Errors -------------------------------------------------------------------------------------------------- */

uint32_t p1_error(int error)
{
	/* clang-format off */
	static const uint8_t map[] = {
#define E(name) [E##name] = P1_##name,
		E(2BIG) E(ACCES) E(ADDRINUSE) E(ADDRNOTAVAIL) E(AFNOSUPPORT) E(AGAIN) E(ALREADY) E(BADF)
		E(BADMSG) E(BUSY) E(CANCELED) E(CHILD) E(CONNABORTED) E(CONNREFUSED) E(CONNRESET) E(DEADLK)
		E(DESTADDRREQ) E(DOM) E(DQUOT) E(EXIST) E(FAULT) E(FBIG) E(HOSTUNREACH) E(IDRM) E(ILSEQ)
		E(INPROGRESS) E(INTR) E(INVAL) E(IO) E(ISCONN) E(ISDIR) E(LOOP) E(MFILE) E(MLINK) E(MSGSIZE)
		E(MULTIHOP) E(NAMETOOLONG) E(NETDOWN) E(NETRESET) E(NETUNREACH) E(NFILE) E(NOBUFS) E(NODEV)
		E(NOENT) E(NOEXEC) E(NOLCK) E(NOLINK) E(NOMEM) E(NOMSG) E(NOPROTOOPT) E(NOSPC) E(NOSYS)
		E(NOTCONN) E(NOTDIR) E(NOTEMPTY) E(NOTRECOVERABLE) E(NOTSOCK) E(NOTTY) E(NXIO)
		E(OVERFLOW) E(OWNERDEAD) E(PERM) E(PIPE) E(PROTO) E(PROTONOSUPPORT) E(PROTOTYPE) E(RANGE)
		E(ROFS) E(SPIPE) E(SRCH) E(STALE) E(TIMEDOUT) E(TXTBSY) E(XDEV)
#undef E
		[EOPNOTSUPP] = P1_NOTSUP,
		[EHOSTDOWN] = P1_HOSTUNREACH,
		[EPFNOSUPPORT] = P1_AFNOSUPPORT,
		[ESOCKTNOSUPPORT] = P1_PROTONOSUPPORT,
		[ESHUTDOWN] = P1_PIPE,
		[ETIME] = P1_TIMEDOUT,
	};
	/* clang-format on */
	uint32_t number = (uint32_t)-error;

	if (error >= 0)
		return P1_SUCCESS;
	return number < ARRAY_SIZE(map) && map[number] != 0 ? map[number] : P1_IO;
}

/* -- Descriptors and rights ------------------------------------------------------------------------------- */

#define R(id) P1_R_##id

enum {
	DIR_RIGHTS = R(FD_FDSTAT_SET_FLAGS) | R(FD_SYNC) | R(FD_ADVISE) | R(FD_DATASYNC) |
		     R(PATH_CREATE_DIRECTORY) | R(PATH_CREATE_FILE) | R(PATH_LINK_SOURCE) |
		     R(PATH_LINK_TARGET) | R(PATH_OPEN) | R(FD_READDIR) | R(PATH_READLINK) |
		     R(PATH_RENAME_SOURCE) | R(PATH_RENAME_TARGET) | R(PATH_FILESTAT_GET) |
		     R(PATH_FILESTAT_SET_SIZE) | R(PATH_FILESTAT_SET_TIMES) | R(FD_FILESTAT_GET) |
		     R(FD_FILESTAT_SET_TIMES) | R(PATH_SYMLINK) | R(PATH_REMOVE_DIRECTORY) |
		     R(PATH_UNLINK_FILE) | R(POLL_FD_READWRITE),
	FILE_RIGHTS = R(FD_DATASYNC) | R(FD_READ) | R(FD_SEEK) | R(FD_FDSTAT_SET_FLAGS) |
		      R(FD_SYNC) | R(FD_TELL) | R(FD_WRITE) | R(FD_ADVISE) | R(FD_ALLOCATE) |
		      R(FD_FILESTAT_GET) | R(FD_FILESTAT_SET_SIZE) | R(FD_FILESTAT_SET_TIMES) |
		      R(POLL_FD_READWRITE),
	STREAM_RIGHTS = R(FD_READ) | R(FD_WRITE) | R(FD_FDSTAT_SET_FLAGS) | R(FD_FILESTAT_GET) |
			R(POLL_FD_READWRITE),
	SOCKET_RIGHTS = STREAM_RIGHTS | R(SOCK_SHUTDOWN) | R(SOCK_ACCEPT),
};

uint64_t p1_rights_of(const struct desc *desc)
{
	switch ((enum desc_kind)desc->kind) {
	case DESC_DIR:
		return DIR_RIGHTS;
	case DESC_FILE:
		return FILE_RIGHTS;
	case DESC_SOCKET:
		return SOCKET_RIGHTS;
	case DESC_STREAM:
		break;
	}
	/* A libc takes a character device for a terminal unless it can seek: /dev/null can. */
	if (desc->type == DT_CHR && !isatty(desc->fd))
		return STREAM_RIGHTS | R(FD_SEEK) | R(FD_TELL);
	return STREAM_RIGHTS;
}

uint64_t p1_inheriting_of(const struct desc *desc)
{
	return desc->kind == DESC_DIR ? DIR_RIGHTS | FILE_RIGHTS : 0;
}

void p1_give_rights(struct desc *desc)
{
	desc->rights = p1_rights_of(desc);
	desc->inheriting = p1_inheriting_of(desc);
}

void p1_begin(struct system *system)
{
	for (uint32_t i = 0; i < system->descs.room; i++)
		if (system->descs.items[i] != NULL)
			p1_give_rights(system->descs.items[i]);
}

uint32_t p1_desc(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret)
{
	struct desc *desc = descs_get(&p->system->descs, fd);

	*ret = desc;
	if (desc == NULL)
		return P1_BADF;
	return (desc->rights & rights) == rights ? P1_SUCCESS : P1_NOTCAPABLE;
}

uint32_t p1_dir(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret,
		struct place *ret_place)
{
	uint32_t error = p1_desc(p, fd, 0, ret);

	if (error != P1_SUCCESS)
		return error;
	if ((*ret)->kind != DESC_DIR)
		return P1_NOTDIR;
	if (((*ret)->rights & rights) != rights)
		return P1_NOTCAPABLE;
	*ret_place = (struct place){.mounts = &p->system->mounts,
				    .mount = (*ret)->mount,
				    .fd = (*ret)->fd,
				    .path = (*ret)->path,
				    .descs = &p->system->descs};
	return P1_SUCCESS;
}

uint32_t p1_add(const struct p1 *p, struct desc *desc, uint32_t at)
{
	int number;

	if (p1_at(p, at, sizeof(uint32_t)) == NULL) {
		desc_unref(desc);
		return P1_FAULT;
	}
	number = descs_add(&p->system->descs, desc, 0);
	if (number < 0) {
		desc_unref(desc);
		return p1_error(number);
	}
	p1_put32(p, at, (uint32_t)number);
	return P1_SUCCESS;
}
