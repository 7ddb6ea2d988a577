/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/image.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/reader.h"

struct image *image_new(size_t size)
{
	struct image *image;

	if (size > LIMIT_MODULE_BYTES)
		return NULL;
	image = malloc(sizeof(*image) + size);
	if (image == NULL)
		return NULL;
	memset(image, 0, sizeof(*image));
	image->size = sizeof(*image) + size;
	image->bytes = (struct image_span){sizeof(*image), (uint32_t)size};
	return image;
}

uint8_t *image_input(struct image *image)
{
	return (uint8_t *)image + image->bytes.at;
}

void image_free(struct image *image)
{
	free(image);
}

/* -- Names ------------------------------------------------------------------------------- */

enum { NAMES_MODULE = 0, NAMES_FUNCTIONS = 1 };

/* Find a subsection of the name section. Names are a courtesy: what is malformed there is not there. */
static bool subsection(const uint8_t *module, struct image_bytes names, uint8_t wanted,
		       struct reader *ret)
{
	struct reader r = {.at = module + names.at, .end = module + names.at + names.size};
	uint32_t size;
	uint8_t id;

	while (reader_byte(&r, &id) && reader_u32(&r, &size) && size <= reader_left(&r)) {
		if (id == wanted) {
			*ret = (struct reader){.at = r.at, .end = r.at + size};
			return true;
		}
		r.at += size;
	}
	return false;
}

static void begin(struct image_names *names, const uint8_t *module, struct image_bytes section)
{
	struct reader r = {0};

	*names = (struct image_names){.module = module};
	if (!subsection(module, section, NAMES_FUNCTIONS, &r) || !reader_u32(&r, &names->left))
		return;
	names->at = r.at;
	names->end = r.end;
}

void image_names_begin(struct image_names *names, const struct image *image)
{
	begin(names, image_module(image), image->names);
}

static struct image_bytes take_name(const uint8_t *module, struct reader *r)
{
	const uint8_t *bytes;
	uint32_t size;

	if (!reader_name(r, &bytes, &size))
		return (struct image_bytes){0};
	return (struct image_bytes){(uint32_t)(bytes - module), size};
}

bool image_names_next(struct image_names *names, uint32_t *index, struct image_bytes *ret)
{
	struct reader r = {.at = names->at, .end = names->end};

	if (names->left == 0 || names->at == NULL || !reader_u32(&r, index))
		return false;
	*ret = take_name(names->module, &r);
	names->left = ret->at != 0 ? names->left - 1 : 0;
	names->at = r.at;
	return ret->at != 0;
}

struct image_bytes image_name_lookup(const uint8_t *module, struct image_bytes names,
				     uint32_t index)
{
	struct image_names walk;
	struct image_bytes name;
	uint32_t at;

	begin(&walk, module, names);
	while (image_names_next(&walk, &at, &name) && at <= index)
		if (at == index)
			return name;
	return (struct image_bytes){0};
}

struct image_bytes image_func_name(const struct image *image, uint32_t index)
{
	const struct image_export *exports = IMAGE_ITEMS(image, struct image_export, exports);
	struct image_bytes name = image_name_lookup(image_module(image), image->names, index);

	if (name.size != 0)
		return name;
	for (uint32_t i = 0; i < image->exports.count; i++)
		if (exports[i].kind == EXTERN_FUNC && exports[i].index == index)
			return exports[i].name;
	return name;
}

struct image_bytes image_name(const struct image *image)
{
	struct reader r;

	if (!subsection(image_module(image), image->names, NAMES_MODULE, &r))
		return (struct image_bytes){0};
	return take_name(image_module(image), &r);
}

uint32_t image_find_func(const struct image *image, uint32_t offset)
{
	uint32_t low = image->imported_funcs, high = image->funcs.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image_func(image, middle)->code_end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == image->funcs.count || image_func(image, low)->code > offset)
		return IMAGE_NONE;
	return low;
}
