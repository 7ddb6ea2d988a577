/* SPDX-License-Identifier: Apache-2.0 */
/* libc.c WORD: programs as people write them, on wasi-libc. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int where(const char *path)
{
	char text[4096];
	FILE *file;

	if (getcwd(text, sizeof(text)) == NULL)
		return fail("getcwd");
	puts(text);
	file = fopen(path, "r");
	if (file == NULL)
		return fail(path);
	if (fgets(text, sizeof(text), file) == NULL)
		return fail("fgets");
	fputs(text, stdout);
	return fclose(file);
}

static int write_and_read(void)
{
	char line[100];
	struct stat info;
	FILE *file = fopen("notes.txt", "w+");

	if (file == NULL)
		return fail("fopen");
	for (int i = 0; i < 1000; i++)
		fprintf(file, "line %d\n", i);
	rewind(file);
	for (int i = 0; i < 1000; i++)
		if (fgets(line, sizeof(line), file) == NULL || atoi(line + 5) != i)
			return fail("fgets");
	fclose(file);
	if (mkdir("folder", 0777) != 0 || rename("notes.txt", "folder/notes.txt") != 0 ||
	    stat("folder/notes.txt", &info) != 0)
		return fail("rename");
	printf("%lld bytes\n", (long long)info.st_size);
	if (unlink("folder/notes.txt") != 0 || rmdir("folder") != 0)
		return fail("rmdir");
	if (fopen("/nowhere/file", "r") != NULL)
		return 1;
	return fail("absent") - 1;
}

static int list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return fail(path);
	while ((entry = readdir(dir)) != NULL)
		count++;
	printf("%d entries\n", count);
	return closedir(dir);
}

static int sleep_a_little(void)
{
	struct timespec wish = {0, 50 * 1000 * 1000}, before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	if (nanosleep(&wish, NULL) != 0)
		return fail("nanosleep");
	clock_gettime(CLOCK_MONOTONIC, &after);
	return (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec <
	       50 * 1000 * 1000;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "where") == 0)
		return where(argv[2]);
	if (strcmp(word, "files") == 0)
		return write_and_read();
	if (strcmp(word, "list") == 0)
		return list(argv[2]);
	if (strcmp(word, "sleep") == 0)
		return sleep_a_little();
	if (strcmp(word, "isatty") == 0)
		return printf("%d %d %d\n", isatty(0), isatty(1), isatty(2)) < 0;
	if (strcmp(word, "buffered") == 0) {
		/* Nothing of it is flushed but by the exit. */
		for (int i = 0; i < 200000; i++)
			printf("%d\n", i);
		exit(3);
	}
	if (strcmp(word, "environ") == 0) {
		for (char **at = environ; *at != NULL; at++)
			puts(*at);
		return getenv("NAME") == NULL;
	}
	if (strcmp(word, "abort") == 0)
		abort();
	return 2;
}
