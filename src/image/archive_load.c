/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_load.c: what is in an archive or a layout comes into the store, and gets its names.
 *
 * An archive has no order: so all of it goes into the store first, by digests, and then index.json, or else docker's manifest.json,
 * says what was in it. Of a directory only what is needed is read. Nothing gets a name before all that it leads to is there.
 *
 * Names: --name; what containerd and docker note; then the layout's own note, if it is a whole name. Of many tools that note is but a
 * tag, "latest", which names nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/json.h"
#include "image/archive_parts.h"
#include "image/store_parts.h"
#include "oci/store.h"

enum { PIECE = 128 * 1024, LAYOUT_BYTES_MAX = 4096 };

/* -- Blobs of a directory --------------------------------------------------------------------------------- */

static int copy(struct store_writer *writer, int fd, struct err *err)
{
	char *piece = malloc(PIECE);
	int rc = piece != NULL ? 0 : err_set(err, -ENOMEM, "%s", strerror(ENOMEM));

	while (rc == 0) {
		ssize_t n = read(fd, piece, PIECE);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			rc = err_set(err, -errno, "read it: %s", strerror(errno));
		if (n > 0)
			rc = store_write(writer, piece, (size_t)n, err);
	}
	free(piece);
	return rc;
}

static int copy_blob(struct archive_load *load, int fd, const struct image_descriptor *blob,
		     struct err *err)
{
	struct store_writer writer;
	int rc = store_write_begin(load->store, &writer, &blob->digest, blob->size, err);

	if (rc != 0)
		return rc == STORE_THERE ? 0 : rc;
	if (writer.size > 0)
		rc = store_write_again(&writer, err);
	if (rc == 0)
		rc = copy(&writer, fd, err);
	if (rc == 0)
		return store_write_end(&writer, NULL, err);
	store_write_leave(&writer);
	return rc;
}

static int bring(struct archive_load *load, const struct image_descriptor *blob, struct err *err)
{
	char path[STORE_READY_NAME];
	struct stat st;
	int fd, rc;

	store_blob_path(&blob->digest, path);
	fd = openat(load->dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "%s is missing", path);
	if (fd < 0)
		return err_set(err, -errno == -ENOENT ? -EIO : -errno, "%s: %s", path,
			       strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, -EINVAL, "is no file");
	else
		rc = copy_blob(load, fd, blob, err);
	close(fd);
	return rc < 0 ? err_prefix(err, rc, "%s", path) : 0;
}

static int need(void *context, const struct image_descriptor *blob, struct err *err)
{
	struct archive_load *load = context;
	int rc = 0;

	if (!store_has(load->store, &blob->digest))
		rc = load->dir >= 0 ? bring(load, blob, err)
				    : err_set(err, -ENOENT, "%s is missing", blob->digest.text);
	return rc < 0 ? rc : archive_walk_check(load->store, blob, err);
}

/* -- Names ---------------------------------------------------------------------------------------------------- */

static int give_name(struct archive_load *load, const struct image_descriptor *descriptor,
		     const struct reference *name)
{
	struct archive_image *image;
	int rc = store_name(load->store, name, descriptor, load->err);

	if (rc < 0)
		return rc;
	image = buf_add(load->loaded, sizeof(*image));
	if (image == NULL)
		return err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));
	*image = (struct archive_image){.name = *name, .digest = descriptor->digest};
	return 0;
}

/* What an index says of an image beside what it is was meant for that index. */
static int describe(struct archive_load *load, const struct image_descriptor *from,
		    struct image_descriptor *ret)
{
	enum image_type type;
	int rc = archive_walk_type(load->store, from, &type, load->err);

	*ret = *from;
	ret->type = type;
	ret->notes = (struct image_notes){0};
	if (rc < 0)
		return rc;
	if (ret->type != IMAGE_INDEX && ret->type != IMAGE_MANIFEST)
		return err_set(load->err, -EINVAL, "%s is neither a manifest nor an index%s%s",
			       from->digest.text, from->media_type[0] != '\0' ? ", it is " : "",
			       from->media_type);
	if (ret->media_type[0] == '\0')
		ret->media_type = image_media_type(ret->type);
	return 0;
}

int archive_load_named(struct archive_load *load, const struct image_descriptor *descriptor,
		       const struct reference *names, size_t count)
{
	struct image_descriptor named;
	int rc = archive_walk(load->store, descriptor, need, load, load->err);

	if (rc == 0)
		rc = describe(load, descriptor, &named);
	if (rc == 0 && load->name != NULL)
		return give_name(load, &named, load->name);
	if (rc == 0 && count == 0)
		return err_set(
			load->err, -EINVAL,
			"nothing says what image %.19s is called: give it a name by --name REF",
			descriptor->digest.text);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = give_name(load, &named, &names[i]);
	return rc;
}

/* -- index.json --------------------------------------------------------------------------------------------------- */

