/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar.c (fuzz): any bytes as two layers, one over the other, into a root that has neighbours.
 *
 * The first byte says where the second layer begins, and whether checksums are set right first: else nearly all of what a
 * fuzzer makes of a tar would be refused by its first header. Beyond the sanitizers: nothing beside the root is new, changed or gone;
 * nothing below it is a device, a socket or a FIFO, or has a set-id bit; a refusal has its sentence.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512 };

static char folder[64];
static int above = -1; /* the folder */

static void require(bool truth)
{
	if (!truth)
		abort();
}

/* -- The folder --------------------------------------------------------------------------------------- */

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

static void put(const char *path)
{
	int fd = openat(above, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	require(fd >= 0 && write(fd, "safe", 4) == 4);
	close(fd);
}

static void begin(void)
{
	strcpy(folder, "/dev/shm/fuzz-tar-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/fuzz-tar-XXXXXX");
		require(mkdtemp(folder) != NULL);
	}
	atexit(drop_all);
	above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(above >= 0 && mkdirat(above, "out", 0777) == 0 && mkdirat(above, "r", 0777) == 0);
	put("out/a");
	put("b");
}

/* What a layer finds: files, a directory with more, and links, some of them out. */
static int fill(void)
{
	int root;

	require(mkdirat(above, "r/root", 0755) == 0);
	root = openat(above, "r/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	require(root >= 0 && mkdirat(root, "d", 0755) == 0 && mkdirat(root, "d/e", 0755) == 0);
	put("r/root/a");
	put("r/root/d/a");
	put("r/root/d/e/a");
	require(symlinkat("d", root, "l") == 0 && symlinkat("../../out", root, "o") == 0 &&
		symlinkat("/", root, "d/r") == 0 && symlinkat("n/m", root, "d/n") == 0);
	return root;
}

static int count(const char *path)
{
	int dir = openat(above, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	DIR *list = dir < 0 ? NULL : fdopendir(dir);

	require(list != NULL);
	while (readdir(list) != NULL)
		found++;
	closedir(list);
	return found - 2;
}

static int is_fit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)path;
	(void)type;
	(void)at;
	require(S_ISDIR(st->st_mode) || S_ISREG(st->st_mode) || S_ISLNK(st->st_mode));
	require((st->st_mode & (S_ISUID | S_ISGID)) == 0);
	return 0;
}

static void check(void)
{
	struct stat st;
	char text[5] = "";
	int fd = openat(above, "out/a", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char root[96];

	require(count(".") == 3 && count("out") == 1 && count("r") == 1);
	require(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 1 && read(fd, text, 5) == 4 &&
		memcmp(text, "safe", 4) == 0);
	close(fd);
	require(fstatat(above, "b", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_nlink == 1 && st.st_size == 4);
	memcpy(root, folder, sizeof(folder));
	strcat(root, "/r");
	nftw(root, is_fit, 16, FTW_PHYS);
	strcat(root, "/root");
	nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* -- Layers ------------------------------------------------------------------------------------------------ */

static size_t octal(const uint8_t *text, size_t size)
{
	size_t value = 0;

	for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '7'; i++)
		value = value * 8 + (size_t)(text[i] - '0');
	return value;
}

/* Headers where a reader would see them. */
static void mend(uint8_t *data, size_t size)
{
	for (size_t at = 0; size - at >= BLOCK;) {
		unsigned sum = 0;
		size_t body = octal(data + at + 124, 11);

		if (data[at] != 0) {
			memset(data + at + 148, ' ', 8);
			for (size_t i = 0; i < BLOCK; i++)
				sum += data[at + i];
			for (int i = 5; i >= 0; i--, sum /= 8)
				data[at + 148 + (size_t)i] = (uint8_t)('0' + sum % 8);
			data[at + 154] = '\0';
		}
		body = body > size ? 0 : (body + BLOCK - 1) / BLOCK * BLOCK;
		at += BLOCK + (body > size - at - BLOCK ? 0 : body);
	}
}

static void unpack(int root, const uint8_t *data, size_t size, struct layer_limits *left)
{
	int fd = memfd_create("layer", MFD_CLOEXEC), error;
	struct oci_digest diff = {""};
	struct err err = {""};

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	error = layer_unpack(fd, IMAGE_LAYER_TAR, root, left, &diff, &err);
	require(error == 0 ? strlen(diff.text) == 71 : err.text[0] != '\0');
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_limits left = {.bytes = 1 << 20, .entries = 200, .ratio = 1000};
	uint8_t *copy;
	size_t first;
	int root;

	if (above < 0)
		begin();
	if (size < 1)
		return 0;
	first = (size - 1) / BLOCK * (data[0] & 0x7f) / 0x7f * BLOCK;
	copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 0x80) {
		mend(copy, first);
		mend(copy + first, size - 1 - first);
	}
	root = fill();
	unpack(root, copy, first, &left);
	unpack(root, copy + first, size - 1 - first, &left);
	close(root);
	free(copy);
	check();
	return 0;
}
