/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_module.c: ask other programs about a module: is it one (skiff validate), and can it be smaller (wasm-opt).
 *
 * This program links no engine. A child reads the module as its standard input; what it says on standard error is the sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "image/build.h"

extern char **environ;

/* All of it, but only the first line counts. */
static void read_line(int fd, char line[static ERR_MAX])
{
	char more[512], *end;
	size_t used = 0;
	ssize_t size;

	while ((size = read(fd, more, sizeof(more))) > 0 || (size < 0 && errno == EINTR)) {
		size_t taken = size < 0 ? 0 : MIN((size_t)size, ERR_MAX - 1 - used);

		memcpy(line + used, more, taken);
		used += taken;
	}
	line[used] = '\0';
	end = strchr(line, '\n');
	if (end != NULL)
		*end = '\0';
}

/* Its exit code, 128 and more for a signal, or -errno: it cannot be started. */
static int run(char **argv, int in, int out, char line[static ERR_MAX])
{
	posix_spawn_file_actions_t actions;
	int ends[2], status = 0, error;
	pid_t pid;

	line[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		/* None of these is 0, 1 or 2: those were open when we began. */
		posix_spawn_file_actions_adddup2(&actions, in, 0);
		posix_spawn_file_actions_adddup2(&actions, out, 1);
		posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
		error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(ends[1]);
	if (error == 0) {
		read_line(ends[0], line);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	close(ends[0]);
	if (error != 0)
		return -error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Beside this program, or where both were installed to; else wherever PATH says. */
static void find_skiff(char path[static PATH_MAX])
{
	static const char *const places[] = {"/skiff", "/../../bin/skiff"};
	char self[PATH_MAX], *slash;
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 32);

	for (size_t i = 0; size > 0 && i < ARRAY_SIZE(places); i++) {
		self[size] = '\0';
		slash = strrchr(self, '/');
		if (slash == NULL)
			break;
		snprintf(slash, 32, "%s", places[i]);
		if (access(self, X_OK) == 0) {
			memcpy(path, self, strlen(self) + 1);
			return;
		}
		*slash = '/';
		size = slash - self + 1;
	}
	strcpy(path, "skiff");
}

/* What is behind "skiff: standard input: ", and what to do. */
static int refuse(const char *name, const char *line, struct err *err)
{
	const char *said = strstr(line, "standard input: ");
	const char *why = said != NULL ? said + strlen("standard input: ") : line;
	const char *remedy = "";

	if (strstr(why, "component") != NULL)
		remedy = "; build it for wasm32-wasip1, or take its core module out of it";
	return err_set(err, -EINVAL, "%s: %s%s", name, why, remedy);
}

int module_check(int fd, const char *name, struct err *err)
{
	char path[PATH_MAX], line[ERR_MAX];
	char *argv[] = {path, "validate", "-", NULL};
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), code;

	find_skiff(path);
	if (nowhere < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		code = -errno;
		if (nowhere >= 0)
			close(nowhere);
		return err_set(err, code, "%s: %s", name, strerror(-code));
	}
	code = run(argv, fd, nowhere, line);
	close(nowhere);
	if (code < 0 || code >= 126)
		return err_set(err, code < 0 ? code : -ENOEXEC,
			       "%s: it cannot be validated: '%s' does not run: %s", name, path,
			       code < 0 ? strerror(-code) : line);
	return code == 0 ? 0 : refuse(name, line, err);
}

int module_optimize(int fd, const char *name, int *ret, struct err *err)
{
	char line[ERR_MAX];
	char *argv[] = {"wasm-opt", "-O2", "/dev/stdin", "-o", "/dev/stdout", NULL};
	int out = memfd_create("module", MFD_CLOEXEC), code;

	if (out < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		code = -errno;
		if (out >= 0)
			close(out);
		return err_set(err, code, "%s: %s", name, strerror(-code));
	}
	code = run(argv, fd, out, line);
	if (code == 0) {
		*ret = out;
		return 0;
	}
	close(out);
	if (code == -ENOENT || code == 127)
		return err_set(err, -ENOENT,
			       "--optimize needs wasm-opt, which is nowhere in PATH (Debian: "
			       "apt-get install binaryen)");
	if (code < 0)
		return err_set(err, code, "wasm-opt: %s", strerror(-code));
	return err_set(err, -EINVAL, "%s: wasm-opt ended with %d: %s", name, code, line);
}
