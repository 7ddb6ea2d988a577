/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* By the directory's descriptor: its path may be longer than a socket's may be. */
static struct sockaddr_un place(int state_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/gate", state_dir);
	return address;
}

int gate_make(int state_dir, struct err *err)
{
	const struct sockaddr_un address = place(state_dir);
	int gate = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), error;

	if (gate >= 0 && bind(gate, (const void *)&address, sizeof(address)) == 0 &&
	    listen(gate, 1) == 0)
		return gate;
	error = -errno;
	if (gate >= 0)
		close(gate);
	return err_set(err, error, "a socket to start the container by: %s", strerror(-error));
}

static int knock(int state_dir, int flags)
{
	const struct sockaddr_un address = place(state_dir);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0), error;

	if (fd >= 0 && connect(fd, (const void *)&address, sizeof(address)) == 0)
		return fd;
	error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

int gate_knock(int state_dir)
{
	return knock(state_dir, 0);
}

bool gate_is_open(int state_dir)
{
	/* Without waiting: those who ask may be many, and it may stand still. */
	int fd = knock(state_dir, SOCK_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

int gate_await(int gate)
{
	int fd;

	do
		fd = accept4(gate, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd < 0 ? -errno : fd;
}
