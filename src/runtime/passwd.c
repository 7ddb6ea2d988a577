/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/passwd.h"

#include "base/base.h"
#include "base/io.h"
#include "base/text.h"
#include "sandbox/kernel.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 4 << 20, FIELDS = 7 };

/* -- The files ---------------------------------------------------------------------------------------- */

/* Before Linux 5.6 links are not followed at all. */
static int open_in(int root, const char *name)
{
	char path[32] = "etc/";
	int fd, etc;

	strcat(path, name);
	fd = kernel_openat2(root, path, O_RDONLY | O_NONBLOCK, 0,
			    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd != -ENOSYS)
		return fd;
	etc = openat(root, "etc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = etc < 0 ? -1 : openat(etc, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (etc >= 0)
		close(etc);
	return fd < 0 ? -errno : fd;
}

/* NULL: there is none, or it is no such file. The caller owns it. */
static char *read_in(int root, const char *name)
{
	int fd = root < 0 ? -1 : open_in(root, name);
	char *text = NULL;
	size_t size;

	if (fd >= 0 && io_whole(fd, FILE_BYTES, &text, &size) != 0)
		text = NULL;
	if (fd >= 0)
		close(fd);
	return text;
}

/* The fields of the first line that `is` so; lines are taken apart as they are passed. */
typedef bool is_fn(char **fields, const void *env);

static char *next_line(char *text, char *fields[FIELDS], int wanted)
{
	char *end = text + strcspn(text, "\n"), *next = *end == '\0' ? end : end + 1;
	int n = 0;

	*end = '\0';
	for (char *at = text; n < wanted; n++) {
		fields[n] = at;
		at += strcspn(at, ":");
		if (*at == '\0')
			break;
		*at++ = '\0';
	}
	if (n + 1 < wanted)
		fields[0] = NULL; /* no such line */
	return next;
}

static bool find_line(char *text, char *fields[FIELDS], int wanted, is_fn *is, const void *env)
{
	while (text != NULL && *text != '\0') {
		text = next_line(text, fields, wanted);
		if (fields[0] != NULL && is(fields, env))
			return true;
	}
	return false;
}

static bool parse_id(const char *text, uint32_t *ret)
{
	uint64_t id;

	if (text[0] < '0' || text[0] > '9' || !text_parse_u64(text, &id) || id >= UINT32_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

static bool is_called(char **fields, const void *name)
{
	uint32_t id;

	return strcmp(fields[0], name) == 0 && parse_id(fields[2], &id);
}

static bool is_numbered(char **fields, const void *number)
{
	uint32_t id;

	return parse_id(fields[2], &id) && id == *(const uint32_t *)number;
}

/* -- Who it is ---------------------------------------------------------------------------------------- */

static bool is_member(const char *list, const char *name)
{
	size_t size = strlen(name);

	while (*list != '\0') {
		size_t part = strcspn(list, ",");

		if (part == size && memcmp(list, name, size) == 0)
			return true;
		list += part + (list[part] == ',');
	}
	return false;
}

static void add_groups(struct passwd *p, int root, const char *name)
{
	char *text = read_in(root, "group"), *at = text, *fields[FIELDS];
	uint32_t id;

	while (at != NULL && *at != '\0' && p->user.group_count < PASSWD_GROUPS) {
		at = next_line(at, fields, 4);
		if (fields[0] != NULL && parse_id(fields[2], &id) && is_member(fields[3], name))
			p->groups[p->user.group_count++] = id;
	}
	free(text);
}

/* Its own group comes along, and with `groups` all others it is a member of. */
static int find_user(struct passwd *p, int root, const char *name, bool groups, struct err *err)
{
	char *text = read_in(root, "passwd"), *fields[FIELDS];
	bool is_number = parse_id(name, &p->user.uid);
	bool found = find_line(text, fields, 4, is_number ? is_numbered : is_called,
			       is_number ? (const void *)&p->user.uid : name);

	if (found) {
		parse_id(fields[2], &p->user.uid);
		if (!parse_id(fields[3], &p->user.gid))
			p->user.gid = 0;
		if (groups)
			add_groups(p, root, fields[0]);
	}
	free(text);
	if (found || is_number)
		return 0;
	return err_set(err, -ENOENT, "there is no user '%.64s' in the image's /etc/passwd", name);
}

static int find_group(struct passwd *p, int root, const char *name, struct err *err)
{
	char *text, *fields[FIELDS];
	bool found;

	if (parse_id(name, &p->user.gid))
		return 0;
	text = read_in(root, "group");
	found = find_line(text, fields, 3, is_called, name);
	if (found)
		parse_id(fields[2], &p->user.gid);
	free(text);
	return found ? 0
		     : err_set(err, -ENOENT, "there is no group '%.64s' in the image's /etc/group",
			       name);
}

int passwd_find(struct passwd *ret, int root, const char *text, struct err *err)
{
	size_t size = strcspn(text, ":");
	const char *group = text[size] == ':' ? text + size + 1 : "";
	char name[256];
	int error = 0;

	*ret = (struct passwd){.user = {.groups = ret->groups}};
	if (size >= sizeof(name) || (text[size] == ':' && group[0] == '\0'))
		return err_set(err, -EINVAL, "user '%.64s' is not USER or USER:GROUP", text);
	memcpy(name, text, size);
	name[size] = '\0';
	if (size > 0)
		error = find_user(ret, root, name, group[0] == '\0', err);
	if (error == 0 && group[0] != '\0')
		error = find_group(ret, root, group, err);
	return error;
}
