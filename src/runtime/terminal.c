/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sandbox/users.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 /* _IO('T', 0x41), since 4.13 */
#endif

void terminal_close(struct terminal *terminal)
{
	if (terminal->master >= 0)
		close(terminal->master);
	if (terminal->slave >= 0)
		close(terminal->slave);
	*terminal = TERMINAL_NONE;
}

/* By the master itself: no name is looked up, whatever lies at /dev/pts here. */
static int open_slave(int master)
{
	int locked = 0, fd;

	if (ioctl(master, TIOCSPTLCK, &locked) < 0)
		return -errno;
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Outside, where the terminal is made; UINT32_MAX: it stays ours. */
static uid_t owner_of(const struct oci_spec *container, uid_t user)
{
	return container->namespaces[OCI_NS_USER].wanted ? users_outside(&container->uids, user)
							 : user;
}

int terminal_open(struct terminal *ret, const struct oci_spec *container,
		  const struct oci_process *process, struct err *err)
{
	const struct winsize size = {.ws_row = process->rows, .ws_col = process->columns};
	struct terminal terminal = TERMINAL_NONE;
	int error;

	terminal.master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal.master < 0)
		return err_set(err, -errno, "a pseudo terminal: /dev/ptmx: %s", strerror(errno));
	terminal.slave = open_slave(terminal.master);
	error = terminal.slave < 0 ? terminal.slave : 0;
	if (error == 0 && process->rows > 0 && ioctl(terminal.master, TIOCSWINSZ, &size) < 0)
		error = -errno;
	/* An ordinary user has it already. */
	if (error == 0 &&
	    fchown(terminal.slave, owner_of(container, process->user.uid), (gid_t)-1) < 0 &&
	    errno != EPERM && errno != EINVAL)
		error = -errno;
	if (error == 0) {
		*ret = terminal;
		return 0;
	}
	terminal_close(&terminal);
	return err_set(err, error, "a pseudo terminal: %s", strerror(-error));
}

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long for a unix socket's path",
			       path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = -errno;
	if (fd >= 0)
		close(fd);
	return err_set(err, error, "'%s': %s", path, strerror(-error));
}

int terminal_send(const struct terminal *terminal, const char *socket_path, struct err *err)
{
	static char name[] = "/dev/ptmx";
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec data = {name, sizeof(name) - 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.room)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int fd = connect_to(socket_path, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &terminal->master, sizeof(int));
	do
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		n = err_set(err, -errno, "'%s': %s", socket_path, strerror(errno));
	close(fd);
	return n < 0 ? (int)n : 0;
}
