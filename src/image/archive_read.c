/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_read.c: the entries of a tar, as they come, into the store.
 *
 * Nothing is unpacked: a name of an entry only says what is in it, and no file gets that name. blobs/KIND/DIGITS must hold what
 * it says, and is a blob of the store then; three small files are kept in memory; whatever else is a file is a blob by its own
 * digest, and known by its name until manifest.json of docker asks for it. Those are limited in number, length and bytes.
 *
 * A name that leads out of the archive is of somebody who means no good: all of it is refused then.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "image/archive_parts.h"

enum {
	ENTRIES_MAX = 20000,
	NAME_MAX_BYTES = 512,
	PIECE = 128 * 1024,
	LAYOUT_BYTES_MAX = 4096,
};

/* What is small may be packed as well as it likes. */
static const uint64_t ratio_from = 64ull << 20;
static const uint64_t files_max = 64ull << 30; /* bytes of all that is no blob by name */

/* -- Names ------------------------------------------------------------------------------------------------- */

static int fail_name(struct archive_load *load, const char *name, const char *why)
{
	return err_set(load->err, -EINVAL, "its entry '%.100s' %s: no image is saved so", name,
		       why);
}

/* Where the last part of a path begins, with the slash before it. */
static size_t last_slash(const char *path, size_t size)
{
	const char *slash = memrchr(path, '/', size);

	return slash != NULL ? (size_t)(slash - path) : 0;
}

/*
 * `from`, as seen from the folder `base` (without a slash at its end), without "." and "..", into `to`: "" is the top. -EINVAL: it leads
 * out, or is too long.
 */
static int clean(const char *base, size_t base_size, const char *from,
		 char to[static NAME_MAX_BYTES])
{
	size_t end = base_size;

	if (from[0] == '/' || base_size >= NAME_MAX_BYTES)
		return -EINVAL;
	memcpy(to, base, base_size);
	while (*from != '\0') {
		size_t size = strcspn(from, "/");

		if (size == 2 && memcmp(from, "..", 2) == 0) {
			if (end == 0)
				return -EINVAL;
			end = last_slash(to, end);
		} else if (size > 0 && !(size == 1 && from[0] == '.')) {
			if (end + 1 + size + 1 > NAME_MAX_BYTES)
				return -EINVAL;
			if (end > 0)
				to[end++] = '/';
			memcpy(to + end, from, size);
			end += size;
		}
		from += size;
		from += *from == '/';
	}
	to[end] = '\0';
	return 0;
}

static bool has_up(const char *name)
{
	for (const char *at = name; (at = strstr(at, "..")) != NULL; at += 2)
		if ((at == name || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
			return true;
	return false;
}

/* What docker puts beside, and nothing asks for. */
static bool is_idle(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(name, "repositories") == 0 ||
	       (slash != NULL && (strcmp(slash, "/VERSION") == 0 || strcmp(slash, "/json") == 0));
}

/* -- Contents -------------------------------------------------------------------------------------------------- */

/* The next piece of an entry: bytes, 0 at its end. */
static ssize_t take(struct archive_load *load, struct archive *tar, const char *name, void *piece)
{
	ssize_t n = archive_read_data(tar, piece, PIECE);

	if (n >= 0)
		return n;
	return err_set(load->err, -EINVAL, "it ends, or is damaged, within '%.100s': %s", name,
		       archive_error_string(tar));
}

/* Whatever an entry says it has, it comes from the bytes that came: zeros, packed or left out, would fill the disk. */
static int allow(struct archive_load *load, struct archive *tar, size_t size)
{
	uint64_t came = (uint64_t)MAX(archive_filter_bytes(tar, -1), 0);

	load->given += size;
	if (load->given <= ratio_from || load->given / load->limits.ratio <= came)
		return 0;
	return err_set(load->err, -EFBIG,
		       "it unpacks to more than %llu times its size, as bombs do: "
		       "SKIFF_UNPACK_RATIO=NUMBER in the environment raises the limit",
		       (unsigned long long)load->limits.ratio);
}

static int store_all(struct archive_load *load, struct archive *tar, const char *name,
		     struct store_writer *writer)
{
	char *piece = malloc(PIECE);
	ssize_t n = 1;
	int rc = piece != NULL ? 0 : err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));

	if (rc == 0 && writer->size > 0)
		rc = store_write_again(writer, load->err);
	while (rc == 0 && n > 0) {
		n = take(load, tar, name, piece);
		rc = n > 0 ? allow(load, tar, (size_t)n) : (int)n;
		if (rc == 0 && n > 0)
			rc = store_write(writer, piece, (size_t)n, load->err);
	}
	free(piece);
	return rc;
}

