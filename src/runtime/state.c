/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/places.h"

static const char header[] = "skiff-state 1\n";

enum { STATE_BYTES_MAX = 1 << 20 };

/* -- Where ----------------------------------------------------------------------------------------- */

/* Whoever else could write there could name our containers. */
static int check_root(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, -EPERM,
			       "%s belongs to another user or can be written by others", path);
	return 0;
}

static int open_root(const char *path, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(AT_FDCWD, path, flags), error;

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_set(err, -errno, "make %s: %s", path, strerror(errno));
		fd = openat(AT_FDCWD, path, flags);
	}
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	error = check_root(fd, path, err);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static bool is_refusal(int error)
{
	return error == -EACCES || error == -EROFS;
}

int state_root(struct err *err)
{
	char path[PATH_MAX];
	uid_t user = geteuid();
	int fd = user == 0 ? open_root(PLACES_STATES, err) : -EACCES, error;

	/* Root of a user namespace may have no say in /run, and is an ordinary user then; but user 0 of /tmp is somebody else. */
	if (!is_refusal(fd) || (user == 0 && getenv("XDG_RUNTIME_DIR") == NULL))
		return fd;
	error = places_users_states(user, path);
	return error == 0 ? open_root(path, err) : err_set(err, error, "XDG_RUNTIME_DIR");
}

int state_check_id(const char *id, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";
	size_t size = strspn(id, allowed);

	if (id[size] == '\0' && size > 0 && size <= STATE_ID_MAX && strcmp(id, ".") != 0 &&
	    strcmp(id, "..") != 0)
		return 0;
	return err_set(err, -EINVAL,
		       "the ID '%.64s' is not made of 1 to %d letters, digits, '_', '+', '-' and "
		       "'.'",
		       id, STATE_ID_MAX);
}

int state_make(int root, const char *id, struct err *err)
{
	int error = state_check_id(id, err);

	if (error != 0)
		return error;
	if (mkdirat(root, id, 0700) < 0)
		return err_set(err, -errno,
			       errno == EEXIST ? "there is a container '%s' already"
					       : "make the state of container '%s': %s",
			       id, strerror(errno));
	return state_open(root, id, err);
}

int state_open(int root, const char *id, struct err *err)
{
	int error = state_check_id(id, err), fd;

	if (error != 0)
		return error;
	fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return err_set(err, -errno,
		       errno == ENOENT ? "there is no container '%s'"
				       : "the state of container '%s': %s",
		       id, strerror(errno));
}

bool state_is_named(int root, const char *id, int dir)
{
	struct stat there, ours;

	return fstatat(root, id, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &ours) == 0 &&
	       there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
}

/* -- Writing --------------------------------------------------------------------------------------- */

/* A value stays in its line: a line's end in it is written as \n, a backslash doubled. */
static bool put_text(struct buf *text, const char *key, const char *value)
{
	bool fits = buf_put(text, key, strlen(key)) != NULL && buf_put(text, " ", 1) != NULL;

	for (const char *c = value; fits && *c != '\0';) {
		size_t plain = strcspn(c, "\n\\");

		fits = buf_put(text, c, plain) != NULL;
		c += plain;
		if (fits && *c != '\0')
			fits = buf_put(text, *c++ == '\n' ? "\\n" : "\\\\", 2) != NULL;
	}
	return fits && buf_put(text, "\n", 1) != NULL;
}

static const char *const phases[] = {"planned", "creating", "created", "running"};

static bool put_state(struct buf *text, const struct state *state)
{
	char number[64];

	if (buf_put(text, header, strlen(header)) == NULL)
		return false;
	snprintf(number, sizeof(number), "%d %" PRIu64, (int)state->init.pid, state->init.start);
	if (!put_text(text, "init", number))
		return false;
	if (!put_text(text, "kept", state->kept ? "1" : "0"))
		return false;
	if (!put_text(text, "image", state->image != NULL ? state->image : ""))
		return false;
	snprintf(number, sizeof(number), "%d %" PRId64 " %d", state->exit, state->ended,
		 (int)state->ran_out);
	if (state->has_ended && !put_text(text, "end", number))
		return false;
	snprintf(number, sizeof(number), "%" PRId64, state->created);
	return put_text(text, "created", number) && put_text(text, "phase", phases[state->phase]) &&
	       put_text(text, "bundle", state->bundle != NULL ? state->bundle : "") &&
	       put_text(text, "cgroup", state->cgroup != NULL ? state->cgroup : "");
}

static int write_file(int dir, const char *name, const void *bytes, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : io_write(fd, bytes, size);

	if (fd >= 0)
		close(fd);
	return error;
}

int state_keep_config(int dir, const char *text, size_t size, struct err *err)
{
	int error = write_file(dir, "config.json", text, size);

	return error == 0 ? 0
			  : err_set(err, error, "keep a container's config.json: %s",
				    strerror(-error));
}

static int not_written(int error, struct err *err)
{
	return err_set(err, error, "write a container's state: %s", strerror(-error));
}

int state_prepare(int dir, const struct state *state, struct err *err)
{
	struct buf text = {0};
	int error =
		put_state(&text, state) ? write_file(dir, "new", text.data, text.size) : -ENOMEM;

	buf_deinit(&text);
	return error == 0 ? 0 : not_written(error, err);
}

