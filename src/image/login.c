/* SPDX-License-Identifier: Apache-2.0 */
#include "image/login.h"

#include "base/buf.h"
#include "base/json.h"
#include "image/base64.h"
#include "image/helper.h"
#include "image/json_text.h"
#include "image/login_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void forget(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void login_deinit(struct login *login)
{
	forget(&login->user);
	forget(&login->password);
	forget(&login->identity);
}

/* -- Which files ---------------------------------------------------------------------------------------- */

struct paths {
	char items[2][PATH_MAX];
	int count;
};

static const char *variable(const char *name)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void add_path(struct paths *paths, const char *directory, const char *rest)
{
	if (directory != NULL)
		snprintf(paths->items[paths->count++], PATH_MAX, "%s%s", directory, rest);
}

static void find_paths(struct paths *paths)
{
	*paths = (struct paths){0};
	add_path(paths, variable("REGISTRY_AUTH_FILE"), "");
	if (paths->count > 0)
		return;
	if (variable("DOCKER_CONFIG") != NULL)
		add_path(paths, variable("DOCKER_CONFIG"), "/config.json");
	else
		add_path(paths, variable("HOME"), "/.docker/config.json");
	add_path(paths, variable("XDG_RUNTIME_DIR"), "/containers/auth.json");
}

/* -- Helpers --------------------------------------------------------------------------------------------- */

static int take_answer(const char *name, const char *text, struct login *ret, struct err *err)
{
	struct json *json = NULL;
	const char *user = NULL, *secret = NULL;
	int rc = 0;

	/* What is wrong with it may quote it. */
	if (json_parse(&json, text, strlen(text), NULL) == 0) {
		user = json_string(json_find(json_root(json), "Username"), NULL);
		secret = json_string(json_find(json_root(json), "Secret"), NULL);
	}
	if (user == NULL || secret == NULL) {
		rc = err_set(err, -EINVAL, "docker-credential-%s does not answer by its protocol",
			     name);
	} else {
		bool is_token = strcmp(user, "<token>") == 0;
		char **kept = is_token ? &ret->identity : &ret->password;

		*kept = strdup(secret);
		ret->user = strdup(is_token ? "" : user);
		if (*kept == NULL || ret->user == NULL)
			rc = err_set(err, -ENOMEM, "no memory");
	}
	json_free(json);
	return rc;
}

static int ask_helper(const struct login_file *file, const char *host, struct login *ret,
		      struct err *err)
{
	bool only;
	const char *name = login_file_helper(file, host, &only);
	char *text = NULL;
	int rc;

	if (name == NULL)
		return LOGIN_NONE;
	rc = helper_ask(name, "get", login_file_key(host), &text, err);
	/* Configurations travel to machines without the program that most of them name. */
	if (rc == HELPER_NONE || (rc == -ENOENT && !only))
		return LOGIN_NONE;
	if (rc == 0)
		rc = take_answer(name, text, ret, err);
	snprintf(ret->from, sizeof(ret->from), "docker-credential-%s", name);
	forget(&text);
	return rc;
}

static int store_by_helper(const char *name, const char *host, const struct login *login,
			   struct err *err)
{
	const char *key = login_file_key(host);
	struct buf text = {0};
	char *answer = NULL;
	int rc = json_text_put(&text, "{\"ServerURL\":");

	rc = rc == 0 ? json_text_string(&text, key, strlen(key)) : rc;
	rc = rc == 0 ? json_text_put(&text, ",\"Username\":") : rc;
	rc = rc == 0 ? json_text_string(&text, login->user, strlen(login->user)) : rc;
	rc = rc == 0 ? json_text_put(&text, ",\"Secret\":") : rc;
	rc = rc == 0 ? json_text_string(&text, login->password, strlen(login->password)) : rc;
	rc = rc == 0 ? json_text_put(&text, "}") : rc;
	if (rc == 0 && buf_put(&text, "", 1) == NULL)
		rc = -ENOMEM;
	if (rc < 0)
		err_set(err, rc, "no memory");
	else
		rc = helper_ask(name, "store", (char *)text.data, &answer, err);
	if (rc == HELPER_NONE)
		rc = err_set(err, -EACCES, "docker-credential-%s keeps nothing", name);
	if (text.size > 0)
		explicit_bzero(text.data, text.size);
	buf_deinit(&text);
	free(answer);
	return rc;
}

