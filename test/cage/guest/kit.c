/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit.c: a guest for tests of the cage, on wasi-libc: commands from its arguments, parted by ";", one after the other.
 *
 * Each prints what it found to standard output; a failure is a line "COMMAND PATH: error", and the exit code is 1 at
 * the end. Nothing is buffered: who waits for a line gets it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool failed;

static void fail(const char *command, const char *path)
{
	printf("%s %s: %s\n", command, path, strerror(errno));
	failed = true;
}

/* -- Files ------------------------------------------------------------------------------------------- */

static void cat(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : 0;

	while (fd >= 0 && (n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	if (n < 0)
		fail("cat", path);
	if (fd >= 0)
		close(fd);
}

static void put(const char *command, const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | flags, 0666);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(command, path);
	if (fd >= 0)
		close(fd);
}

static void list(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL) {
		fail("ls", path);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			printf("%s\n", entry->d_name);
	closedir(dir);
}

static void tell_stat(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		fail("stat", path);
		return;
	}
	printf("%s %lld\n",
	       S_ISDIR(st.st_mode)   ? "dir"
	       : S_ISREG(st.st_mode) ? "file"
	       : S_ISCHR(st.st_mode) ? "chr"
	       : S_ISBLK(st.st_mode) ? "blk"
				     : "other",
	       (long long)st.st_size);
}

static void read_some(const char *path, size_t size)
{
	char text[64] = {0};
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size < sizeof(text) ? size : sizeof(text));

	if (n < 0)
		fail("read", path);
	else
		printf("%d bytes\n", (int)n);
	if (fd >= 0)
		close(fd);
}

/* Reads a file again and again, until it begins with `last`: what differs from the time before is printed. */
static void watch(const char *path, const char *last)
{
	const struct timespec pause = {0, 1000 * 1000};
	char before[64] = "", now[64];

	do {
		FILE *file = fopen(path, "r");

		if (file == NULL || fgets(now, sizeof(now), file) == NULL)
			fail("watch", path);
		else if (strcmp(before, now) != 0)
			printf("%s", strcpy(before, now));
		if (file != NULL)
			fclose(file);
		nanosleep(&pause, NULL);
	} while (strncmp(before, last, strlen(last)) != 0);
}

/* -- The rest ---------------------------------------------------------------------------------------- */

/* Touches every page. */
static void grow(int megabytes)
{
	const size_t size = 1 << 20;

	for (int i = 0; i < megabytes; i++) {
		char *block = malloc(size);

		if (block == NULL) {
			printf("grew to %d\n", i);
			return;
		}
		for (size_t at = 0; at < size; at += 4096)
			((volatile char *)block)[at] = 1;
	}
	printf("grew\n");
}

static void nap(int ms)
{
	const struct timespec wish = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&wish, NULL);
}

static size_t environment_size(void)
{
	extern char **environ;
	size_t size = 0;

	for (char **at = environ; *at != NULL; at++)
		size += strlen(*at) + 1;
	return size;
}

static void where(void)
{
	char text[4096];

	puts(getcwd(text, sizeof(text)) != NULL ? text : "nowhere");
}

static void act_on_path(const char *command, const char *path, char **more)
{
	if (strcmp(command, "cat") == 0)
		cat(path);
	else if (strcmp(command, "ls") == 0)
		list(path);
	else if (strcmp(command, "stat") == 0)
		tell_stat(path);
	else if (strcmp(command, "put") == 0)
		put(command, path, more[0], O_CREAT | O_TRUNC);
	else if (strcmp(command, "append") == 0)
		put(command, path, more[0], O_APPEND);
	else if (strcmp(command, "read") == 0)
		read_some(path, (size_t)atoi(more[0]));
	else if (strcmp(command, "watch") == 0)
		watch(path, more[0]);
	else if (strcmp(command, "mkdir") == 0 ? mkdir(path, 0777) < 0 : unlink(path) < 0)
		fail(command, path);
}

/* Whoever comes first to a socket that was handed in. */
static void greet(int listener, const char *text)
{
	int fd;

	puts("ready");
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("accept", text);
	if (fd >= 0)
		close(fd);
}

static void act(const char *command, char **words)
{
	if (strcmp(command, "say") == 0)
		puts(words[0]);
	else if (strcmp(command, "complain") == 0)
		fprintf(stderr, "%s\n", words[0]);
	else if (strcmp(command, "cwd") == 0)
		where();
	else if (strcmp(command, "env") == 0)
		puts(getenv(words[0]) != NULL ? getenv(words[0]) : "none");
	else if (strcmp(command, "envsize") == 0)
		printf("%zu\n", environment_size());
	else if (strcmp(command, "grow") == 0)
		grow(atoi(words[0]));
	else if (strcmp(command, "nap") == 0)
		nap(atoi(words[0]));
	else if (strcmp(command, "accept") == 0)
		greet(atoi(words[0]), words[1]);
	else if (strcmp(command, "exit") == 0)
		exit(atoi(words[0]));
	else if (strcmp(command, "trap") == 0)
		__builtin_trap();
	else if (strcmp(command, "tty") == 0)
		printf("%d %d %d\n", isatty(0), isatty(1), isatty(2));
	else
		act_on_path(command, words[0], words + 1);
}

__attribute__((export_name("other"))) void other(void)
{
	puts("the other entry");
	exit(3);
}

int main(int count, char **args)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (count > 1 && strcmp(args[1], "args") == 0) {
		for (int i = 0; i < count; i++)
			printf("[%s]\n", args[i]);
		return 0;
	}
	for (int i = 1; i < count; i++) {
		char **words = args + i;

		while (args[i] != NULL && strcmp(args[i], ";") != 0)
			i++;
		args[i] = NULL;
		act(words[0], words + 1);
	}
	return failed;
}
