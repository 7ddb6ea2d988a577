/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_file.c: {"auths": {HOST: {"auth": BASE64}}, "credsStore": NAME, "credHelpers": {HOST: NAME}, ...}
 *
 * A key of `auths` has many spellings: HOST, HOST/PATH, https://HOST, https://HOST/v1/. Changing one reads the file, writes the
 * whole anew beside it, mode 0600, and renames; the directory is locked meanwhile, so that two that change it do it one after the other.
 */
#include "image/login_file.h"

#include "base/buf.h"
#include "base/io.h"
#include "image/base64.h"
#include "image/json_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 4 << 20 };

/* What docker has called docker.io since its first registry. */
#define OLD_KEY "https://index.docker.io/v1/"

/* -- Read ------------------------------------------------------------------------------------------- */

int login_file_read(struct login_file *ret, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size;
	int rc;

	*ret = (struct login_file){0};
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	rc = fd < 0 ? -errno : io_whole(fd, FILE_MAX, &text, &size);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return err_set(err, rc, "'%s': %s", path, strerror(-rc));
	if (size > 0) {
		rc = json_parse(&ret->json, text, size, err);
		/* The text of the mistake may quote a secret. */
		if (rc == JSON_INVALID)
			rc = err_set(err, -EINVAL, "'%s' is no JSON", path);
	}
	explicit_bzero(text, size);
	free(text);
	if (rc == 0 && ret->json != NULL && json_kind(json_root(ret->json)) != JSON_OBJECT) {
		ret->json = json_free(ret->json);
		rc = err_set(err, -EINVAL, "'%s' must be an object", path);
	}
	return rc;
}

void login_file_deinit(struct login_file *file)
{
	file->json = json_free(file->json);
}

static struct json_value member(const struct login_file *file, const char *name)
{
	return file->json != NULL ? json_find(json_root(file->json), name) : (struct json_value){0};
}

void login_file_meaning(const char *key, char room[static 512])
{
	static const char *const names[] = {"index.docker.io", "registry-1.docker.io"};
	static const char *const ends[] = {"/", "/v1", "/v2"};
	size_t size;

	if (strncmp(key, "https://", 8) == 0)
		key += 8;
	else if (strncmp(key, "http://", 7) == 0)
		key += 7;
	snprintf(room, 512, "%s", key);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size = strlen(room);
		if (size > strlen(ends[i]) && strcmp(room + size - strlen(ends[i]), ends[i]) == 0)
			room[size - strlen(ends[i])] = '\0';
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(room, names[i]) == 0)
			strcpy(room, "docker.io");
}

const char *login_file_key(const char *host)
{
	return strcmp(host, "docker.io") == 0 ? OLD_KEY : host;
}

const char *login_file_helper(const struct login_file *file, const char *host, bool *only)
{
	struct json_value helpers = member(file, "credHelpers");
	const char *name = NULL;
	char meaning[512];

	*only = true;
	for (struct json_value v = json_first(helpers); json_exists(v); v = json_next(v)) {
		const char *key = json_name(v, NULL);

		if (key == NULL)
			continue;
		login_file_meaning(key, meaning);
		if (strcmp(meaning, host) == 0)
			name = json_string(v, NULL);
	}
	if (name != NULL && name[0] != '\0')
		return name;
	*only = false;
	name = json_string(member(file, "credsStore"), NULL);
	return name != NULL && name[0] != '\0' ? name : NULL;
}

static int copy(char **ret, const char *text, struct err *err)
{
	*ret = strdup(text);
	return *ret != NULL ? 0 : err_set(err, -ENOMEM, "no memory");
}

/* What stands beside one key. */
static int take_entry(const struct login_file *file, struct json_value entry, struct login *ret,
		      struct err *err)
{
	const char *auth = json_string(json_find(entry, "auth"), NULL);
	const char *identity = json_string(json_find(entry, "identitytoken"), NULL);
	const char *user = json_string(json_find(entry, "username"), NULL);
	const char *password = json_string(json_find(entry, "password"), NULL);
	char *plain = NULL, *colon;
	size_t size;
	int rc;

	if (auth != NULL && auth[0] != '\0') {
		plain = base64_decode(auth, &size);
		colon = plain != NULL ? strchr(plain, ':') : NULL;
		if (colon == NULL) {
			free(plain);
			return err_set(err, -EINVAL,
				       "'%s': an `auth` that is not NAME:PASSWORD in base64",
				       file->path);
		}
		*colon = '\0';
		user = plain;
		password = colon + 1;
	}
	if (identity != NULL && identity[0] == '\0')
		identity = NULL;
	rc = user == NULL && identity == NULL ? LOGIN_NONE : 0;
	if (rc == 0)
		rc = copy(&ret->user, user != NULL ? user : "", err);
	if (rc == 0)
		rc = copy(&ret->password, password != NULL ? password : "", err);
	if (rc == 0 && identity != NULL)
		rc = copy(&ret->identity, identity, err);
	free(plain);
	return rc;
}

int login_file_find(const struct login_file *file, const char *host, const char *path,
		    struct login *ret, struct err *err)
{
	struct json_value auths = member(file, "auths"), best = {0};
	char wanted[600], meaning[512];
	size_t longest = 0;

