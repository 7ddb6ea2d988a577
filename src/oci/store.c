/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c: a name of an image to what running it takes, for a program that starts: three small files are read (index.json,
 * ready/..., the config), by four calls of the system each or less.
 *
 * Nothing is checked again that was checked when it was written, but whose the store is; and nothing is written. What cannot be
 * read as ready is not ready: image/prepare.c then makes it anew.
 */
#include "oci/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/json.h"

#define ROOTS_STORE "/var/lib/skiff/images"
#define READY_FIRST "skiff-ready 1\n"

enum { INDEX_BYTES_MAX = 16 << 20, READY_BYTES_MAX = PATH_MAX + 4 * OCI_DIGEST_ROOM + 256 };

/* -- Where ------------------------------------------------------------------------------------------------ */

static int join(char path[static PATH_MAX], const char *front, const char *rest, struct err *err)
{
	int n = snprintf(path, PATH_MAX, "%s%s", front, rest);

	return n >= 0 && n < PATH_MAX ? 0
				      : err_set(err, -ENAMETOOLONG,
						"the store's path '%.100s...' is too long", front);
}

/* A variable that whoever started us may set. */
static const char *variable(const char *name)
{
	const char *value = getauxval(AT_SECURE) == 0 ? getenv(name) : NULL;

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int store_path(char path[static PATH_MAX], struct err *err)
{
	const char *base = variable("SKIFF_STORE");

	if (base != NULL && base[0] != '/')
		return err_set(err, -EINVAL, "SKIFF_STORE must be an absolute path, it is '%.200s'",
			       base);
	if (base != NULL)
		return join(path, base, "", err);
	if (geteuid() == 0)
		return join(path, ROOTS_STORE, "", err);
	base = variable("XDG_DATA_HOME");
	if (base != NULL && base[0] == '/')
		return join(path, base, "/skiff/images", err);
	base = variable("HOME");
	if (base != NULL && base[0] == '/')
		return join(path, base, "/.local/share/skiff/images", err);
	return err_set(err, -ENOENT,
		       "nobody says where images belong: set HOME, or SKIFF_STORE to a directory");
}

static int fail_no_store(const char *path, struct err *err)
{
	if (errno == ENOENT)
		return err_set(err, -ENOENT, "there are no images yet: '%.300s' does not exist",
			       path);
	return err_set(err, -errno, "the images in '%.300s': %s", path, strerror(errno));
}

int store_believe(int dir, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_set(err, -errno, "the store '%s': %s", path, strerror(errno));
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, -EPERM,
			       "the store '%s' belongs to another user (%u): what lies there would "
			       "be run as you; SKIFF_STORE may name another directory",
			       path, (unsigned)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, -EPERM,
			       "others may write to the store '%s', and would choose what is run: "
			       "'chmod go-w' helps",
			       path);
	return 0;
}

