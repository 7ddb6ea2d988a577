/* SPDX-License-Identifier: Apache-2.0 */
/* wasi.c: the public face of a guest's world: sentences around the system layer. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/linker.h"
#include "wasi/net.h"

static struct system *system_in(const struct skiff_wasi *wasi)
{
	return (struct system *)(uintptr_t)wasi;
}

static int told(int error, struct skiff_error *err, const char *what)
{
	if (error == 0)
		return 0;
	return err_set(err_in(err), error, "%s: %s", what, strerror(-error));
}

int skiff_wasi_new(struct skiff_wasi **ret, struct skiff_error *err)
{
	struct system *system;
	int error = system_new(&system);

	if (error == 0)
		*ret = (struct skiff_wasi *)(void *)system;
	return told(error, err, "set up a guest's system");
}

void skiff_wasi_free(struct skiff_wasi *wasi)
{
	system_unref(system_in(wasi));
}

/* -- Setting up ---------------------------------------------------------------------------------- */

static int check_open(const struct skiff_wasi *wasi, struct skiff_error *err)
{
	if (!system_in(wasi)->sealed)
		return 0;
	return err_set(err_in(err), -EBUSY, "it is linked already and cannot be changed");
}

int skiff_wasi_arg(struct skiff_wasi *wasi, const char *arg, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	return error != 0 ? error : told(system_arg(system_in(wasi), arg), err, "an argument");
}

int skiff_wasi_env(struct skiff_wasi *wasi, const char *variable, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	if (error != 0)
		return error;
	error = system_env(system_in(wasi), variable);
	if (error == -EINVAL)
		return err_set(err_in(err), error, "'%s' is no NAME=VALUE", variable);
	return told(error, err, "an environment variable");
}

static int add_dir(struct skiff_wasi *wasi, const char *guest, int fd, unsigned flags,
		   struct skiff_error *err)
{
	unsigned mount_flags = (flags & SKIFF_DIR_READ_ONLY ? MOUNT_READ_ONLY : 0) |
			       (flags & SKIFF_DIR_ROOT ? MOUNT_ROOT : 0);
	int error = system_dir(system_in(wasi), guest, fd, mount_flags);

	switch (error) {
	case 0:
		return 0;
	case -EEXIST:
		return err_set(err_in(err), error, "the guest path '%s' is given twice", guest);
	case -EINVAL:
		return err_set(err_in(err), error,
			       "'%s' cannot be a guest path: it is empty or has '..'", guest);
	}
	return err_set(err_in(err), error, "directory for '%s': %s", guest, strerror(-error));
}

int skiff_wasi_dir_fd(struct skiff_wasi *wasi, const char *guest, int fd, unsigned flags,
		      struct skiff_error *err)
{
	int error = check_open(wasi, err);

	return error != 0 ? error : add_dir(wasi, guest, fd, flags, err);
}

int skiff_wasi_dir(struct skiff_wasi *wasi, const char *guest, const char *host, unsigned flags,
		   struct skiff_error *err)
{
	int error = check_open(wasi, err);
	int fd;

	if (error != 0)
		return error;
	fd = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) /* it may be gone through without being listed */
		fd = open(host, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err_in(err), -errno, "directory '%s': %s", host, strerror(errno));
	error = add_dir(wasi, guest, fd, flags, err);
	if (error != 0)
		close(fd);
	return error;
}

int skiff_wasi_workdir(struct skiff_wasi *wasi, const char *guest, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	return error != 0 ? error : told(system_workdir(system_in(wasi), guest), err, guest);
}

int skiff_wasi_stdio(struct skiff_wasi *wasi, unsigned number, int fd, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	if (error == 0 && number > 2)
		return err_set(err_in(err), -EINVAL, "the guest's %u is none of 0, 1, 2", number);
	return error != 0 ? error
			  : told(system_stdio(system_in(wasi), number, fd), err, "standard stream");
}

/* -- Network ---------------------------------------------------------------------------------------- */

int skiff_wasi_listen_fd(struct skiff_wasi *wasi, int fd, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	if (error == 0)
		error = system_listen(system_in(wasi), fd);
	if (error == 0 || system_in(wasi)->sealed)
		return error;
	return err_set(err_in(err), error, "descriptor %d: %s", fd,
		       error == -EINVAL ? "the socket does not listen" : strerror(-error));
}

int skiff_wasi_listen(struct skiff_wasi *wasi, const char *address, struct skiff_error *err)
{
	int error = check_open(wasi, err);
	int fd;

	if (error != 0)
		return error;
	fd = net_listen_on(address, err_in(err));
	if (fd < 0)
		return fd;
	error = skiff_wasi_listen_fd(wasi, fd, err);
	if (error != 0)
		close(fd);
	return error;
}

void skiff_wasi_network(struct skiff_wasi *wasi, bool everyone)
{
	if (system_in(wasi)->sealed)
		return;
	system_in(wasi)->policy.kind = everyone ? POLICY_EVERYONE : POLICY_NOBODY;
}

int skiff_wasi_allow_net(struct skiff_wasi *wasi, const char *rule, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	return error != 0 ? error : policy_allow(&system_in(wasi)->policy, rule, err_in(err));
}

int skiff_wasi_threads(struct skiff_wasi *wasi, uint32_t most, struct skiff_error *err)
{
	int error = check_open(wasi, err);

	if (error == 0)
		system_in(wasi)->max_threads = most;
	return error;
}

bool skiff_wasi_stop(struct skiff_wasi *wasi, int code)
{
	return stop_ask(&system_in(wasi)->stop, code);
}

int skiff_linker_wasi(struct skiff_linker *linker, struct skiff_wasi *wasi, struct skiff_error *err)
{
	struct system *system = system_in(wasi);
	bool first = !system->sealed;
	int error = system_seal(system);

	if (error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -EPERM)
		return err_set(err_in(err), error, "the working directory '%s': %s",
			       system->workdir, strerror(-error));
	if (error != 0)
		return told(error, err, "set up a guest's system");
	if (first)
		p1_begin(system);
	linker_set_wasi(linker, system);
	return 0;
}
