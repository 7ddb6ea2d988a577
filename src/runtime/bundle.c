/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"

static int read_text(struct bundle *b, int fd, struct err *err)
{
	int error = io_whole(fd, JSON_SIZE_MAX, &b->text, &b->size);

	switch (error) {
	case 0:
		return 0;
	case -EINVAL:
		return err_set(err, error, "config.json is no regular file");
	case -EFBIG:
		return err_set(err, error, "config.json has %zu bytes, the limit is %u", b->size,
			       JSON_SIZE_MAX);
	case -ENOMEM:
		return err_set(err, error, "out of memory for config.json");
	case -ENODATA:
		return err_set(err, error, "config.json became shorter while it was read");
	default:
		return err_set(err, error, "read config.json: %s", strerror(-error));
	}
}

/* What a promise would be broken by, were it passed over. */
static int check_missing(const struct oci_spec *spec, struct err *err)
{
	if (spec->seccomp.listener == NULL)
		return 0;
	return err_set(err, -ENOTSUP,
		       "config.json: linux.seccomp.listenerPath: nobody is told of system calls "
		       "yet");
}

static int check(const struct oci_spec *spec, struct err *err)
{
	if (!spec->has_process)
		return err_set(err, -EINVAL, "config.json: process: must be given");
	if (spec->root == NULL)
		return err_set(err, -EINVAL, "config.json: root.path: must be given");
	if (oci_handler(spec) == OCI_HANDLER_NATIVE)
		return err_set(err, -ENOEXEC,
			       "config.json: annotations: they say that this is no WebAssembly "
			       "container, and Skiff runs no other");
	return check_missing(spec, err);
}

int bundle_path(int dir, char path[static PATH_MAX], struct err *err)
{
	char link[64];
	ssize_t size = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (dir >= 0)
		size = readlink(link, path, PATH_MAX - 1);
	if (size < 0)
		return err_set(err, -errno, "%s: %s", link, strerror(errno));
	path[size] = '\0';
	return 0;
}

static int parse(struct bundle *b, struct err *err)
{
	int error = oci_spec_parse(&b->spec, b->text, b->size, err);

	return error == 0 ? check(b->spec, err) : err_prefix(err, error, "config.json");
}

int bundle_of_text(struct bundle *ret, char *text, size_t size, struct err *err)
{
	struct bundle b = {.dir = -1, .text = text, .size = size};
	int error = parse(&b, err);

	if (error != 0)
		bundle_close(&b);
	else
		*ret = b;
	return error;
}

static int read_spec(struct bundle *b, int dir, struct err *err)
{
	int fd = openat(dir, "config.json", O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;

	if (fd < 0)
		return err_set(err, -errno, "config.json: %s", strerror(errno));
	error = read_text(b, fd, err);
	close(fd);
	return error == 0 ? parse(b, err) : error;
}

int bundle_open(struct bundle *ret, const char *path, struct err *err)
{
	struct bundle b = {.dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	int error;

	if (b.dir < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	error = read_spec(&b, b.dir, err);
	if (error != 0)
		bundle_close(&b);
	else
		*ret = b;
	return error;
}

int bundle_of_state(struct bundle *ret, int dir, struct err *err)
{
	struct bundle b = {.dir = -1};
	int error = read_spec(&b, dir, err);

	if (error != 0)
		bundle_close(&b);
	else
		*ret = b;
	return error;
}

void bundle_close(struct bundle *b)
{
	oci_spec_free(b->spec);
	free(b->text);
	if (b->dir >= 0)
		close(b->dir);
	*b = (struct bundle){.dir = -1};
}
