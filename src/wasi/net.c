/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c: sockets, so that a call that waits can be woken and a call that may not be made is not.
 *
 * Each operation is tried first; where the kernel says EAGAIN and the guest is willing to wait, wait_one() waits and it is
 * tried again. Transfers carry MSG_DONTWAIT, so a socket that came as stdio keeps the flags others gave it.
 * What the kernel does for blocking sockets only is done here: time-outs (the limits in struct desc), MSG_WAITALL,
 * and sending all of a stream's bytes before returning.
 *
 * A graceful stop ends only what concerns listening sockets: connections go on. The first call that meets a listening
 * socket then closes its queue (SHUT_RD: the kernel refuses whoever comes, and resets who waited), so nobody hangs on a
 * server that is going away.
 */
#include "wasi/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/base.h"

/* How long a wait that nothing announces sleeps at a time. */
enum { STEP = 2 * 1000000, STOP_STEP = 20 * 1000000 };

static bool is_stream(const struct desc *desc)
{
	return desc->socktype == SOCK_STREAM;
}

/* -- Waiting ---------------------------------------------------------------------------------- */

static uint64_t deadline_of(const uint64_t *limit)
{
	uint64_t nanoseconds = __atomic_load_n(limit, __ATOMIC_RELAXED);

	return nanoseconds != 0 ? wait_until(nanoseconds) : WAIT_FOREVER;
}

/* After EAGAIN: 0: try again; -EAGAIN: the guest does not wait, or the time is over; -EINTR. */
static int wait_more(const struct desc *desc, const struct waiter *waiter, short events,
		     uint64_t deadline)
{
	int ready;

	if (desc->flags & DESC_NONBLOCK)
		return -EAGAIN;
	ready = wait_one(waiter, desc->fd, events, deadline);
	if (ready < 0)
		return ready;
	return ready == 0 ? -EAGAIN : 0;
}

/* -- Opening ------------------------------------------------------------------------------------ */

int net_open(struct desc **ret, const struct policy *policy, int family, int type)
{
	int fd, error;

	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -EINVAL;
	if (!policy_opens(policy))
		return -EACCES;
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = desc_new(ret, fd, S_IFSOCK >> 12, 0);
	if (error != 0)
		close(fd);
	return error;
}

static void set_listens(struct desc *desc, struct stop *stop)
{
	desc->flags |= DESC_LISTENS;
	__atomic_store_n(&stop->serves, 1, __ATOMIC_SEQ_CST);
}

int net_adopt(struct desc **ret, int fd, struct stop *stop)
{
	int status = fcntl(fd, F_GETFL), kept = fcntl(fd, F_GETFD);
	int listens = 0, error;
	socklen_t size = sizeof(listens);

	if (status < 0 || kept < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, kept | FD_CLOEXEC) < 0)
		return -errno;
	error = desc_new(ret, fd, S_IFSOCK >> 12, kept & FD_CLOEXEC ? 0 : DESC_INHERITED);
	if (error == 0 && listens != 0)
		set_listens(*ret, stop);
	return error;
}

int net_bind(const struct desc *desc, struct policy *policy, const union net_address *address)
{
	bool any_port = address->in.sin_port == 0; /* in6 has it at the same place */

	if (!policy_opens(policy) || (!any_port && !policy_reaches(policy, &address->any)))
		return -EACCES;
	return bind(desc->fd, &address->any, net_size(address)) < 0 ? -errno : 0;
}

/* A socket that nobody bound: as listen() would, so that the policy can be asked for the port. */
static int bind_any(const struct desc *desc, const union net_address *now)
{
	union net_address any = {.storage.ss_family = now->any.sa_family};

	return bind(desc->fd, &any.any, net_size(&any)) < 0 ? -errno : 0;
}

int net_listen(struct desc *desc, struct policy *policy, uint32_t backlog, struct stop *stop)
{
	union net_address bound;
	int error = net_name(desc, false, &bound);

	if (error == 0 && bound.in.sin_port == 0) {
		error = bind_any(desc, &bound);
		if (error == 0)
			error = net_name(desc, false, &bound);
	}
	if (error != 0)
		return error;
	if (!policy_reaches(policy, &bound.any))
		return -EACCES;
	if (listen(desc->fd, (int)MIN(backlog, (uint32_t)INT_MAX)) < 0)
		return -errno;
	set_listens(desc, stop);
	return 0;
}

