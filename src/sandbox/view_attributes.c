/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_attributes.c: mount_setattr() by mount(MS_REMOUNT), which sets all flags of one mount at once.
 *
 * So what a mount has is read first, and what lies below it is found, both in /proc/self/mountinfo. Found by a path, that
 * is, and somebody else may exchange directories meanwhile: the path is walked without following links, and the mount it
 * comes to must have the number that was read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "base/io.h"
#include "sandbox/cgroup_parts.h"
#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

enum {
	TRIES = 100,
	NAME_SIZE = 64,
	NOSYMFOLLOW_SEEN = 0x2000, /* by statfs() */
};

/* -- The table of mounts --------------------------------------------------------------------------------- */

struct row {
	int id, parent;
	uint64_t flags; /* MS_* */
	char *path; /* borrowed from the table's text */
	bool below; /* it lies on the one that is changed, or is that */
	bool hidden; /* no path leads there, nor to what lies on it */
	bool covered; /* no path leads there */
};

struct table {
	struct buf text, rows; /* owned */
};

static void table_deinit(struct table *table)
{
	buf_deinit(&table->text);
	buf_deinit(&table->rows);
}

/* table-like: as the kernel names them, as mount(2) has them, as mount_setattr(2) does. */
static const struct {
	const char *word;
	uint64_t flag, attribute;
} known[] = {
	{"ro", MS_RDONLY, MOUNT_ATTR_RDONLY},
	{"nosuid", MS_NOSUID, MOUNT_ATTR_NOSUID},
	{"nodev", MS_NODEV, MOUNT_ATTR_NODEV},
	{"noexec", MS_NOEXEC, MOUNT_ATTR_NOEXEC},
	{"nodiratime", MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
	{"nosymfollow", MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
	{"noatime", MS_NOATIME, 0},
	{"relatime", MS_RELATIME, 0},
};

static uint64_t flags_of(char *words)
{
	uint64_t flags = 0;

	for (char *word = strsep(&words, ","); word != NULL; word = strsep(&words, ","))
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (strcmp(word, known[i].word) == 0)
				flags |= known[i].flag;
	return flags & (MS_NOATIME | MS_RELATIME) ? flags : flags | MS_STRICTATIME;
}

/* Spaces and the like are \ooo. */
static void decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else
			*to = *from++;
	}
	*to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static int read_row(struct table *table, char *line)
{
	char *fields[6] = {NULL};
	struct row *row;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&line, " ");
		if (fields[i] == NULL)
			return -EPROTO;
	}
	row = buf_zero(&table->rows, sizeof(*row));
	if (row == NULL)
		return -ENOMEM;
	decode(fields[4]);
	row->id = atoi(fields[0]);
	row->parent = atoi(fields[1]);
	row->path = fields[4];
	row->flags = flags_of(fields[5]);
	return 0;
}

static int read_table(struct table *table)
{
	int error = cgroup_file_slurp(AT_FDCWD, "/proc/self/mountinfo", &table->text);
	char *text = (char *)table->text.data;

	for (char *line = error < 0 ? NULL : strsep(&text, "\n");
	     error >= 0 && line != NULL && line[0] != '\0'; line = strsep(&text, "\n"))
		error = read_row(table, line);
	return MIN(error, 0);
}

static bool is_above(const char *path, const char *other)
{
	size_t size = strlen(path);

	return strncmp(path, other, size) == 0 && (other[size] == '/' || path[size - 1] == '/');
}

/* A mount on a directory above it hides a mount and what lies on it. */
static bool is_hidden(const struct table *table, const struct row *row)
{
	for (size_t i = 0; i < BUF_COUNT(&table->rows, struct row); i++) {
		const struct row *other = BUF_ITEM(&table->rows, struct row, i);

		if (other != row && other->parent == row->parent &&
		    is_above(other->path, row->path))
			return true;
	}
	return false;
}

/* A mount on its very root covers it alone: all others on it are hidden by that, as above. */
static bool is_covered(const struct table *table, const struct row *row)
{
	for (size_t i = 0; i < BUF_COUNT(&table->rows, struct row); i++) {
		const struct row *other = BUF_ITEM(&table->rows, struct row, i);

		if (other->parent == row->id && strcmp(other->path, row->path) == 0)
			return true;
	}
	return false;
}

static struct row *find(const struct table *table, int id)
{
	for (size_t i = 0; i < BUF_COUNT(&table->rows, struct row); i++)
		if (BUF_ITEM(&table->rows, struct row, i)->id == id)
			return BUF_ITEM(&table->rows, struct row, i);
	return NULL;
}