static int take_lock(int dir)
{
	int lock = openat(dir, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	while (lock >= 0 && flock(lock, LOCK_SH) < 0) {
		int error = errno;

		if (error == EINTR)
			continue;
		close(lock);
		errno = error;
		return -1;
	}
	return lock;
}

int store_use(int *ret_dir, struct err *err)
{
	char path[PATH_MAX];
	int dir, lock, rc = store_path(path, err);

	if (rc < 0)
		return rc;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_no_store(path, err);
	rc = store_believe(dir, path, err);
	lock = rc == 0 ? take_lock(dir) : -1;
	if (lock < 0) {
		rc = rc == 0 ? fail_no_store(path, err) : rc;
		close(dir);
		return rc;
	}
	*ret_dir = dir;
	return lock;
}

/* -- Names -------------------------------------------------------------------------------------------------- */

/* The last of those with the name, or the digest, that is asked for. */
static const char *search(struct json_value manifests, const char *name, const char *digest)
{
	const char *found = NULL;

	for (struct json_value v = json_first(manifests); json_exists(v); v = json_next(v)) {
		const char *is = json_string(json_find(v, "digest"), NULL);
		const char *called =
			json_string(json_find(json_find(v, "annotations"), STORE_REF_NAME), NULL);

		if (is == NULL)
			continue;
		if (digest[0] != '\0' ? strcmp(is, digest) == 0
				      : called != NULL && strcmp(called, name) == 0)
			found = is;
	}
	return found;
}

static int read_index(int dir, char **ret, size_t *ret_size, struct err *err)
{
	int fd = openat(dir, "index.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc;

	if (fd < 0)
		return err_set(err, -errno, "index.json of the store: %s", strerror(errno));
	rc = io_whole(fd, INDEX_BYTES_MAX, ret, ret_size);
	close(fd);
	return rc < 0 ? err_set(err, rc, "index.json of the store: %s", strerror(-rc)) : 0;
}

int store_lookup(int dir, const struct reference *reference, struct oci_digest *ret,
		 struct err *err)
{
	char name[REFERENCE_ROOM], *text;
	struct json *json = NULL;
	const char *found;
	size_t size;
	int rc = read_index(dir, &text, &size, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0) {
		rc = json_parse(&json, text, size, err);
		free(text);
		if (rc != 0)
			return err_prefix(err, rc < 0 ? rc : -EINVAL, "index.json of the store");
	}
	reference_text(reference, name);
	found = search(json_find(json_root(json), "manifests"), name, reference->digest.text);
	if (found != NULL) {
		rc = oci_digest_parse(ret, found, err);
	} else {
		reference_short(reference, name);
		rc = err_set(err, -ENOENT, "there is no image '%s' here", name);
	}
	json_free(json);
	return rc;
}

/* -- Ready ---------------------------------------------------------------------------------------------------- */

int store_ready_name(const struct oci_digest *digest, const char *platform,
		     char name[static STORE_READY_NAME], struct err *err)
{
	char room[128], text[128];
	struct image_wish wish;
	int rc;

	snprintf(name, STORE_READY_NAME, "%s", oci_digest_hex(digest));
	if (platform == NULL)
		return 0;
	rc = image_wish_parse(&wish, platform, room, err);
	if (rc < 0)
		return rc;
	image_platform_text(&wish.platform, text);
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '/' ? '+' : *c;
	snprintf(name, STORE_READY_NAME, "%s.%s", oci_digest_hex(digest), text);
	return 0;
}

/* "KEY VALUE" and a newline: the value, terminated in `to`. NULL: the line is another one, or too long. */
static const char *take_line(const char *text, const char *key, char *to, size_t room)
{
	size_t front = strlen(key), size;

	if (strncmp(text, key, front) != 0 || text[front] != ' ')
		return NULL;
	text += front + 1;
	size = strcspn(text, "\n");
	if (text[size] != '\n' || size >= room || size == 0)
		return NULL;
	memcpy(to, text, size);
	to[size] = '\0';
	return text + size + 1;
}

static const char *take_digest(const char *text, const char *key, struct oci_digest *to)
{
	char value[OCI_DIGEST_ROOM];

	text = take_line(text, key, value, sizeof(value));
	return text != NULL && oci_digest_parse(to, value, NULL) == 0 ? text : NULL;
}

/* It becomes a part of a path. */
static const char *take_root(const char *text, struct ready *ready)
{
	text = take_line(text, "root", ready->root, sizeof(ready->root));
	if (text == NULL || ready->root[strspn(ready->root, "0123456789abcdef")] != '\0')
		return NULL;
	return text;
}

/* "sha256:... PATH"; there need not be one. */
static const char *take_module(const char *text, struct ready *ready)
{
	char value[OCI_DIGEST_ROOM + PATH_MAX], *space;

	if (*text == '\0')
		return text;
	text = take_line(text, "module", value, sizeof(value));
	space = text != NULL ? strchr(value, ' ') : NULL;
	if (space == NULL || space[1] != '/' || strlen(space + 1) >= sizeof(ready->path))
		return NULL;
	*space = '\0';
	strcpy(ready->path, space + 1);
	return oci_digest_parse(&ready->module, value, NULL) == 0 ? text : NULL;
}

int store_ready_parse(struct ready *ret, const char *text, struct err *err)
{
	struct ready ready = {.root = ""};

	if (strncmp(text, READY_FIRST, strlen(READY_FIRST)) != 0)
		return err_set(err, -ENOENT, "it was made ready by another version of skiff");
	text = take_digest(text + strlen(READY_FIRST), "manifest", &ready.manifest);
	if (text != NULL)
		text = take_digest(text, "config", &ready.config);
	if (text != NULL)
		text = take_root(text, &ready);
	if (text != NULL)
		text = take_module(text, &ready);
	if (text == NULL || *text != '\0')
		return err_set(err, -ENOENT, "what it was made ready by is damaged");
	*ret = ready;
	return 0;
}

static bool put(struct buf *text, const char *key, const char *value, const char *end)
{
	return buf_put(text, key, strlen(key)) != NULL &&
	       buf_put(text, value, strlen(value)) != NULL &&
	       buf_put(text, end, strlen(end)) != NULL;
}

int store_ready_put(const struct ready *ready, struct buf *text)
{
	bool fits = put(text, READY_FIRST, "", "") &&
		    put(text, "manifest ", ready->manifest.text, "\n") &&
		    put(text, "config ", ready->config.text, "\n") &&
		    put(text, "root ", ready->root, "\n");

	if (ready->module.text[0] == '\0')
		return fits ? 0 : -ENOMEM;
	if (ready->path[0] != '/' || strchr(ready->path, '\n') != NULL)
		return -EINVAL;
	fits = fits && put(text, "module ", ready->module.text, " ") &&
	       put(text, "", ready->path, "\n");
	return fits ? 0 : -ENOMEM;
}

int store_ready(int dir, const struct oci_digest *digest, const char *platform, struct ready *ret,
		struct err *err)
{
	char name[STORE_READY_NAME], path[STORE_READY_NAME + sizeof("ready/")];
	char text[READY_BYTES_MAX];
	int rc = store_ready_name(digest, platform, name, err);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "ready/%s", name);
	rc = io_text(dir, path, text, sizeof(text));
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path,
			       rc == -ENOENT ? "it is not ready to run" : strerror(-rc));
	rc = store_ready_parse(ret, text, err);
	return rc < 0 ? err_prefix(err, rc, "%s", path) : 0;
}

/* -- Blobs --------------------------------------------------------------------------------------------------------- */

void store_blob_path(const struct oci_digest *digest, char path[static STORE_READY_NAME])
{
	const char *hex = oci_digest_hex(digest);

	snprintf(path, STORE_READY_NAME, "blobs/%.6s/%s", digest->text, hex);
}

int store_blob(int dir, const struct oci_digest *digest, char **ret, size_t *ret_size,
	       struct err *err)
{
	char path[STORE_READY_NAME];
	int fd, rc;

	store_blob_path(digest, path);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, -errno, "the store's %s: %s", path, strerror(errno));
	rc = io_whole(fd, IMAGE_JSON_MAX, ret, ret_size);
	close(fd);
	return rc < 0 ? err_set(err, rc, "the store's %s: %s", path, strerror(-rc)) : 0;
}
