/* SPDX-License-Identifier: Apache-2.0 */
#include "image/sources.h"

#include <errno.h>
#include <string.h>

int sources_init(struct sources *ret, const struct reference *reference,
		 const struct registry_options *options, struct err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = registries_find(reference->host, &ret->entry, err);
	if (rc < 0)
		return rc;
	ret->reference = reference;
	ret->options = options;
	if (options->mirror != NULL)
		ret->mirrors[ret->count++] = options->mirror;
	for (unsigned i = 0; i < ret->entry.mirror_count; i++)
		ret->mirrors[ret->count++] = ret->entry.mirrors[i];
	ret->mirrors[ret->count++] = NULL;
	pthread_mutex_init(&ret->lock, NULL);
	return 0;
}

void sources_deinit(struct sources *s)
{
	if (s->count == 0)
		return;
	for (unsigned i = 0; i < s->count; i++)
		s->open[i] = registry_close(s->open[i]);
	pthread_mutex_destroy(&s->lock);
}

void sources_stop(struct sources *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	for (unsigned i = 0; i < s->count; i++)
		if (s->open[i] != NULL)
			registry_stop(s->open[i]);
	pthread_mutex_unlock(&s->lock);
}

/* The session of one of them; opened, where it is not yet, while the others wait. */
static int session(struct sources *s, unsigned i, struct registry **ret, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (s->stopped)
		rc = err_set(err, -ECANCELED, "stopped");
	else if (s->open[i] == NULL)
		rc = registry_open(&s->open[i], s->reference, s->mirrors[i], s->options, err);
	*ret = s->open[i];
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* Failures of ours: nobody else's answer would do better. */
static bool is_ours(int rc)
{
	return rc == -ECANCELED || rc == -ENOMEM || rc == -ENOSPC || rc == -EDQUOT || rc == -EIO ||
	       rc == -EROFS;
}

/* May the next one be asked? */
static bool next(struct sources *s, unsigned i, int rc, bool blame, const struct err *err)
{
	struct err sentence;
	bool told;

	if (rc >= 0 || i + 1 == s->count || is_ours(rc))
		return false;
	pthread_mutex_lock(&s->lock);
	told = s->useless[i];
	s->useless[i] = s->useless[i] || blame;
	pthread_mutex_unlock(&s->lock);
	err_set(&sentence, 0, "the mirror %s is passed over: %s", s->mirrors[i], err->text);
	if (!told)
		progress_tell(s->options->progress, sentence.text);
	return true;
}

static bool is_useless(struct sources *s, unsigned i)
{
	bool useless;

	pthread_mutex_lock(&s->lock);
	useless = s->useless[i];
	pthread_mutex_unlock(&s->lock);
	return useless;
}

int sources_manifest(struct sources *s, const char *what, struct registry_manifest *ret,
		     struct err *err)
{
	struct registry *registry;
	struct err mine;
	int rc = -ENOENT;

	err = err != NULL ? err : &mine;
	for (unsigned i = 0; i < s->count; i++) {
		if (is_useless(s, i))
			continue;
		rc = session(s, i, &registry, err);
		if (rc == 0)
			rc = registry_manifest(registry, what, ret, err);
		/* Whoever does not have the manifest will hardly have the rest. */
		if (!next(s, i, rc, true, err))
			break;
	}
	return rc;
}

int sources_fetch(struct sources *s, const struct image_descriptor *blob, const struct store *store,
		  struct progress_item *item, struct err *err)
{
	struct registry *registry;
	struct err mine;
	int rc = -ENOENT;

	err = err != NULL ? err : &mine;
	for (unsigned i = 0; i < s->count; i++) {
		if (is_useless(s, i))
			continue;
		rc = session(s, i, &registry, err);
		if (rc == 0)
			rc = registry_fetch(registry, blob, store, item, err);
		if (!next(s, i, rc, false, err))
			break;
	}
	return rc;
}
