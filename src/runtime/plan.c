/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { PLAN_MAGIC = 0x4e4c4650 /* "PFLN" */, PLAN_VERSION = 2 };
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Then the texts, each ended by a NUL, in this order, and the terms. */
struct head {
	uint32_t magic, version;
	uint8_t waits, has_bundle, has_template, has_cache, reserved[4];
	uint32_t id_size, cache_size; /* without the NUL, as is this */
	uint64_t spec_size, terms_size;
};

int plan_write(const struct plan *plan, struct err *err)
{
	const char *cache = plan->cache != NULL ? plan->cache : "";
	struct head head = {
		.magic = PLAN_MAGIC,
		.version = PLAN_VERSION,
		.waits = plan->waits,
		.has_bundle = plan->has_bundle,
		.has_template = plan->has_template,
		.has_cache = plan->cache != NULL,
		.id_size = (uint32_t)strlen(plan->id),
		.cache_size = (uint32_t)strlen(cache),
		.spec_size = plan->spec_size,
		.terms_size = plan->terms_size,
	};
	int fd = memfd_create("skiff-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_set(err, -errno, "a file in memory: %s", strerror(errno));
	if (io_write(fd, &head, sizeof(head)) == 0 &&
	    io_write(fd, plan->id, head.id_size + 1) == 0 &&
	    io_write(fd, cache, head.cache_size + 1) == 0 &&
	    io_write(fd, plan->spec, plan->spec_size) == 0 && io_write(fd, "", 1) == 0 &&
	    io_write(fd, plan->terms, plan->terms_size) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
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
	    sizeof(*head) + head->id_size + head->cache_size + head->spec_size + 3 +
			    head->terms_size !=
		    (uint64_t)st.st_size)
		return err_set(err, -EINVAL, "the plan is another version's");
	texts = (const char *)(head + 1);
	*ret = (struct plan){
		.id = texts,
		.cache = head->has_cache ? texts + head->id_size + 1 : NULL,
		.spec = texts + head->id_size + 1 + head->cache_size + 1,
		.spec_size = head->spec_size,
		.terms_size = head->terms_size,
		.waits = head->waits,
		.has_bundle = head->has_bundle,
		.has_template = head->has_template,
	};
	ret->terms = ret->spec + ret->spec_size + 1;
	return 0;
}