/* Into the store, by the digest that is expected, or by its own. */
static int store_entry(struct archive_load *load, struct archive *tar, const char *name,
		       const struct oci_digest *expected, uint64_t size, struct oci_digest *ret)
{
	struct store_writer writer;
	int rc = store_write_begin(load->store, &writer, expected, size, load->err);

	if (rc != 0)
		return rc == STORE_THERE ? 0 : rc;
	rc = store_all(load, tar, name, &writer);
	if (rc == 0)
		rc = store_write_end(&writer, ret, load->err);
	else
		store_write_leave(&writer);
	return rc == -EBADMSG ? err_prefix(load->err, rc, "'%.160s'", name) : rc;
}

static int take_blob(struct archive_load *load, struct archive *tar, const char *name,
		     uint64_t size)
{
	const char *rest = name + strlen("blobs/"), *slash = strchr(rest, '/');
	struct oci_digest digest;
	char text[NAME_MAX_BYTES];

	if (slash == NULL)
		return 0; /* not a blob */
	memcpy(text, rest, strlen(rest) + 1);
	text[slash - rest] = ':';
	if (oci_digest_parse(&digest, text, load->err) < 0)
		return err_prefix(load->err, -EINVAL, "its entry '%.160s'", name);
	return store_entry(load, tar, name, &digest, size, NULL);
}

static int take_text(struct archive_load *load, struct archive *tar, const char *name,
		     uint64_t size, uint64_t most, struct archive_text *ret)
{
	size_t end = 0;

	if (ret->text != NULL)
		return fail_name(load, name, "is there twice");
	if (size > most)
		return err_set(load->err, -EFBIG, "%s: %llu bytes are more than the %llu allowed",
			       name, (unsigned long long)size, (unsigned long long)most);
	ret->text = malloc(size + 1);
	if (ret->text == NULL)
		return err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));
	while (end < size) {
		ssize_t n = archive_read_data(tar, ret->text + end, size - end);

		if (n <= 0)
			return err_set(load->err, -EINVAL,
				       "it ends, or is damaged, within '%s': %s", name,
				       n < 0 ? archive_error_string(tar) : "it is short");
		end += (size_t)n;
	}
	ret->text[size] = '\0';
	ret->size = size;
	return 0;
}

/* -- Files by name --------------------------------------------------------------------------------------------------- */

static size_t count_files(const struct archive_load *load)
{
	return BUF_COUNT(&load->files, struct archive_file);
}

