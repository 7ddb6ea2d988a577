/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.c: the frame of a module (specification: "Binary Format, Modules").
 *
 * Reads section after section in the one order that is allowed, hands each to its reader, and at the end puts
 * the tables that grew behind the bytes into one block. A single pass: function bodies come late enough in
 * the file that all they may name is known, but for the count of data segments, which has a section of its own.
 */
#include "wasm/decode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/decoder.h"

enum section_id {
	SECTION_CUSTOM,
	SECTION_TYPE,
	SECTION_IMPORT,
	SECTION_FUNCTION,
	SECTION_TABLE,
	SECTION_MEMORY,
	SECTION_GLOBAL,
	SECTION_EXPORT,
	SECTION_START,
	SECTION_ELEMENT,
	SECTION_CODE,
	SECTION_DATA,
	SECTION_DATA_COUNT,
	SECTION_TAG,
	SECTION_COUNT
};

typedef int section_fn(struct decode *d, uint32_t count);

struct section_rule {
	const char *name;
	uint8_t order; /* must rise through the module */
	section_fn *read;
	uint32_t limit; /* of entries; 0: the section is no vector */
};

static const struct section_rule rules[SECTION_COUNT] = {
	[SECTION_CUSTOM] = {"custom section", 0, NULL, 0},
	[SECTION_TYPE] = {"type section", 1, decode_section_types, LIMIT_TYPES},
	[SECTION_IMPORT] = {"import section", 2, decode_section_imports, LIMIT_IMPORTS},
	[SECTION_FUNCTION] = {"function section", 3, decode_section_functions, LIMIT_FUNCTIONS},
	[SECTION_TABLE] = {"table section", 4, decode_section_tables, LIMIT_TABLES},
	[SECTION_MEMORY] = {"memory section", 5, decode_section_memories, LIMIT_MEMORIES},
	[SECTION_TAG] = {"tag section", 6, decode_section_tags, LIMIT_TAGS},
	[SECTION_GLOBAL] = {"global section", 7, decode_section_globals, LIMIT_GLOBALS},
	[SECTION_EXPORT] = {"export section", 8, decode_section_exports, LIMIT_EXPORTS},
	[SECTION_START] = {"start section", 9, NULL, 0},
	[SECTION_ELEMENT] = {"element section", 10, decode_section_elements, LIMIT_ELEMENTS},
	[SECTION_DATA_COUNT] = {"data count section", 11, NULL, 0},
	[SECTION_CODE] = {"code section", 12, decode_section_code, LIMIT_FUNCTIONS},
	[SECTION_DATA] = {"data section", 13, decode_section_datas, LIMIT_DATAS},
};

/* -- Messages ---------------------------------------------------------------------------- */

int decode_no_memory(struct decode *d)
{
	return err_set(d->err, -ENOMEM, "out of memory for a module of %zu bytes",
		       (size_t)(d->limit - d->base));
}

/* The name section stands behind the code: look ahead for it, for the sake of one name in a message. */
static struct image_bytes name_ahead(const struct decode *d)
{
	struct reader r = {.at = d->r.end, .end = d->limit};
	struct reader s;
	const uint8_t *name;
	uint32_t size, name_size;
	uint8_t id;

	while (reader_byte(&r, &id) && reader_u32(&r, &size) && size <= reader_left(&r)) {
		s = (struct reader){.at = r.at, .end = r.at + size};
		r.at += size;
		if (id == SECTION_CUSTOM && reader_name(&s, &name, &name_size) && name_size == 4 &&
		    memcmp(name, "name", 4) == 0)
			return (struct image_bytes){decode_offset(d, s.at),
						    (uint32_t)reader_left(&s)};
	}
	return (struct image_bytes){0};
}

/* "function 3 'fib'" */
static void name_function(const struct decode *d, char *text, size_t size)
{
	struct image_bytes names = d->names.size != 0 ? d->names : name_ahead(d);
	struct image_bytes name = image_name_lookup(d->base, names, d->function);

	if (name.size != 0)
		snprintf(text, size, "function %u '%.*s'", d->function, (int)MIN(name.size, 100u),
			 (const char *)d->base + name.at);
	else
		snprintf(text, size, "function %u", d->function);
}

int decode_fail(struct decode *d, int outcome, const uint8_t *at, const char *format, ...)
{
	const char *kind = outcome == DECODE_INVALID ? "invalid" : "malformed";
	char where[160];
	va_list args;

	if (d->function != IMAGE_NONE)
		name_function(d, where, sizeof(where));
	else
		snprintf(where, sizeof(where), "%s", d->section);
	va_start(args, format);
	err_setv(d->err, outcome, format, args);
	va_end(args);
	return err_prefix(d->err, outcome, "%s module, %s%sat byte 0x%x", kind, where,
			  where[0] != '\0' ? ", " : "", decode_offset(d, at));
}

int decode_malformed(struct decode *d)
{
	return decode_fail(d, DECODE_MALFORMED, d->r.at, "%s", d->r.what);
}