int state_publish(int dir, struct err *err)
{
	return renameat(dir, "new", dir, "state") == 0 ? 0 : not_written(-errno, err);
}

int state_write(int dir, const struct state *state, struct err *err)
{
	int error = state_prepare(dir, state, err);

	return error == 0 ? state_publish(dir, err) : error;
}

/* -- Reading --------------------------------------------------------------------------------------- */

static char *unescaped(const char *value)
{
	char *text = malloc(strlen(value) + 1), *to = text;

	for (; text != NULL && *value != '\0'; value++) {
		if (*value == '\\' && value[1] != '\0')
			*to++ = *++value == 'n' ? '\n' : *value;
		else
			*to++ = *value;
	}
	if (text != NULL)
		*to = '\0';
	return text;
}

static bool take_phase(struct state *state, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		if (strcmp(value, phases[i]) == 0)
			state->phase = (enum state_phase)i;
	return true;
}

static bool take_end(struct state *state, const char *value)
{
	int ran_out;

	state->has_ended =
		sscanf(value, "%d %" SCNd64 " %d", &state->exit, &state->ended, &ran_out) == 3;
	state->ran_out = state->has_ended && ran_out != 0;
	return state->has_ended;
}

static bool take_line(struct state *state, const char *key, const char *value)
{
	int pid;

	if (strcmp(key, "init") == 0) {
		if (sscanf(value, "%d %" SCNu64, &pid, &state->init.start) != 2 || pid < 0)
			return false;
		state->init.pid = pid;
	} else if (strcmp(key, "created") == 0) {
		return sscanf(value, "%" SCNd64, &state->created) == 1;
	} else if (strcmp(key, "end") == 0) {
		return take_end(state, value);
	} else if (strcmp(key, "image") == 0 && state->image == NULL) {
		return (state->image = unescaped(value)) != NULL;
	} else if (strcmp(key, "kept") == 0) {
		state->kept = strcmp(value, "0") != 0;
	} else if (strcmp(key, "phase") == 0) {
		return take_phase(state, value);
	} else if (strcmp(key, "bundle") == 0 && state->bundle == NULL) {
		return (state->bundle = unescaped(value)) != NULL;
	} else if (strcmp(key, "cgroup") == 0 && state->cgroup == NULL) {
		return (state->cgroup = unescaped(value)) != NULL;
	}
	return true;
}

static bool take_lines(struct state *state, char *text)
{
	for (char *line = text; *line != '\0';) {
		char *end = strchr(line, '\n'), *space;

		if (end == NULL)
			return false;
		*end = '\0';
		space = strchr(line, ' ');
		if (space == NULL)
			return false;
		*space = '\0';
		if (!take_line(state, line, space + 1))
			return false;
		line = end + 1;
	}
	return state->bundle != NULL && state->cgroup != NULL;
}

static int read_text(int dir, char **ret, struct err *err)
{
	int fd = openat(dir, "state", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), error;
	size_t size;

	if (fd < 0)
		return errno == ENOENT ? err_set(err, -ENODATA, "the container was never made")
				       : err_set(err, -errno, "state: %s", strerror(errno));
	error = io_whole(fd, STATE_BYTES_MAX, ret, &size);
	close(fd);
	return error == 0 ? 0 : err_set(err, error, "state: %s", strerror(-error));
}

int state_read(int dir, struct state *ret, struct err *err)
{
	struct state state = {0};
	char *text = NULL;
	int error = read_text(dir, &text, err);

	if (error != 0 || text == NULL) {
		free(text);
		return error;
	}
	if (strncmp(text, header, strlen(header)) == 0 && take_lines(&state, text + strlen(header)))
		*ret = state;
	else
		error = err_set(err, -EINVAL, "the container's state is damaged");
	free(text);
	if (error != 0)
		state_deinit(&state);
	return error;
}

void state_deinit(struct state *state)
{
	free(state->bundle);
	free(state->cgroup);
	free(state->image);
	*state = (struct state){0};
}

int state_remove(int root, const char *id, struct err *err)
{
	/* What has no state was never made, whatever else there is: so who is killed here can be followed. */
	static const char *const files[] = {"state", "new", "gate", "config.json"};
	int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; dir >= 0 && i < ARRAY_SIZE(files); i++)
		unlinkat(dir, files[i], 0);
	if (dir >= 0)
		close(dir);
	if (unlinkat(root, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, -errno, "remove the state of container '%s': %s", id, strerror(errno));
}

/* -- Processes ------------------------------------------------------------------------------------- */

struct state_process state_process_now(pid_t pid)
{
	struct state_process process = {.pid = pid};
	char path[64], text[1024];
	bool has_ended;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_text(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return process;
	/* The name in parentheses may hold anything: the rest begins behind the last one. The 22nd field. */
	at = strrchr(text, ')');
	if (at == NULL || at[1] != ' ')
		return process;
	has_ended = at[2] == 'Z' || at[2] == 'X';
	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
		/* The first thread of several may have ended alone: the process has not. */
		if (at != NULL && field + 1 == 20 && has_ended && strtoul(at + 1, NULL, 10) <= 1)
			return process; /* it waits to be waited for */
	}
	if (at != NULL)
		process.start = strtoull(at + 1, NULL, 10);
	return process;
}

bool state_is_alive(const struct state_process *process)
{
	return process->pid > 0 && process->start != 0 &&
	       state_process_now(process->pid).start == process->start;
}
