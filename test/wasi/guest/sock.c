/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock.c: preview 1's own functions of sockets. Descriptor 3 is a listening socket; whoever runs this connects when
 * told to by a line, and does what is said there.
 */
#include "wasi.h"

enum { LISTENER = 3, PEEK = 1, WAITALL = 2, RD = 1, WR = 2 };

static u8 bytes[256];
static struct iovec part = {0, sizeof(bytes)};
static u32 done;
static u16 out_flags;

static u32 receive(u32 fd, u32 size, u32 flags)
{
	part = (struct iovec){AT(bytes), size};
	return sock_recv(fd, AT(&part), 1, flags, AT(&done), AT(&out_flags));
}

static u32 send(u32 fd, const char *text)
{
	part = (struct iovec){AT(text), length(text)};
	return sock_send(fd, AT(&part), 1, 0, AT(&done));
}

static u32 accept(u32 flags)
{
	u32 fd = CLOSED;

	OK(sock_accept(LISTENER, flags, AT(&fd)));
	return fd;
}

TEST(listener)
{
	struct fdstat stat;
	struct subscription subs[2] = {{.userdata = 1, .type = EV_READ, .u.fd = LISTENER},
				       {.userdata = 2,
					.type = EV_CLOCK,
					.u.clock = {.id = MONOTONIC, .timeout = 50000000}}};
	struct event events[2];

	OK(fd_fdstat_get(LISTENER, AT(&stat)));
	EQ(stat.filetype, T_STREAM);
	CHECK(stat.rights & R_SOCK_ACCEPT);
	OK(poll_oneoff(AT(subs), AT(events), 2, AT(&done)));
	EQ(events[0].userdata, 2);
	OK(fd_fdstat_set_flags(LISTENER, FD_NONBLOCK));
	IS(AGAIN, sock_accept(LISTENER, 0, AT(&done)));
	IS(INVAL, sock_accept(LISTENER, 32, AT(&done)));
	fault.aligned = true;
	FAULTS(sock_accept(LISTENER, 0, P(AT(&done))));
	EITHER(NOTCONN, INVAL, receive(LISTENER, 1, 0));
	EITHER(NOTCONN, PIPE, send(LISTENER, "x"));
	/* It is neither a directory nor seekable. */
	IS(NOTDIR, path_create_directory(LISTENER, STR("x")));
	EITHER(BADF, NOTDIR, fd_prestat_dir_name(LISTENER, AT(bytes), 10));
	OK(fd_fdstat_get(LISTENER, AT(&stat)));
	OK(fd_fdstat_set_rights(LISTENER, stat.rights & ~(u64)R_SOCK_ACCEPT, 0));
	IS(NOTCAPABLE, sock_accept(LISTENER, 0, AT(&done)));
}

/* The driver: sends "hello", waits for "HELLO", closes. */
TEST(talk)
{
	struct subscription sub = {.type = EV_READ, .u.fd = LISTENER};
	struct event event;
	u32 fd;
	u64 offset;

	put("connect\n");
	OK(poll_oneoff(AT(&sub), AT(&event), 1, AT(&done)));
	EQ(event.error, 0);
	fd = accept(0);
	part = (struct iovec){AT(bytes), 0};
	fault.aligned = true;
	FAULTS(sock_recv(fd, P(AT(&part)), 1, PEEK, P(AT(&done)), P(AT(&out_flags))));
	FAULTS(sock_send(fd, P(AT(&part)), 1, 0, P(AT(&done))));
	IS(INVAL, receive(fd, 1, 4));
	IS(INVAL, receive(fd, 1, 0x10000));
	IS(INVAL, sock_shutdown(fd, 0));
	IS(INVAL, sock_shutdown(fd, 4));
	part = (struct iovec){AT("x"), 1};
	IS(INVAL, sock_send(fd, AT(&part), 1, 1, AT(&done)));
	OK(receive(fd, 2, PEEK | WAITALL));
	EQ(done, 2);
	OK(receive(fd, 5, WAITALL));
	EQ(done, 5);
	CHECK(same(bytes, "hello", 5));
	EQ(out_flags, 0);
	OK(send(fd, "HELLO"));
	EQ(done, 5);
	EITHER(SPIPE, NOTCAPABLE, fd_seek(fd, 0, CUR, AT(&offset)));
	/* Closed over there: an end. */
	OK(receive(fd, 10, 0));
	EQ(done, 0);
	OK(fd_close(fd));
	IS(BADF, receive(fd, 1, 0));
}

/* The driver: sends nothing until it has read "go", then "done", then waits for the end. */
TEST(nonblocking)
{
	struct subscription sub = {.type = EV_READ};
	struct event event;
	struct fdstat stat;
	u32 fd;

	put("connect\n");
	fd = accept(FD_NONBLOCK);
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.flags, FD_NONBLOCK);
	EQ(stat.filetype, T_STREAM);
	IS(AGAIN, receive(fd, 10, 0));
	EQ(read_some(fd, bytes, 10), -E_AGAIN);
	EQ(put_bytes(fd, "go", 2), 0);
	sub.u.fd = fd;
	OK(poll_oneoff(AT(&sub), AT(&event), 1, AT(&done)));
	EQ(event.nbytes, 4);
	EQ(read_some(fd, bytes, 10), 4);
	CHECK(same(bytes, "done", 4));
	OK(sock_shutdown(fd, WR));
	EITHER(PIPE, NOTCAPABLE, send(fd, "x"));
	/* Closed over there already, perhaps. */
	EITHER(SUCCESS, NOTCONN, sock_shutdown(fd, RD));
	OK(receive(fd, 10, 0));
	EQ(done, 0);
}

/* The driver resets the connection, then connects again and closes at once: RESET or PIPE, and the program lives. */
TEST(gone)
{
	u32 fd, error = 0;

	put("connect\n");
	fd = accept(0);
	EITHER(CONNRESET, PIPE, receive(fd, 10, 0));
	EITHER(PIPE, CONNRESET, send(fd, "x"));
	fd = accept(0);
	OK(receive(fd, 10, 0));
	EQ(done, 0);
	for (u32 i = 0; i < 100 && error == 0; i++) {
		error = send(fd, "x");
		sleep_ms(5);
	}
	EITHER(PIPE, CONNRESET, error);
	put("alive\n");
}
