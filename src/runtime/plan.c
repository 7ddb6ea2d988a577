/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

enum { PLAN_MAGIC = 0x4e4c4650 /* "PFLN" */, PLAN_VERSION = 2 };
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Then the texts, each ended by a NUL, in this order, and the terms. */
struct head {
	uint32_t magic, version;
	uint8_t wait, has_bundle, has_template, has_cache, inherits, in_users, reserved[2];
	int32_t beside;
	uint32_t id_size, cache_size; /* without the NUL, as are these */
	uint64_t beside_start, spec_size, process_size, terms_size;
};

enum { TEXTS = 4 };

static bool put(struct buf *bytes, const char *text, size_t size)
{
	return (size == 0 || buf_put(bytes, text, size) != NULL) && buf_put(bytes, "", 1) != NULL;
}

/* At one go: each write is a call on the way to a start. */
static int write_all(int fd, const struct head *head, const struct plan *plan, const char *cache)
{
	struct buf bytes = {0};
	bool fits =
		buf_put(&bytes, head, sizeof(*head)) != NULL &&
		put(&bytes, plan->id, head->id_size) && put(&bytes, cache, head->cache_size) &&
		put(&bytes, plan->spec, plan->spec_size) &&
		put(&bytes, plan->process, plan->process_size) &&
		(plan->terms_size == 0 || buf_put(&bytes, plan->terms, plan->terms_size) != NULL);
	int error = fits ? io_write(fd, bytes.data, bytes.size) : -ENOMEM;

	buf_deinit(&bytes);
	return error;
}

int plan_write(const struct plan *plan, struct err *err)
{
	const char *cache = plan->cache != NULL ? plan->cache : "";
	struct head head = {
		.magic = PLAN_MAGIC,
		.version = PLAN_VERSION,
		.wait = (uint8_t)plan->wait,
		.has_bundle = plan->has_bundle,
		.has_template = plan->has_template,
		.in_users = plan->in_users,
		.has_cache = plan->cache != NULL,
		.inherits = plan->inherits,
		.beside = plan->beside,
		.beside_start = plan->beside_start,
		.id_size = (uint32_t)strlen(plan->id),
		.cache_size = (uint32_t)strlen(cache),
		.spec_size = plan->spec_size,
		.process_size = plan->process_size,
		.terms_size = plan->terms_size,
	};
	int fd = memfd_create("skiff-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_set(err, -errno, "a file in memory: %s", strerror(errno));
	if (write_all(fd, &head, plan, cache) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return err_set(err, -ENOSPC, "no room for the plan of a container");
}

int plan_read(struct plan *ret, int fd, struct err *err)
{
	const struct head *head;
	const char *texts;
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(*head) ||
	    fcntl(fd, F_GET_SEALS) != SEALS)
		return err_set(err, -EINVAL, "this program is started by Skiff, not by hand");
	head = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (head == MAP_FAILED)
		return err_set(err, -errno, "map the plan: %s", strerror(errno));
	if (head->magic != PLAN_MAGIC || head->version != PLAN_VERSION ||
	    sizeof(*head) + head->id_size + head->cache_size + head->spec_size +
			    head->process_size + TEXTS + head->terms_size !=
		    (uint64_t)st.st_size)
		return err_set(err, -EINVAL, "the plan is another version's");
	texts = (const char *)(head + 1);
	*ret = (struct plan){
		.id = texts,
		.cache = head->has_cache ? texts + head->id_size + 1 : NULL,
		.spec = texts + head->id_size + 1 + head->cache_size + 1,
		.spec_size = head->spec_size,
		.terms_size = head->terms_size,
		.wait = head->wait,
		.mapping = head,
		.mapping_size = (size_t)st.st_size,
		.has_bundle = head->has_bundle,
		.has_template = head->has_template,
		.beside = head->beside,
		.beside_start = head->beside_start,
		.inherits = head->inherits,
		.process_size = head->process_size,
		.in_users = head->in_users,
	};
	ret->process = ret->spec + head->spec_size + 1;
	ret->terms = ret->process + head->process_size + 1;
	if (head->beside == 0)
		ret->process = NULL;
	return 0;
}

/* -- What is to be done with it ----------------------------------------------------------------------- */

/* The namespaces are those that another process has, and as it has made them. */
static int join_all(struct oci_spec *spec, pid_t pid)
{
	static const char *const files[OCI_NS_COUNT] = {
		[OCI_NS_PID] = "pid",   [OCI_NS_NETWORK] = "net",   [OCI_NS_MOUNT] = "mnt",
		[OCI_NS_IPC] = "ipc",   [OCI_NS_UTS] = "uts",       [OCI_NS_USER] = "user",
		[OCI_NS_TIME] = "time", [OCI_NS_CGROUP] = "cgroup",
	};
	char path[64];

	/* Every container has a view of its own, whether its spec asks for it or not. */
	spec->namespaces[OCI_NS_MOUNT].wanted = true;
	for (int kind = 0; kind < OCI_NS_COUNT; kind++) {
		int size = snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, files[kind]);

		if (!spec->namespaces[kind].wanted)
			continue;
		spec->namespaces[kind].path = arena_string(&spec->arena, path, (size_t)size);
		if (spec->namespaces[kind].path == NULL)
			return -ENOMEM;
	}
	spec->hostname = spec->domainname = NULL;
	spec->sysctls.count = 0;
	memset(spec->hooks, 0, sizeof(spec->hooks));
	return 0;
}

static void take_process(struct oci_spec *spec, struct oci_spec *from, bool inherits)
{
	const struct oci_process *given = &from->process;

	if (inherits) {
		spec->process.args = given->args;
		spec->process.env = given->env;
		spec->process.cwd = given->cwd;
		spec->process.user = given->user;
		spec->process.terminal = given->terminal;
		spec->process.rows = given->rows;
		spec->process.columns = given->columns;
	} else {
		spec->process = *given;
	}
	spec->has_process = true;
	arena_take(&spec->arena, &from->arena);
	oci_spec_free(from);
}

int plan_spec(const struct plan *plan, struct oci_spec **ret, struct err *err)
{
	struct oci_spec *process = NULL;
	int error = oci_spec_parse(ret, plan->spec, plan->spec_size, err);

	if (error != 0 || plan->beside == 0)
		return error;
	error = oci_process_parse(&process, plan->process, plan->process_size, err);
	if (error == 0)
		take_process(*ret, process, plan->inherits);
	if (error == 0 && join_all(*ret, plan->beside) != 0)
		error = err_set(err, -ENOMEM, "out of memory for a process");
	if (error != 0) {
		oci_spec_free(*ret);
		*ret = NULL;
	}
	return error;
}