int decode_count(struct decode *d, struct reader *r, uint32_t limit, const char *what,
		 uint32_t *ret)
{
	const uint8_t *at = r->at;

	if (!reader_count(r, ret))
		return decode_fail(d, DECODE_MALFORMED, r->at, "%s", r->what);
	if (*ret > limit)
		return decode_fail(d, DECODE_INVALID, at, "%u %s, the limit is %u", *ret, what,
				   limit);
	return 0;
}

int decode_need(struct decode *d, enum feature feature, const uint8_t *at)
{
	d->used |= FEATURE_BIT(feature);
	if (LIKELY(decode_has(d, feature)))
		return 0;
	return decode_fail(d, DECODE_INVALID, at, "needs the feature '%s', which is switched off",
			   feature_name(feature));
}

/* -- Header ------------------------------------------------------------------------------ */

/* What people hand over instead of a module, by its first bytes. */
static const char *guess(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return "the file is empty";
	if (size >= 8 && memcmp(bytes, "\0asm\x0d\0\1\0", 8) == 0)
		return "this is a component, not a core module; components are not supported yet";
	if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0)
		return "this is an ELF program, not a WebAssembly module";
	if (size >= 4 && memcmp(bytes, "\0asm", 4) == 0)
		return size < 8 ? "unexpected end" : "unknown binary version";
	if (size < 4)
		return "unexpected end";
	while (size > 0 && (*bytes == ' ' || *bytes == '\n' || *bytes == '\t' || *bytes == '\r')) {
		bytes++;
		size--;
	}
	if (size >= 2 && ((bytes[0] == '(' && bytes[1] != ' ') || memcmp(bytes, ";;", 2) == 0))
		return "this is WebAssembly text; convert it to binary first (wat2wasm)";
	return "magic header not detected: not a WebAssembly module";
}

static int header(struct decode *d)
{
	size_t size = reader_left(&d->r);

	if (size < 8 || memcmp(d->base, "\0asm\1\0\0\0", 8) != 0)
		return decode_fail(d, DECODE_MALFORMED, d->base, "%s", guess(d->base, size));
	d->r.at += 8;
	return 0;
}

/* -- Sections ---------------------------------------------------------------------------- */

static int custom(struct decode *d, struct image_section *section)
{
	const uint8_t *name;
	uint32_t size;

	if (!reader_name(&d->r, &name, &size))
		return decode_malformed(d);
	section->name = (struct image_bytes){decode_offset(d, name), size};
	section->content =
		(struct image_bytes){decode_offset(d, d->r.at), (uint32_t)reader_left(&d->r)};
	if (size == 4 && memcmp(name, "name", 4) == 0)
		d->names = section->content;
	d->r.at = d->r.end;
	return 0;
}

static int data_count(struct decode *d)
{
	d->has_data_count = true;
	if (!reader_u32(&d->r, &d->data_count))
		return decode_malformed(d);
	if (d->data_count > LIMIT_DATAS)
		return decode_fail(d, DECODE_INVALID, d->r.at, "%u data segments, the limit is %d",
				   d->data_count, LIMIT_DATAS);
	return decode_need(d, FEATURE_BULK, d->r.at);
}

static int section_content(struct decode *d, struct image_section *section)
{
	const struct section_rule *rule = &rules[section->id];
	int err;

	if (section->id == SECTION_CUSTOM)
		return custom(d, section);
	if (section->id == SECTION_START)
		return decode_start(d);
	if (section->id == SECTION_DATA_COUNT)
		return data_count(d);
	err = decode_count(d, &d->r, rule->limit, "entries", &section->count);
	return err != 0 ? err : rule->read(d, section->count);
}

static int one_section(struct decode *d, struct reader *all, uint8_t *order)
{
	struct image_section section = {0};
	const uint8_t *begin = all->at;
	uint32_t size;
	uint8_t id;
	int err;

	d->section = "";
	d->r = *all;
	if (!reader_byte(all, &id) || !reader_u32(all, &size)) {
		d->r = *all;
		return decode_malformed(d);
	}
	if (id >= SECTION_COUNT)
		return decode_fail(d, DECODE_MALFORMED, begin, "unknown section id %u", id);
	d->section = rules[id].name;
	if (size > reader_left(all))
		return decode_fail(d, DECODE_MALFORMED, begin,
				   "unexpected end: the section says it has %u bytes, %zu are left",
				   size, reader_left(all));
	if (id != SECTION_CUSTOM && rules[id].order <= *order)
		return decode_fail(d, DECODE_MALFORMED, begin,
				   "unexpected content after last section: out of order or twice");
	if (id != SECTION_CUSTOM)
		*order = rules[id].order;
	section.id = id;
	section.content = (struct image_bytes){decode_offset(d, all->at), size};
	d->r = (struct reader){.at = all->at, .end = all->at + size};
	all->at += size;
	err = section_content(d, &section);
	if (err != 0)
		return err;
	if (d->r.at != d->r.end)
		return decode_fail(d, DECODE_MALFORMED, d->r.at,
				   "section size mismatch: %zu bytes left over",
				   reader_left(&d->r));
	return buf_put(&d->sections, &section, sizeof(section)) == NULL ? decode_no_memory(d) : 0;
}

