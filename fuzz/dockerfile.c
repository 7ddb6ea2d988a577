/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dockerfile.c (fuzz): any text as a Dockerfile in a small context; up to a NUL as its .dockerignore.
 *
 * Beyond the sanitizers: every path of an image is absolute and without dots, every file comes from the context; a refusal
 * has its sentence.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static int context = -1;
static dev_t device;

static void require(bool truth)
{
	if (!truth)
		abort();
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void drop_all(void)
{
	nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	require(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void begin(void)
{
	struct stat st;
	int dir;

	strcpy(folder, "/tmp/fuzz-dockerfile-XXXXXX");
	require(mkdtemp(folder) != NULL);
	atexit(drop_all);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(dir >= 0 && mkdirat(dir, "c", 0755) == 0 && mkdirat(dir, "c/d", 0755) == 0);
	put(dir, "o", "outside");
	put(dir, "c/a", "inside");
	put(dir, "c/b.wasm", "inside");
	put(dir, "c/d/a", "inside");
	require(symlinkat("../o", dir, "c/l") == 0 && symlinkat("d", dir, "c/e") == 0 &&
		symlinkat("../../c/a", dir, "c/d/m") == 0 && symlinkat("n", dir, "c/n") == 0);
	context = openat(dir, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(context >= 0 && fstat(context, &st) == 0);
	device = st.st_dev;
	close(dir);
}

static void check_file(const struct layer_file *file)
{
	char text[16] = "";
	struct stat st;
	int fd;

	require(file->path[0] == '/' && file->path[1] != '\0' && strstr(file->path, "//") == NULL &&
		strstr(file->path, "/../") == NULL && file->path[strlen(file->path) - 1] != '/');
	if (file->source == NULL)
		return;
	require(file->root == context);
	fd = layer_file_open(file);
	require(fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device && read(fd, text, 15) == 6 &&
		strcmp(text, "inside") == 0);
	close(fd);
}

static void note(const char *path, const char *sentence)
{
	require(path != NULL && sentence[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image_note arguments[] = {{"A", "a"}, {"B", "${A}"}};
	struct build_root roots[] = {{.what = "the context"}, {.what = "s"}};
	struct build_file_options options = {
		.path = "Dockerfile",
		.context = &roots[0],
		.arguments = arguments,
		.argument_count = 2,
		.stages = &roots[1],
		.stage_count = 1,
	};
	const uint8_t *end = memchr(data, '\0', size);
	struct ignore *ignore = NULL;
	struct build build;
	struct err err = {""};
	const char *word;
	int error;

	if (context < 0)
		begin();
	if (end != NULL) {
		require(ignore_parse(&ignore, (const char *)data, &err) == 0 ||
			err.text[0] != '\0');
		size -= (size_t)(end - data) + 1;
		data = end + 1;
	}
	roots[0].dir = roots[1].dir = context;
	roots[0].ignore = ignore;
	build_init(&build);
	err.text[0] = '\0';
	error = build_dockerfile(&build, (const char *)data, size, &options, note, &err);
	require(error == 0 || err.text[0] != '\0');
	for (size_t i = 0; error == 0 && i < BUF_COUNT(&build.files, struct layer_file); i++)
		check_file(BUF_ITEM(&build.files, struct layer_file, i));
	if (error == 0)
		build_entry(&build, &word);
	build_deinit(&build);
	ignore_free(ignore);
	return 0;
}