/* False: nothing in it is a name. */
static bool find_name(const struct image_descriptor *descriptor, struct reference *ret)
{
	const char *whole = image_note(&descriptor->notes, ARCHIVE_NAME_NOTE);
	const char *noted = image_note(&descriptor->notes, STORE_REF_NAME);

	if (whole != NULL && reference_parse(ret, whole, NULL) == 0)
		return true;
	return noted != NULL && strpbrk(noted, "/:") != NULL &&
	       reference_parse(ret, noted, NULL) == 0;
}

/* By a name of --name there is one image only, under however many names. */
static int check_alone(const struct archive_load *load, const struct image_index *index)
{
	for (uint32_t i = 1; i < index->count; i++)
		if (!oci_digest_is(&index->manifests[0].digest, &index->manifests[i].digest))
			return err_set(load->err, -EINVAL,
				       "there are several images in it: --name is for one");
	return 0;
}

static int load_index(struct archive_load *load, const struct image_index *index)
{
	uint32_t count = load->name != NULL && index->count > 0 ? 1 : index->count;
	int rc = load->name != NULL ? check_alone(load, index) : 0;

	if (index->count == 0)
		return err_set(load->err, -EINVAL, "there is no image in it");
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		const struct image_descriptor *d = &index->manifests[i];
		struct reference name;

		rc = archive_load_named(load, d, &name, find_name(d, &name));
	}
	return rc;
}

/* {"imageLayoutVersion": "1.0.0"} */
static int check_layout(const struct archive_load *load)
{
	const char *version;
	struct json *json;
	int rc;

	if (load->layout.text == NULL)
		return 0;
	rc = json_parse(&json, load->layout.text, load->layout.size, load->err);
	if (rc != 0)
		return err_prefix(load->err, rc < 0 ? rc : -EINVAL, ARCHIVE_LAYOUT_FILE);
	version = json_string(json_find(json_root(json), "imageLayoutVersion"), NULL);
	if (version == NULL || strncmp(version, "1.", 2) != 0)
		rc = err_set(load->err, -EINVAL,
			     ARCHIVE_LAYOUT_FILE
			     ": version '%.20s' of layouts is not known, 1.0.0 is",
			     version != NULL ? version : "");
	json_free(json);
	return rc;
}

static int load_all(struct archive_load *load)
{
	struct image_index index;
	int rc = check_layout(load);

	if (rc < 0)
		return rc;
	if (load->index.text == NULL && load->docker.text != NULL)
		return archive_docker_load(load);
	if (load->index.text == NULL)
		return err_set(load->err, -EINVAL,
			       "it has neither " ARCHIVE_INDEX_FILE " nor " ARCHIVE_DOCKER_FILE
			       ": no image was saved there");
	rc = image_index_parse(&index, load->index.text, load->index.size, load->err);
	if (rc < 0)
		return err_prefix(load->err, rc, ARCHIVE_INDEX_FILE);
	rc = load_index(load, &index);
	image_index_deinit(&index);
	return rc;
}

/* -- Where it comes from ------------------------------------------------------------------------------------------- */

static int read_text(struct archive_load *load, const char *name, size_t most,
		     struct archive_text *ret)
{
	int fd = openat(load->dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(load->err, -EINVAL, "it is no OCI layout: there is no %s", name);
	if (fd < 0)
		return err_set(load->err, -errno, "%s: %s", name, strerror(errno));
	rc = io_whole(fd, most, &ret->text, &ret->size);
	close(fd);
	if (rc == -EFBIG)
		return err_set(load->err, rc, "%s: %zu bytes are more than the %zu allowed", name,
			       ret->size, most);
	return rc < 0 ? err_set(load->err, rc, "%s: %s", name, strerror(-rc)) : 0;
}

/* Takes the descriptor if it is a directory. */
static int read_from(struct archive_load *load, int fd)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_set(load->err, -errno, "%s", strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return archive_read(load, fd);
	load->dir = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (load->dir < 0)
		return err_set(load->err, -errno, "%s", strerror(errno));
	rc = read_text(load, ARCHIVE_LAYOUT_FILE, LAYOUT_BYTES_MAX, &load->layout);
	if (rc == 0)
		rc = read_text(load, ARCHIVE_INDEX_FILE, IMAGE_JSON_MAX, &load->index);
	return rc;
}

static void deinit(struct archive_load *load)
{
	if (load->dir >= 0)
		close(load->dir);
	free(load->layout.text);
	free(load->index.text);
	free(load->docker.text);
	arena_deinit(&load->arena);
	buf_deinit(&load->files);
}

int archive_load(const struct store *store, const char *path, const struct reference *name,
		 struct buf *ret, struct err *err)
{
	struct archive_load load = {
		.store = store, .name = name, .dir = -1, .loaded = ret, .err = err};
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc;

	if (fd < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	rc = read_from(&load, fd);
	if (path != NULL)
		close(fd);
	if (rc == 0)
		rc = load_all(&load);
	/* What has no name in the end, or needs none: the names that docker's files had. */
	if (rc < 0 || load.files.size > 0)
		store_mark(store);
	deinit(&load);
	return rc;
}
