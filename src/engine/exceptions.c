/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exceptions.c: tags and exceptions in the embedder's hands.
 *
 * An exception that reached C stays the thread's pending one until the next call, for whoever called to look at or to
 * throw on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engine/engine.h"

/* -- Tags ---------------------------------------------------------------------------------- */

int skiff_tag_new(struct skiff_tag **ret, struct skiff_store *handle,
		  const struct skiff_functype *type, struct skiff_error *err)
{
	struct store *store = store_in(handle);
	uint16_t slots;
	uint32_t id;
	struct tag *tag;
	int error = host_types_check(type->params, type->param_count, &slots, err_in(err));

	if (error != 0)
		return error;
	if (type->result_count != 0)
		return err_set(err_in(err), SKIFF_MISUSE, "a tag has no results, given are %u",
			       type->result_count);
	if (registry_func_type(&store->common->registry, type->params, (uint16_t)type->param_count,
			       NULL, 0, &id) < 0 ||
	    store_tag(&tag, store, type->params, type->param_count) < 0)
		return err_set(err_in(err), -ENOMEM, "out of memory for a tag");
	tag->type = id;
	tag->slots = slots;
	*ret = tag_out(tag);
	return 0;
}

struct signature tag_signature(const struct tag *tag)
{
	return (struct signature){
		{tag->params, tag->params, tag->param_count, 0},
		tag->ids,
	};
}

/* -- Throwing ------------------------------------------------------------------------------ */

struct exception *exception_of_values(struct store *store, struct tag *tag,
				      const struct skiff_val *values, size_t count, struct err *err)
{
	struct signature sig = tag_signature(tag);
	slot slots[2 * LIMIT_PARAMS];
	struct gc_roots roots = {.slots = slots, .count = tag->slots};
	struct exception *exception;

	if (tag->store != store || count != tag->param_count) {
		err_set(err, 0, "a host function threw %zu values; its tag has %u%s", count,
			tag->param_count, tag->store != store ? ", in another store" : "");
		return NULL;
	}
	if (!values_in(store, &sig, sig.type.params, tag->param_count, values, slots, err)) {
		err_prefix(err, 0, "a host function threw what its tag has not");
		return NULL;
	}
	gc_roots_push(store, &roots);
	exception = exception_new(store, tag, slots);
	gc_roots_pop(store, &roots);
	if (exception == NULL)
		err_set(err, 0, "a host function threw, but the heap is full");
	return exception;
}

/* -- Looking ------------------------------------------------------------------------------- */

struct skiff_tag *skiff_store_exception(const struct skiff_store *handle, struct skiff_val *values,
					size_t room)
{
	struct store *store = store_in(handle);
	const struct exception *exception = store->thread.exception;
	const struct tag *tag;
	uint32_t count;

	if (exception == NULL)
		return NULL;
	tag = exception->tag;
	count = (uint32_t)MIN(room, (size_t)tag->param_count);
	values_out(tag->params, count, exception->values, values);
	values_keep(store, values, count);
	return tag_out(tag);
}

/* The instance a tag is defined in; NULL: it is the host's. */
static const struct instance *home_of(const struct tag *tag, uint32_t *ret_index)
{
	for (const struct instance *in = tag->store->instances; in != NULL; in = in->next) {
		uint32_t imported = in->image->imported_tags;

		for (uint32_t i = imported; i < in->image->tags.count; i++) {
			if (in->tags[i] != tag)
				continue;
			*ret_index = i;
			return in;
		}
	}
	return NULL;
}

/* What the tag is exported as; size 0: it is not. */
static struct image_bytes name_of(const struct image *image, uint32_t index)
{
	const struct image_export *exports = IMAGE_ITEMS(image, struct image_export, exports);

	for (uint32_t i = 0; i < image->exports.count; i++)
		if (exports[i].kind == EXTERN_TAG && exports[i].index == index)
			return exports[i].name;
	return (struct image_bytes){0};
}

/* What a terminal should not get becomes '?'. */
static void copy_name(char *to, size_t room, const char *name, size_t size)
{
	uint32_t character;
	size_t n, at = 0;

	for (; size > 0; name += n, size -= n) {
		n = text_utf8(name, size, &character);
		if (at + MAX(n, (size_t)1) >= room)
			break;
		if (n != 0 && text_printable(character)) {
			memcpy(to + at, name, n);
			at += n;
		} else {
			to[at++] = '?';
			n = MAX(n, (size_t)1);
		}
	}
	to[at] = '\0';
}

static size_t put_tag(const struct tag *tag, char *text, size_t size)
{
	uint32_t index = 0;
	const struct instance *home = home_of(tag, &index);
	struct image_bytes name;
	char shown[100];

	if (home == NULL)
		return (size_t)snprintf(text, size, "uncaught exception: a tag of the host");
	name = name_of(home->image, index);
	if (name.size == 0)
		return (size_t)snprintf(text, size, "uncaught exception: tag %u", index);
	copy_name(shown, sizeof(shown), (const char *)image_module(home->image) + name.at,
		  name.size);
	return (size_t)snprintf(text, size, "uncaught exception: tag %u '%s'", index, shown);
}

static size_t put_value(const struct skiff_val *value, char *text, size_t size)
{
	struct valtype_name name = valtype_name(value->type);
	int length;

	if (value->type == TYPE_I32)
		length = snprintf(text, size, " %s %d", name.text, (int32_t)value->of.i32);
	else if (value->type == TYPE_I64)
		length = snprintf(text, size, " %s %lld", name.text, (long long)value->of.i64);
	else
		length = snprintf(text, size, " %s", name.text);
	return (size_t)length;
}

void exception_text(const struct exception *exception, char *text, size_t size)
{
	enum { SHOWN = 4 };
	struct skiff_val values[SHOWN];
	uint32_t count = exception->tag->param_count, shown = MIN(count, (uint32_t)SHOWN);
	size_t at = MIN(put_tag(exception->tag, text, size), size - 1);

	values_out(exception->tag->params, shown, exception->values, values);
	for (uint32_t i = 0; i < shown; i++) {
		if (i == 0)
			at += (size_t)snprintf(text + at, size - at, ", with");
		at = MIN(at, size - 1);
		at = MIN(at + put_value(&values[i], text + at, size - at), size - 1);
	}
	if (count > shown)
		snprintf(text + at, size - at, " and %u values more", count - shown);
}