/* Bodies and data the other sections promised. */
static int promises(struct decode *d)
{
	uint32_t count = DECODE_COUNT(d, struct image_func, funcs);

	d->section = "";
	d->r.at = d->limit;
	if (count > d->imported_funcs &&
	    DECODE_ITEM(d, struct image_func, funcs, count - 1)->code == 0)
		return decode_fail(d, DECODE_MALFORMED, d->limit,
				   "function and code section have inconsistent lengths: no code");
	if (d->has_data_count && d->data_count != DECODE_COUNT(d, struct image_data, datas))
		return decode_fail(d, DECODE_MALFORMED, d->limit,
				   "data count and data section have inconsistent lengths");
	return 0;
}

static int module(struct decode *d)
{
	struct reader all;
	uint8_t order = 0;
	int err = header(d);

	all = d->r;
	while (err == 0 && all.at < all.end)
		err = one_section(d, &all, &order);
	return err != 0 ? err : promises(d);
}

/* -- The finished image ------------------------------------------------------------------ */

/* Where each growing table goes. */
struct piece {
	size_t span; /* offset of its struct image_span */
	size_t item;
	const struct buf *from;
};

/* An image depends on nothing but the module. */
static void forget_hashes(struct decode *d)
{
	for (uint32_t i = 0; i < DECODE_COUNT(d, struct type_def, types.defs); i++)
		DECODE_ITEM(d, struct type_def, types.defs, i)->hash = 0;
}

static int assemble(struct decode *d, struct image **io)
{
	const struct piece pieces[] = {
#define PIECE(span, type, from) {offsetof(struct image, span), sizeof(type), &d->from}
		PIECE(types, struct type_def, types.defs),
		PIECE(type_words, uint32_t, types.words),
		PIECE(imports, struct image_import, imports),
		PIECE(exports, struct image_export, exports),
		PIECE(funcs, struct image_func, funcs),
		PIECE(tables, struct image_table, tables),
		PIECE(memories, struct image_memory, memories),
		PIECE(globals, struct image_global, globals),
		PIECE(tags, uint32_t, tags),
		PIECE(elements, struct image_element, elements),
		PIECE(items, uint32_t, items),
		PIECE(datas, struct image_data, datas),
		PIECE(sections, struct image_section, sections),
		PIECE(side, struct image_side, side),
		PIECE(local_slots, uint16_t, local_slots),
		PIECE(tries, struct image_try, tries),
		PIECE(catches, struct image_catch, catches),
#undef PIECE
	};
	uint64_t size = align_up((*io)->size, 8);
	struct image *image;

	forget_hashes(d);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		size += align_up(pieces[i].from->size, 8);
	if (size > UINT32_MAX)
		return err_set(d->err, -EFBIG, "the module needs %llu bytes of tables, over 4 GiB",
			       (unsigned long long)size);
	image = realloc(*io, size);
	if (image == NULL)
		return decode_no_memory(d);
	*io = image;
	size = align_up(image->size, 8);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct image_span *span = (void *)((uint8_t *)image + pieces[i].span);

		span->at = (uint32_t)size;
		span->count = (uint32_t)(pieces[i].from->size / pieces[i].item);
		if (pieces[i].from->size != 0)
			memcpy((uint8_t *)image + size, pieces[i].from->data, pieces[i].from->size);
		size += align_up(pieces[i].from->size, 8);
	}
	image->size = size;
	image->magic = IMAGE_MAGIC;
	image->version = IMAGE_VERSION;
	image->features = d->used;
	image->imported_funcs = d->imported_funcs;
	image->imported_tables = d->imported_tables;
	image->imported_memories = d->imported_memories;
	image->imported_globals = d->imported_globals;
	image->imported_tags = d->imported_tags;
	image->start = d->start;
	image->names = d->names;
	return 0;
}

static void deinit(struct decode *d)
{
	struct buf *bufs[] = {&d->imports,  &d->exports,     &d->funcs,    &d->tables,
			      &d->memories, &d->globals,     &d->tags,     &d->elements,
			      &d->items,    &d->datas,       &d->sections, &d->side,
			      &d->declared, &d->local_slots, &d->tries,    &d->catches};

	for (size_t i = 0; i < ARRAY_SIZE(bufs); i++)
		buf_deinit(bufs[i]);
	types_deinit(&d->types);
}

int decode(struct image **image, uint64_t features, struct err *err)
{
	const uint8_t *base = image_input(*image);
	const uint8_t *limit = base + (*image)->bytes.count;
	struct decode d = {
		.r = {.at = base, .end = limit},
		.base = base,
		.limit = limit,
		.section = "header",
		.err = err,
		.features = features,
		.start = IMAGE_NONE,
		.function = IMAGE_NONE,
	};
	int ret = module(&d);

	if (ret == 0)
		ret = assemble(&d, image);
	deinit(&d);
	return ret;
}
