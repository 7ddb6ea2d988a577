/* SPDX-License-Identifier: Apache-2.0 */
/* message_test.c: messages are whole or refused, and no descriptor stays that nobody asked for. */
#include "runtime/message.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static int ends[2];

static int open_ends(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_ends(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* Descriptors we have. */
static int count(void)
{
	int n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A message of so many bytes with so many descriptors. */
static void send_raw(size_t size, const int *fds, int number)
{
	char bytes[sizeof(struct message)] = {MESSAGE_READY};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} ancillary = {.room = {0}};
	struct iovec part = {bytes, size};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};

	if (number > 0) {
		ancillary.header.cmsg_len = CMSG_LEN((size_t)number * sizeof(int));
		ancillary.header.cmsg_level = SOL_SOCKET;
		ancillary.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&ancillary.header), fds, (size_t)number * sizeof(int));
		whole.msg_control = &ancillary;
		whole.msg_controllen = CMSG_SPACE((size_t)number * sizeof(int));
	}
	assert_int_equal(sendmsg(ends[0], &whole, MSG_NOSIGNAL), size);
}

static void texts_come_through(void **state)
{
	struct message message;
	int fd = -1;

	(void)state;
	assert_int_equal(message_send(ends[0], MESSAGE_FAILED, 126, "no such thing"), 0);
	assert_int_equal(message_receive_with(ends[1], &message, &fd), 0);
	assert_int_equal(message.kind, MESSAGE_FAILED);
	assert_int_equal(message.value, 126);
	assert_string_equal(message.text, "no such thing");
	assert_int_equal(fd, -1);
	send_raw(4, NULL, 0);
	assert_int_equal(message_receive(ends[1], &message), -EPROTO);
	close(ends[0]);
	assert_int_equal(message_receive_with(ends[1], &message, &fd), -ECONNRESET);
	assert_int_equal(message_send(ends[1], MESSAGE_GO, 0, NULL), -EPIPE);
}

static void a_descriptor_comes_along(void **state)
{
	int sent = memfd_create("sent", MFD_CLOEXEC), fd = -1, before = count();
	struct stat one, other;
	struct message message;

	(void)state;
	assert_int_equal(message_send_with(ends[0], MESSAGE_READY, sent), 0);
	assert_int_equal(message_receive_with(ends[1], &message, &fd), 0);
	assert_int_equal(message.kind, MESSAGE_READY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(sent, &one), 0);
	assert_int_equal(fstat(fd, &other), 0);
	assert_int_equal(one.st_ino, other.st_ino);
	close(fd);
	assert_int_equal(count(), before);
	/* One that cannot be sent does not hold up the word. */
	assert_int_equal(message_send_with(ends[0], MESSAGE_READY, 4711), 0);
	fd = -1;
	assert_int_equal(message_receive_with(ends[1], &message, &fd), 0);
	assert_int_equal(message.kind, MESSAGE_READY);
	assert_int_equal(fd, -1);
	close(sent);
}

static void no_other_descriptor_stays(void **state)
{
	int sent[8], before = count(), fd;
	struct message message;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
		sent[i] = ends[0];
	for (int number = 1; number <= (int)ARRAY_SIZE(sent); number++) {
		fd = -1;
		send_raw(20, sent, number);
		assert_int_equal(message_receive_with(ends[1], &message, &fd), 0);
		assert_int_equal(count(), before + 1);
		assert_int_equal(close(fd), 0);
		/* With what is no message, or to who does not want any. */
		fd = -1;
		send_raw(4, sent, number);
		assert_int_equal(message_receive_with(ends[1], &message, &fd), -EPROTO);
		assert_int_equal(fd, -1);
		send_raw(20, sent, number);
		assert_int_equal(message_receive(ends[1], &message), 0);
		assert_int_equal(count(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(texts_come_through, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(a_descriptor_comes_along, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(no_other_descriptor_stays, open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