/* -- Accepting ------------------------------------------------------------------------------------- */

void net_refuse(const struct desc *desc)
{
	if ((desc->flags & (DESC_LISTENS | DESC_INHERITED | DESC_SHARED)) == DESC_LISTENS)
		shutdown(desc->fd, SHUT_RD);
}

/* Until the last connection is gone, which nobody announces: another thread closes it. */
static int wait_for_end(const struct desc *desc, const struct waiter *waiter)
{
	net_refuse(desc);
	if (desc->flags & DESC_NONBLOCK)
		return -EAGAIN;
	while (!wait_must_end(waiter)) {
		int ready = wait_one(waiter, -1, 0, wait_until(STOP_STEP));

		if (ready < 0)
			return ready;
	}
	return -EINTR;
}

/* A connection that ended while it waited in the queue, or the network's word on it: not the listener's failure. */
static bool is_about_the_client(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	}
	return false;
}

/* The descriptor, or -errno. */
static int try_accept(const struct desc *desc)
{
	struct pollfd look = {.fd = desc->fd, .events = POLLIN};
	int fd;

	/* Not ours to change, so it may block: look first. */
	if ((desc->flags & DESC_SHARED) && poll(&look, 1, 0) == 0)
		return -EAGAIN;
	do {
		fd = accept4(desc->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && is_about_the_client(errno));
	return fd < 0 ? -errno : fd;
}

/* 0: try again, a stop may have been asked. -EAGAIN, -EINTR. */
static int wait_for_client(const struct desc *desc, const struct waiter *waiter, uint64_t deadline)
{
	struct pollfd polls[1 + WAIT_ROOM] = {{.fd = desc->fd, .events = POLLIN}};
	int ready;

	if (desc->flags & DESC_NONBLOCK)
		return -EAGAIN;
	ready = wait_serving(waiter, polls, 1, deadline);
	if (ready == 0)
		return -EAGAIN;
	return ready < 0 && (ready != -EINTR || wait_must_end(waiter)) ? ready : 0;
}

static int make_connection(struct desc **ret, const struct desc *listener, int fd,
			   struct stop *stop)
{
	int error = desc_new(ret, fd, S_IFSOCK >> 12, 0);

	if (error != 0) {
		close(fd);
		return error;
	}
	(*ret)->receive_limit = __atomic_load_n(&listener->receive_limit, __ATOMIC_RELAXED);
	(*ret)->send_limit = __atomic_load_n(&listener->send_limit, __ATOMIC_RELAXED);
	(*ret)->stop = stop;
	(*ret)->flags |= DESC_CONNECTION;
	__atomic_add_fetch(&stop->connections, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int net_accept(struct desc **ret, const struct desc *desc, const struct waiter *waiter)
{
	uint64_t deadline = deadline_of(&desc->receive_limit);
	struct desc *made;
	int fd, error;

	for (;;) {
		if (stop_is_asked(waiter->stop))
			return wait_for_end(desc, waiter);
		fd = try_accept(desc);
		if (fd >= 0)
			break;
		if (fd != -EAGAIN)
			return fd;
		error = wait_for_client(desc, waiter, deadline);
		if (error != 0)
			return error;
	}
	error = make_connection(&made, desc, fd, waiter->stop);
	if (error != 0)
		return error;
	if (stop_is_asked(waiter->stop)) {
		desc_unref(made); /* whoever counted before us may be gone already */
		return wait_for_end(desc, waiter);
	}
	*ret = made;
	return 0;
}

/* -- Connecting ------------------------------------------------------------------------------------- */

int net_connect(const struct desc *desc, struct policy *policy, const union net_address *address,
		const struct waiter *waiter)
{
	uint64_t deadline = deadline_of(&desc->send_limit);
	int error;

	if (!policy_reaches(policy, &address->any))
		return -EACCES;
	/* It could block, and where it is stdio it is connected already. */
	if ((desc->flags & DESC_SHARED) && is_stream(desc))
		return -EISCONN;
	/* Asked again when it is ready, the kernel says how it went, and knows that it was asked. */
	while (connect(desc->fd, &address->any, net_size(address)) < 0) {
		error = -errno;
		if ((desc->flags & DESC_NONBLOCK) ||
		    (error != -EINPROGRESS && error != -EALREADY && error != -EINTR))
			return error;
		error = wait_one(waiter, desc->fd, POLLOUT, deadline);
		if (error <= 0)
			return error == 0 ? -EINPROGRESS : error;
	}
	return 0;
}

/* -- Transfers --------------------------------------------------------------------------------------- */

/* What is left of a guest's parts. */
struct rest {
	const struct iovec *parts;
	uint32_t count;
	size_t done; /* of the first part */
	struct iovec part; /* what is left of it */
};

/* The next bytes, as a message has them; more may follow. */
static void rest_view(struct rest *rest, struct msghdr *message)
{
	if (rest->done == 0) {
		message->msg_iov = (struct iovec *)(uintptr_t)rest->parts;
		message->msg_iovlen = MIN(rest->count, (uint32_t)IOV_MAX);
		return;
	}
	rest->part.iov_base = (char *)rest->parts->iov_base + rest->done;
	rest->part.iov_len = rest->parts->iov_len - rest->done;
	message->msg_iov = &rest->part;
	message->msg_iovlen = 1;
}

static void rest_take(struct rest *rest, size_t size)
{
	rest->done += size;
	while (rest->count != 0 && rest->done >= rest->parts->iov_len) {
		rest->done -= rest->parts->iov_len;
		rest->parts++;
		rest->count--;
	}
}

/* More bytes of a peek that wants all: the kernel announces only the first. False: no more will come. */
static bool peek_again(const struct desc *desc, const struct waiter *waiter, uint64_t deadline)
{
	struct pollfd look = {.fd = desc->fd, .events = POLLRDHUP};
	uint64_t soon = wait_until(STEP);

	if (wait_now() >= deadline || poll(&look, 1, 0) != 0)
		return false;
	return wait_one(waiter, -1, 0, MIN(soon, deadline)) == 0;
}

static size_t size_of_parts(const struct iovec *parts, uint32_t count)
{
	size_t size = 0;

	for (uint32_t i = 0; i < count; i++)
		size += parts[i].iov_len;
	return size;
}

struct receipt {
	union net_address *from;
	bool *truncated;
};

static ssize_t receive_once(const struct desc *desc, struct rest *rest, int flags,
			    const struct receipt *receipt)
{
	struct msghdr message = {0};
	ssize_t size;

	if (receipt->from != NULL) {
		memset(receipt->from, 0, sizeof(*receipt->from));
		message.msg_name = receipt->from;
		message.msg_namelen = sizeof(*receipt->from);
	}
	rest_view(rest, &message);
	do {
		size = recvmsg(desc->fd, &message, flags | MSG_DONTWAIT);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	if (receipt->truncated != NULL)
		*receipt->truncated = (message.msg_flags & MSG_TRUNC) != 0;
	return size;
}

ssize_t net_receive(const struct desc *desc, const struct iovec *parts, uint32_t count,
		    unsigned flags, union net_address *from, bool *ret_truncated,
		    const struct waiter *waiter)
{
	uint64_t deadline = deadline_of(&desc->receive_limit);
	struct rest rest = {.parts = parts, .count = count};
	struct receipt receipt = {from, ret_truncated};
	size_t want = size_of_parts(parts, count), got = 0;
	bool peek = (flags & NET_PEEK) != 0;
	bool all = (flags & NET_WAIT_ALL) && is_stream(desc) && !(desc->flags & DESC_NONBLOCK);
	ssize_t size;
	int error;

	for (;;) {
		size = receive_once(desc, &rest, peek ? MSG_PEEK : 0, &receipt);
		if (size == -EAGAIN) {
			error = wait_more(desc, waiter, POLLIN, deadline);
			if (error == 0)
				continue;
			return got != 0 && error != -EINTR ? (ssize_t)got : error;
		}
		if (size < 0)
			return got != 0 ? (ssize_t)got : size;
		got = peek ? (size_t)size : got + (size_t)size;
		if (!all || got == want || size == 0)
			return (ssize_t)got;
		if (!peek)
			rest_take(&rest, (size_t)size);
		else if (!peek_again(desc, waiter, deadline))
			return wait_must_end(waiter) ? -EINTR : (ssize_t)got;
	}
}

static ssize_t send_once(const struct desc *desc, struct rest *rest, const union net_address *to)
{
	struct msghdr message = {0};
	ssize_t size;

	if (to != NULL) {
		message.msg_name = (void *)(uintptr_t)to;
		message.msg_namelen = net_size(to);
	}
	rest_view(rest, &message);
	do {
		size = sendmsg(desc->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (size < 0 && errno == EINTR);
	return size < 0 ? -errno : size;
}

ssize_t net_send(const struct desc *desc, struct policy *policy, const struct iovec *parts,
		 uint32_t count, const union net_address *to, const struct waiter *waiter)
{
	uint64_t deadline = deadline_of(&desc->send_limit);
	struct rest rest = {.parts = parts, .count = count};
	bool all = is_stream(desc) && !(desc->flags & DESC_NONBLOCK);
	size_t want = size_of_parts(parts, count), sent = 0;
	ssize_t size;
	int error;

	if (to != NULL && !policy_reaches(policy, &to->any))
		return -EACCES;
	if (!is_stream(desc) && count > IOV_MAX)
		return -EMSGSIZE;
	for (;;) {
		size = send_once(desc, &rest, to);
		if (size == -EAGAIN) {
			error = wait_more(desc, waiter, POLLOUT, deadline);
			if (error == 0)
				continue;
			return sent != 0 && error != -EINTR ? (ssize_t)sent : error;
		}
		if (size < 0)
			return sent != 0 ? (ssize_t)sent : size;
		sent += (size_t)size;
		if (!all || sent == want)
			return (ssize_t)sent;
		rest_take(&rest, (size_t)size);
	}
}

int net_shutdown(const struct desc *desc, int how)
{
	return shutdown(desc->fd, how) < 0 ? -errno : 0;
}

/* -- Names and options ------------------------------------------------------------------------------- */

int net_name(const struct desc *desc, bool peer, union net_address *ret)
{
	union net_address name = {0};
	socklen_t size = sizeof(name);
	int error = peer ? getpeername(desc->fd, &name.any, &size)
			 : getsockname(desc->fd, &name.any, &size);

	if (error < 0)
		return -errno;
	if (name.any.sa_family != AF_INET && name.any.sa_family != AF_INET6)
		return -ENOSYS;
	*ret = name;
	return 0;
}

/* The limit that an option is about; NULL: it is the kernel's. */
static const uint64_t *limit_of(const struct desc *desc, int level, int name)
{
	if (level != SOL_SOCKET)
		return NULL;
	if (name == SO_RCVTIMEO)
		return &desc->receive_limit;
	return name == SO_SNDTIMEO ? &desc->send_limit : NULL;
}

int net_get_option(const struct desc *desc, int level, int name, void *value, socklen_t *size)
{
	const uint64_t *limit = limit_of(desc, level, name);
	struct timeval time;
	uint64_t nanoseconds;

	if (limit == NULL)
		return getsockopt(desc->fd, level, name, value, size) < 0 ? -errno : 0;
	nanoseconds = __atomic_load_n(limit, __ATOMIC_RELAXED);
	time.tv_sec = (time_t)(nanoseconds / 1000000000u);
	time.tv_usec = (suseconds_t)(nanoseconds % 1000000000u / 1000u);
	*size = MIN(*size, (socklen_t)sizeof(time));
	memcpy(value, &time, *size);
	return 0;
}

/* As the kernel reads a time-out: zero is none, a negative one has passed. */
static int parse_limit(const void *value, socklen_t size, uint64_t *ret)
{
	struct timeval time;

	if (size < sizeof(time))
		return -EINVAL;
	memcpy(&time, value, sizeof(time));
	if (time.tv_usec < 0 || time.tv_usec >= 1000000)
		return -EDOM;
	if (time.tv_sec < 0)
		*ret = 1;
	else if ((uint64_t)time.tv_sec > UINT64_MAX / 2 / 1000000000u)
		*ret = 0;
	else
		*ret = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
	return 0;
}

int net_set_option(struct desc *desc, int level, int name, const void *value, socklen_t size)
{
	bool receive = level == SOL_SOCKET && name == SO_RCVTIMEO;
	uint64_t limit;
	int error;

	if (limit_of(desc, level, name) == NULL)
		return setsockopt(desc->fd, level, name, value, size) < 0 ? -errno : 0;
	error = parse_limit(value, size, &limit);
	if (error == 0)
		__atomic_store_n(receive ? &desc->receive_limit : &desc->send_limit, limit,
				 __ATOMIC_RELAXED);
	return error;
}
