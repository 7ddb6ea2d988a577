/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/beside.h"

#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int wasm_to_oci_main(char **args);

/* The directory of this program, with a slash behind it; "": unknown. */
static void own_directory(char directory[static PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", directory, PATH_MAX - 1);

	directory[size > 0 ? size : 0] = '\0';
	if (strrchr(directory, '/') != NULL)
		strrchr(directory, '/')[1] = '\0';
}

static void try_path(const char *directory, const char *below, const char *name, char **argv)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s%s", directory, below, name);
	execv(path, argv);
}

/* Only returns where it cannot be: an exit code. */
static int become(const char *name, char **argv)
{
	char directory[PATH_MAX];
	int error;

	own_directory(directory);
	if (directory[0] != '\0') {
		try_path(directory, "", name, argv);
		error = errno;
		if (error == ENOENT) {
			try_path(directory, "../libexec/skiff/", name, argv);
			error = errno;
		}
		if (error != ENOENT)
			return say(EXIT_BAD, name, "%s", strerror(error));
	}
	return say(EXIT_BAD, NULL,
		   "%s is not there: it belongs beside this program, or into ../libexec/skiff seen "
		   "from '%s'",
		   name, directory);
}

int beside_call(const char *name, const char *const *argv)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return say(EXIT_BAD, NULL, "a process for %s: %s", name, strerror(errno));
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		_exit(become(name, (char **)(uintptr_t)argv));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	say(EXIT_OK, NULL, "%s was ended by signal %d", name, WTERMSIG(status));
	return EXIT_SIGNAL + WTERMSIG(status);
}

/* skiff-image with the first words here, the second may be NULL, and then args. */
static int become_image(const char *name, const char *verb, char **args)
{
	size_t count = 0, first = verb != NULL ? 2 : 1;
	char **argv;

	while (args[count] != NULL)
		count++;
	argv = malloc((count + first + 1) * sizeof(*argv));
	if (argv == NULL)
		return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
	argv[0] = (char *)(uintptr_t)name;
	argv[first - 1] = (char *)(uintptr_t)(verb != NULL ? verb : name);
	memcpy(argv + first, args, (count + 1) * sizeof(*argv));
	return become("skiff-image", argv);
}

int beside_image(const struct verb *verb, char **args)
{
	return become_image("skiff-image", verb->name, args);
}

/* The role of that name: skiff-image plays it. */
int wasm_to_oci_main(char **args)
{
	return become_image("wasm-to-oci", NULL, args);
}