/* What lies on it, on that, and so on. */
static void mark(struct table *table, struct row *top)
{
	bool more = true;

	top->below = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < BUF_COUNT(&table->rows, struct row); i++) {
			struct row *row = BUF_ITEM(&table->rows, struct row, i);
			const struct row *on = row->below ? NULL : find(table, row->parent);

			if (on == NULL || !on->below)
				continue;
			row->below = more = true;
			row->hidden = on->hidden || is_hidden(table, row);
			row->covered = is_covered(table, row);
		}
	}
}

/* -- Mounts by descriptors --------------------------------------------------------------------------------- */

/* The number of the mount a descriptor is of. */
static int id_of(int fd)
{
	char name[NAME_SIZE], text[512], *at;
	int error;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	error = io_text(AT_FDCWD, name, text, sizeof(text));
	if (error < 0)
		return error;
	at = strstr(text, "mnt_id:");
	return at != NULL ? atoi(at + strlen("mnt_id:")) : -EPROTO;
}

/* Down a path from the top, no link followed. -ESTALE: it is another mount by now. */
static int open_below(int top, char *path, int id)
{
	int at = fcntl(top, F_DUPFD_CLOEXEC, 0), found;

	for (char *name = strsep(&path, "/"); at >= 0 && name != NULL; name = strsep(&path, "/")) {
		int next;

		if (name[0] == '\0')
			continue;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = next;
	}
	if (at < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ESTALE : -errno;
	found = id_of(at);
	if (found != id) {
		close(at);
		return found < 0 ? found : -ESTALE;
	}
	return at;
}

/* -- The change -------------------------------------------------------------------------------------------- */

static uint64_t changed(uint64_t flags, const struct mount_attr *attr)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (attr->attr_clr & known[i].attribute)
			flags &= ~known[i].flag;
		if (attr->attr_set & known[i].attribute)
			flags |= known[i].flag;
	}
	if (attr->attr_clr & MOUNT_ATTR__ATIME) {
		flags &= ~(uint64_t)(MS_NOATIME | MS_RELATIME | MS_STRICTATIME);
		if (attr->attr_set & MOUNT_ATTR_NOATIME)
			flags |= MS_NOATIME;
		else
			flags |= attr->attr_set & MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME
									 : MS_RELATIME;
	}
	return flags;
}

static int set_one(int fd, uint64_t old, const struct mount_attr *attr)
{
	uint64_t flags = changed(old, attr);
	char name[NAME_SIZE];
	struct statfs st;
	int error;

	if (flags == old)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	error = kernel_mount(NULL, name, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
	/* It takes flags it does not know, and does nothing about them. */
	if (error == 0 && (flags & MS_NOSYMFOLLOW) &&
	    (fstatfs(fd, &st) < 0 || !(st.f_flags & NOSYMFOLLOW_SEEN)))
		error = -EOPNOTSUPP;
	return error;
}

static int set_below(const struct table *table, const struct row *top, int mount,
		     const struct mount_attr *attr)
{
	for (size_t i = 0; i < BUF_COUNT(&table->rows, struct row); i++) {
		const struct row *row = BUF_ITEM(&table->rows, struct row, i);
		int fd, error;

		if (!row->below || row->hidden || row->covered || row == top)
			continue;
		fd = open_below(mount, row->path + strlen(top->path), row->id);
		error = fd < 0 ? fd : set_one(fd, row->flags, attr);
		if (fd >= 0)
			close(fd);
		if (error != 0)
			return error;
	}
	return 0;
}

static int set_all(int mount, bool recursive, const struct mount_attr *attr)
{
	struct table table = {{0}, {0}};
	struct row *top;
	int id = id_of(mount), error = id < 0 ? id : read_table(&table);

	if (error == 0) {
		top = find(&table, id);
		error = top == NULL ? -ESTALE : set_one(mount, top->flags, attr);
		if (error == 0 && recursive) {
			mark(&table, top);
			error = set_below(&table, top, mount, attr);
		}
	}
	table_deinit(&table);
	return error;
}

int view_classic_set(int mount, bool recursive, const struct mount_attr *attr)
{
	char name[NAME_SIZE];
	int error = 0;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", mount);
	if (attr->propagation != 0)
		error = kernel_mount(NULL, name, NULL, attr->propagation | (recursive ? MS_REC : 0),
				     NULL);
	if (error != 0 || (attr->attr_set == 0 && attr->attr_clr == 0))
		return error;
	error = -ESTALE;
	for (int i = 0; error == -ESTALE && i < TRIES; i++)
		error = set_all(mount, recursive, attr);
	return error;
}