/* -- To the outside --------------------------------------------------------------------------------------- */

int login_find(struct login *ret, const char *host, const char *path, struct err *err)
{
	struct paths paths;
	int rc = LOGIN_NONE;

	*ret = (struct login){0};
	find_paths(&paths);
	for (int i = 0; i < paths.count && rc == LOGIN_NONE; i++) {
		struct login_file file;

		rc = login_file_read(&file, paths.items[i], err);
		if (rc == 0)
			rc = ask_helper(&file, host, ret, err);
		if (rc == LOGIN_NONE) {
			snprintf(ret->from, sizeof(ret->from), "%s", paths.items[i]);
			rc = login_file_find(&file, host, path, ret, err);
		}
		login_file_deinit(&file);
	}
	if (rc != 0)
		login_deinit(ret);
	return rc;
}

static int save_in(const char *path, const char *host, const struct login *login, struct err *err)
{
	char *pair = NULL, *auth = NULL;
	int rc;

	if (asprintf(&pair, "%s:%s", login->user, login->password) < 0)
		return err_set(err, -ENOMEM, "no memory");
	auth = base64_encode(pair, strlen(pair));
	rc = auth != NULL ? login_file_change(path, host, auth, err)
			  : err_set(err, -ENOMEM, "no memory");
	forget(&pair);
	forget(&auth);
	return rc;
}

int login_save(const char *host, const struct login *login, char place[static PATH_MAX],
	       struct err *err)
{
	struct login_file file;
	struct paths paths;
	const char *helper;
	bool only;
	int rc;

	find_paths(&paths);
	if (paths.count == 0)
		return err_set(err, -ENOENT,
			       "nowhere to keep it: neither REGISTRY_AUTH_FILE nor HOME is set");
	rc = login_file_read(&file, paths.items[0], err);
	if (rc < 0)
		return rc;
	helper = login_file_helper(&file, host, &only);
	if (helper != NULL) {
		snprintf(place, PATH_MAX, "docker-credential-%s", helper);
		rc = store_by_helper(helper, host, login, err);
	} else {
		snprintf(place, PATH_MAX, "%s", paths.items[0]);
		rc = save_in(paths.items[0], host, login, err);
	}
	login_file_deinit(&file);
	return rc;
}

static int forget_in(const char *path, const char *host, struct err *err)
{
	struct login_file file;
	struct login known = {0};
	char *answer = NULL;
	const char *helper;
	bool only;
	int rc = login_file_read(&file, path, err), in_helper = LOGIN_NONE;

	if (rc < 0)
		return rc;
	helper = login_file_helper(&file, host, &only);
	if (helper != NULL)
		in_helper = ask_helper(&file, host, &known, err);
	if (in_helper == 0)
		in_helper = helper_ask(helper, "erase", login_file_key(host), &answer, err);
	login_deinit(&known);
	free(answer);
	rc = file.json != NULL ? login_file_change(path, host, NULL, err) : LOGIN_NONE;
	login_file_deinit(&file);
	return in_helper < 0 ? in_helper : rc < 0 ? rc : in_helper == 0 ? 0 : rc;
}

int login_forget(const char *host, struct err *err)
{
	struct paths paths;
	int rc = LOGIN_NONE;

	find_paths(&paths);
	for (int i = 0; i < paths.count && rc >= 0; i++) {
		int one = forget_in(paths.items[i], host, err);

		rc = one == LOGIN_NONE ? rc : one;
	}
	return rc;
}