static int add_file(struct archive_load *load, const char *name, const char *link,
		    const struct oci_digest *digest)
{
	struct archive_file file = {.name = arena_string(&load->arena, name, strlen(name)),
				    .order = count_files(load)};

	if (link != NULL)
		file.link = arena_string(&load->arena, link, strlen(link));
	else
		file.digest = *digest;
	if (file.name == NULL || (link != NULL && file.link == NULL) ||
	    buf_put(&load->files, &file, sizeof(file)) == NULL)
		return err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

/* Of two names for one layer docker has one as a link. */
static int take_link(struct archive_load *load, const char *name, const char *to, bool is_symlink)
{
	const char *slash = is_symlink ? strrchr(name, '/') : NULL;
	char target[NAME_MAX_BYTES];

	if (clean(name, slash != NULL ? (size_t)(slash - name) : 0, to, target) < 0)
		return fail_name(load, name, "is a link that leads out of it");
	return add_file(load, name, target, NULL);
}

static int take_file(struct archive_load *load, struct archive *tar, const char *name,
		     uint64_t size)
{
	struct oci_digest digest = {""};
	int rc;

	if (size > files_max - load->bytes)
		return err_set(load->err, -EFBIG, "it unpacks to more than %llu GiB",
			       (unsigned long long)files_max >> 30);
	load->bytes += size;
	rc = store_entry(load, tar, name, NULL, size, &digest);
	return rc < 0 ? rc : add_file(load, name, NULL, &digest);
}

static int order(const void *a, const void *b)
{
	const struct archive_file *one = a, *other = b;
	int by_name = strcmp(one->name, other->name);

	if (by_name != 0)
		return by_name;
	return (one->order > other->order) - (one->order < other->order);
}

static const struct archive_file *find(const struct archive_load *load, const char *name)
{
	size_t low = 0, high = count_files(load);

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct archive_file *file =
			BUF_ITEM(&load->files, struct archive_file, middle);
		int by_name = strcmp(name, file->name);

		if (by_name == 0)
			return file;
		if (by_name < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int archive_file(const struct archive_load *load, const char *name, struct oci_digest *ret)
{
	char whole[NAME_MAX_BYTES], *slash;
	const struct archive_file *file;

	if (has_up(name) || clean("", 0, name, whole) < 0)
		return err_set(load->err, -EINVAL, "'%.100s' is no name of an entry", name);
	if (strncmp(whole, "blobs/", 6) == 0 && (slash = strchr(whole + 6, '/')) != NULL) {
		*slash = ':';
		return oci_digest_parse(ret, whole + 6, load->err);
	}
	file = find(load, whole);
	for (unsigned hops = 0; file != NULL && file->link != NULL; hops++)
		file = hops < 8 ? find(load, file->link) : NULL;
	if (file == NULL)
		return err_set(load->err, -ENOENT, "'%.100s' is missing", name);
	*ret = file->digest;
	return 0;
}

/* -- Entries ------------------------------------------------------------------------------------------------------------ */

static int take_regular(struct archive_load *load, struct archive *tar, const char *name,
			uint64_t size)
{
	if (strcmp(name, ARCHIVE_LAYOUT_FILE) == 0)
		return take_text(load, tar, name, size, LAYOUT_BYTES_MAX, &load->layout);
	if (strcmp(name, ARCHIVE_INDEX_FILE) == 0)
		return take_text(load, tar, name, size, IMAGE_JSON_MAX, &load->index);
	if (strcmp(name, ARCHIVE_DOCKER_FILE) == 0)
		return take_text(load, tar, name, size, IMAGE_JSON_MAX, &load->docker);
	if (strncmp(name, "blobs/", 6) == 0)
		return take_blob(load, tar, name, size);
	return is_idle(name) ? 0 : take_file(load, tar, name, size);
}

static int take_entry(struct archive_load *load, struct archive *tar, struct archive_entry *entry)
{
	const char *said = archive_entry_pathname(entry);
	const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
	int64_t size = archive_entry_size(entry);
	char name[NAME_MAX_BYTES];

	if (++load->entries > ENTRIES_MAX)
		return err_set(load->err, -E2BIG, "it has more than %d entries", ENTRIES_MAX);
	if (said == NULL)
		return fail_name(load, "", "has a name that is no text");
	if (has_up(said) || clean("", 0, said, name) < 0)
		return fail_name(load, said, "has a name that leads out of it, or is too long");
	if (hard != NULL || soft != NULL)
		return take_link(load, name, hard != NULL ? hard : soft, hard == NULL);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return 0;
	if (archive_entry_filetype(entry) != AE_IFREG)
		return fail_name(load, said, "is neither a file nor a directory");
	return take_regular(load, tar, name, size > 0 ? (uint64_t)size : 0);
}

static int fail_tar(struct archive_load *load, struct archive *tar)
{
	const char *why = archive_error_string(tar);

	if (archive_errno(tar) == ENOMEM)
		return err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));
	if (load->entries == 0)
		return err_set(
			load->err, -EINVAL,
			"it is no archive of an image, which 'skiff save' or 'docker save' makes: "
			"%s",
			why != NULL ? why : "it is empty");
	return err_set(load->err, -EINVAL, "it is damaged behind its entry %u: %s", load->entries,
		       why != NULL ? why : "no reason is known");
}

static int take_entries(struct archive_load *load, struct archive *tar)
{
	struct archive_entry *entry;
	int rc = 0;

	while (rc == 0) {
		int result = archive_read_next_header(tar, &entry);

		if (result == ARCHIVE_EOF)
			break;
		rc = result == ARCHIVE_OK || result == ARCHIVE_WARN ? take_entry(load, tar, entry)
								    : fail_tar(load, tar);
	}
	return rc;
}

/* Sorted afterwards, to be found. */
static int check_doubles(struct archive_load *load)
{
	const struct archive_file *files;
	size_t count = count_files(load);

	if (count == 0)
		return 0;
	files = BUF_ITEM(&load->files, struct archive_file, 0);
	qsort(load->files.data, count, sizeof(*files), order);
	for (size_t i = 1; i < count; i++)
		if (strcmp(files[i - 1].name, files[i].name) == 0)
			return fail_name(load, files[i].name, "is there twice");
	return 0;
}

/* None of those that run other programs. */
static struct archive *new_tar(void)
{
	struct archive *tar = archive_read_new();

	if (tar == NULL)
		return NULL;
	archive_read_support_filter_gzip(tar);
	archive_read_support_filter_bzip2(tar);
	archive_read_support_filter_xz(tar);
	archive_read_support_filter_zstd(tar);
	archive_read_support_format_tar(tar);
	return tar;
}

int archive_read(struct archive_load *load, int fd)
{
	struct archive *tar;
	int rc = layer_limits_read(&load->limits, load->err);

	if (rc < 0)
		return rc;
	tar = new_tar();
	if (tar == NULL)
		return err_set(load->err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = archive_read_open_fd(tar, fd, PIECE) == ARCHIVE_OK ? take_entries(load, tar)
								: fail_tar(load, tar);
	archive_read_free(tar);
	return rc == 0 ? check_doubles(load) : rc;
}
