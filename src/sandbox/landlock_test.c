/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock_test.c: in children, what can still be opened, made and reached; with the rules of each version the kernel has.
 *
 * The file under test is included, for the older versions.
 */
#include "sandbox/landlock.c"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A folder with read/, write/ and other/, a file "f" in each, and a link read/out to other/f. */
struct place {
	char path[64];
	int fd;
	uint16_t port; /* of a listening socket */
	int listener, abstract;
};

static void make(const struct place *place, const char *name)
{
	char path[32];
	int fd;

	assert_int_equal(mkdirat(place->fd, name, 0700), 0);
	snprintf(path, sizeof(path), "%s/f", name);
	fd = openat(place->fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static struct sockaddr_un abstract_name(socklen_t *size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "skiff-landlock-%d",
			      (int)getppid());

	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	return name;
}

static int setup(void **state)
{
	static struct place place;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	if (landlock_version() == 0) {
		print_message("skipped: this kernel has no Landlock\n");
		exit(77);
	}
	strcpy(place.path, "/tmp/skiff-landlock-XXXXXX");
	assert_non_null(mkdtemp(place.path));
	place.fd = open(place.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	make(&place, "read");
	make(&place, "write");
	make(&place, "other");
	assert_int_equal(symlinkat("../other/f", place.fd, "read/out"), 0);
	place.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(place.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(place.listener, 64), 0);
	assert_int_equal(getsockname(place.listener, (struct sockaddr *)&address, &size), 0);
	place.port = ntohs(address.sin_port);
	*state = &place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	static const char *const files[] = {"read/out", "read/f", "write/f", "other/f",
					    "write/new"};
	static const char *const folders[] = {"read", "write", "other"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(place->fd, files[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		unlinkat(place->fd, folders[i], AT_REMOVEDIR);
	close(place->listener);
	close(place->fd);
	return rmdir(place->path);
}

#define EXPECT(x)                                                                            \
	do {                                                                                 \
		if (!(x)) {                                                                  \
			fprintf(stderr, "line %d: %s: %s\n", __LINE__, #x, strerror(errno)); \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

static bool opens(const struct place *place, const char *path, int flags)
{
	int fd = openat(place->fd, path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int reach(const struct place *place)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(place->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	result = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	return result;
}

static int reach_abstract(void)
{
	socklen_t size;
	struct sockaddr_un name = abstract_name(&size);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	result = connect(fd, (struct sockaddr *)&name, size) < 0 ? errno : 0;
	close(fd);
	return result;
}

static void allow(struct landlock *landlock, const struct place *place, const char *path,
		  unsigned rights)
{
	int fd = openat(place->fd, path, O_PATH | O_CLOEXEC);

	EXPECT(landlock_allow(landlock, fd, rights, NULL) == 0);
	close(fd);
}

static void look(const struct place *place, int version, bool tcp)
{
	EXPECT(opens(place, "read/f", O_RDONLY));
	EXPECT(opens(place, "read", O_RDONLY | O_DIRECTORY));
	EXPECT(!opens(place, "read/f", O_WRONLY) && errno == EACCES);
	EXPECT(!opens(place, "read/new", O_WRONLY | O_CREAT) && errno == EACCES);
	EXPECT(opens(place, "write/f", O_RDWR));
	EXPECT(opens(place, "write/new", O_RDWR | O_CREAT));
	EXPECT(renameat(place->fd, "write/new", place->fd, "write/newer") == 0);
	EXPECT(unlinkat(place->fd, "write/newer", 0) == 0);
	EXPECT(mknodat(place->fd, "write/p", S_IFIFO | 0600, 0) < 0 && errno == EACCES);
	EXPECT(!opens(place, "other/f", O_RDONLY) && errno == EACCES);
	EXPECT(!opens(place, "read/out", O_RDONLY) && errno == EACCES);
	EXPECT(!opens(place, "/etc/passwd", O_RDONLY) && errno == EACCES);
	EXPECT(opens(place, "/dev/null", O_RDWR));
	EXPECT(!opens(place, "/dev/zero", O_RDWR) && errno == EACCES);
	if (version >= VERSION_TCP && tcp)
		EXPECT(reach(place) == EACCES);
	else
		EXPECT(reach(place) == 0);
	EXPECT(reach_abstract() == (version >= VERSION_SCOPE ? EPERM : 0));
	EXPECT(kill(getppid(), 0) == (version >= VERSION_SCOPE ? -1 : 0));
	EXPECT(kill(getpid(), 0) == 0);
}

static void in_cage(const struct place *place, int version, bool tcp, bool port)
{
	struct landlock landlock;
	enum landlock_result result;

	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(open_version(&landlock, version, tcp, NULL) == 0);
	allow(&landlock, place, "read", LANDLOCK_READ);
	allow(&landlock, place, "write", LANDLOCK_READ | LANDLOCK_WRITE);
	allow(&landlock, place, "/dev/null", LANDLOCK_READ | LANDLOCK_WRITE);
	allow(&landlock, place, "other", 0);
	if (port)
		EXPECT(landlock_allow_port(&landlock, place->port, LANDLOCK_CONNECT, NULL) == 0);
	EXPECT(landlock_close(&landlock, &result, NULL) == 0);
	EXPECT(result == (version >= VERSION_SCOPE ? LANDLOCK_APPLIED : LANDLOCK_PARTLY));
	EXPECT(landlock.fd == -1);
	look(place, version, tcp && !port);
}

static void expect_child(const struct place *place, int version, bool tcp, bool port)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		in_cage(place, version, tcp, port);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		fail_msg("version %d, tcp %d, port %d: status %x", version, tcp, port, status);
}

/* The name of the abstract socket is made from our number: the children ask their parent's. */
static int abstract_listener(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "skiff-landlock-%d",
			      (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
		bind(fd, (struct sockaddr *)&name,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
		0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static void every_version(void **state)
{
	const struct place *place = *state;
	int newest = landlock_version(), fd = abstract_listener();

	print_message("this kernel's Landlock: version %d\n", newest);
	for (int version = 1; version <= newest; version++) {
		expect_child(place, version, false, false);
		expect_child(place, version, true, false);
		expect_child(place, version, true, true);
	}
	close(fd);
}

static void missing(void **state)
{
	struct landlock landlock = LANDLOCK_NONE;
	enum landlock_result result;

	(void)state;
	assert_int_equal(landlock_allow(&landlock, -1, LANDLOCK_READ, NULL), 0);
	assert_int_equal(landlock_allow_port(&landlock, 80, LANDLOCK_BIND, NULL), 0);
	assert_int_equal(landlock_close(&landlock, &result, NULL), 0);
	assert_int_equal(result, LANDLOCK_MISSING);
}

static void refused(void **state)
{
	struct landlock landlock;
	struct err err = {.text = ""};

	(void)state;
	assert_int_equal(landlock_open(&landlock, true, &err), 0);
	assert_int_equal(landlock_allow(&landlock, -1, LANDLOCK_READ, &err), -EBADF);
	assert_non_null(strstr(err.text, "Landlock"));
	landlock_deinit(&landlock);
	assert_int_equal(landlock.fd, -1);
	landlock_deinit(&landlock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing),
		cmocka_unit_test(refused),
		cmocka_unit_test(every_version),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