	snprintf(wanted, sizeof(wanted), "%s/%s/", host, path);
	for (struct json_value v = json_first(auths); json_exists(v); v = json_next(v)) {
		const char *key = json_name(v, NULL);
		size_t size;

		if (key == NULL)
			continue;
		login_file_meaning(key, meaning);
		size = strlen(meaning);
		if (size > longest && strncmp(wanted, meaning, size) == 0 && wanted[size] == '/') {
			longest = size;
			best = v;
		}
	}
	return json_exists(best) ? take_entry(file, best, ret, err) : LOGIN_NONE;
}

/* -- Write ------------------------------------------------------------------------------------------ */

struct change {
	const char *host, *auth;
	bool done;
};

static int put_member(struct buf *to, const char *name, const char *before, unsigned depth)
{
	int rc = json_text_put(to, before);

	rc = rc == 0 ? json_text_line(to, depth) : rc;
	rc = rc == 0 ? json_text_string(to, name, strlen(name)) : rc;
	return rc == 0 ? json_text_put(to, ": ") : rc;
}

static int put_entry(struct buf *to, const char *key, const char *auth, const char *before)
{
	int rc = put_member(to, key, before, 2);

	rc = rc == 0 ? put_member(to, "auth", "{", 3) : rc;
	rc = rc == 0 ? json_text_string(to, auth, strlen(auth)) : rc;
	rc = rc == 0 ? json_text_line(to, 2) : rc;
	return rc == 0 ? json_text_put(to, "}") : rc;
}

static int put_auths(struct buf *to, struct json_value auths, struct change *change)
{
	const char *before = "{";
	char meaning[512];
	int rc = 0;

	for (struct json_value v = json_first(auths); rc == 0 && json_exists(v); v = json_next(v)) {
		const char *key = json_name(v, NULL);

		if (key == NULL)
			continue;
		login_file_meaning(key, meaning);
		if (strcmp(meaning, change->host) == 0) {
			change->done = change->done || change->auth == NULL;
			continue;
		}
		rc = put_member(to, key, before, 2);
		rc = rc == 0 ? json_text_value(to, v, 2) : rc;
		before = ",";
	}
	if (rc == 0 && change->auth != NULL) {
		rc = put_entry(to, login_file_key(change->host), change->auth, before);
		before = ",";
		change->done = true;
	}
	if (rc == 0)
		rc = before[0] == '{' ? json_text_put(to, "{") : json_text_line(to, 1);
	return rc == 0 ? json_text_put(to, "}") : rc;
}

static int put_file(struct buf *to, const struct login_file *file, struct change *change)
{
	struct json_value root =
		file->json != NULL ? json_root(file->json) : (struct json_value){0};
	const char *before = "{";
	bool seen = false;
	int rc = 0;

	for (struct json_value v = json_first(root); rc == 0 && json_exists(v); v = json_next(v)) {
		const char *name = json_name(v, NULL);
		bool auths = strcmp(name, "auths") == 0;

		seen = seen || auths;
		rc = put_member(to, name, before, 1);
		if (rc == 0)
			rc = auths ? put_auths(to, v, change) : json_text_value(to, v, 1);
		before = ",";
	}
	if (rc == 0 && !seen)
		rc = put_member(to, "auths", before, 1);
	if (rc == 0 && !seen)
		rc = put_auths(to, (struct json_value){0}, change);
	return rc == 0 ? json_text_put(to, "\n}\n") : rc;
}

/* Beside it first. */
static int replace(const char *path, const struct buf *text, struct err *err)
{
	char beside[PATH_MAX + 32];
	int fd, rc;

	snprintf(beside, sizeof(beside), "%s.new-%d", path, (int)getpid());
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "'%s': %s", beside, strerror(errno));
	rc = io_write(fd, text->data, text->size);
	if (rc == 0 && (fsync(fd) < 0 || rename(beside, path) < 0))
		rc = -errno;
	close(fd);
	if (rc == 0)
		return 0;
	unlink(beside);
	return err_set(err, rc, "'%s': %s", path, strerror(-rc));
}

/* The directory, made with those above it; a descriptor, locked. */
static int lock_directory(const char *path, struct err *err)
{
	char directory[PATH_MAX];
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	for (char *slash = strchr(directory + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(directory, 0700) < 0 && errno != EEXIST)
			return err_set(err, -errno, "'%s': %s", directory, strerror(errno));
		*slash = '/';
	}
	if (strrchr(directory, '/') != NULL)
		strrchr(directory, '/')[1] = '\0';
	else
		strcpy(directory, ".");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "'%s': %s", directory, strerror(errno));
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		continue;
	return fd;
}

int login_file_change(const char *path, const char *host, const char *auth, struct err *err)
{
	struct change change = {.host = host, .auth = auth};
	char real[PATH_MAX];
	struct login_file file;
	struct buf text = {0};
	int lock, rc;

	/* A link stays one. */
	if (realpath(path, real) == NULL)
		snprintf(real, sizeof(real), "%s", path);
	lock = lock_directory(real, err);
	if (lock < 0)
		return lock;
	rc = login_file_read(&file, real, err);
	if (rc == 0 && put_file(&text, &file, &change) < 0)
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc == 0)
		rc = change.done ? replace(real, &text, err) : LOGIN_NONE;
	if (text.size > 0)
		explicit_bzero(text.data, text.size);
	buf_deinit(&text);
	login_file_deinit(&file);
	close(lock);
	return rc;
}
