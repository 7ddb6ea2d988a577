/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coredump.c: the core dump of a store (the WebAssembly tool conventions, "Coredump").
 *
 * A dump is itself a module in the binary format: custom sections name the modules, instances and frames there
 * were, its memory, global and data sections hold what was in them. Instances refer to those by index; one that
 * several instances share is there once.
 *
 *   core            0x00, name of the program
 *   coremodules     a name a module
 *   coreinstances   a module, memories, globals an instance
 *   corestack       instance, function, offset from the start of its body, locals, operands a frame,
 *                   innermost first
 *
 * Numbers are written as they are. What the format has no way to say is written as missing: references and
 * vectors in locals, and all operands (the interpreter does not know their types). A global that is a
 * reference becomes a null of the top type of its hierarchy, since the dump has no types of its own.
 * Pages of zeros are left out.
 *
 * All is collected in memory but what memories hold, which goes straight to the file.
 */
#include "engine/coredump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/module.h"
#include "wasm/body.h"
#include "wasm/opcode.h"
#include "wasm/skip.h"

enum {
	SECTION_CUSTOM = 0,
	SECTION_MEMORY = 5,
	SECTION_GLOBAL = 6,
	SECTION_DATA = 11,
	VALUE_MISSING = 0x01,
	SEGMENT_BYTES = 1 << 30, /* a segment's size must fit 32 bits */
	LEB_MAX = 10,
};

/* A set of pointers in the order of their addresses: the place of one is its index in the dump. */
struct set {
	struct buf items; /* const void * */
};

/* A frame of the guest's. */
struct dump_frame {
	const struct frame *frame;
	const uint8_t *pc; /* within the instruction; NULL: not known */
	uint32_t offset;   /* of the instruction in its body */
	uint32_t operands; /* slots of them, as far as is known */
};

struct dump {
	int fd;
	bool failed; /* no memory */
	struct store *store;
	struct set modules, instances, memories, globals;
	struct buf frames;  /* struct dump_frame */
	struct buf section; /* being put together */
};

/* -- Sets -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(const void *const *)a;
	uintptr_t y = (uintptr_t)*(const void *const *)b;

	return x < y ? -1 : x > y;
}

static uint32_t set_count(const struct set *set)
{
	return (uint32_t)BUF_COUNT(&set->items, void *);
}

static const void *set_at(const struct set *set, uint32_t i)
{
	return *BUF_ITEM(&set->items, const void *, i);
}

static void set_add(struct dump *d, struct set *set, const void *item)
{
	if (buf_put(&set->items, &item, sizeof(item)) == NULL)
		d->failed = true;
}

/* Sort what was added, each once. */
static void set_finish(struct set *set)
{
	uint32_t count = set_count(set), kept = 0;
	const void **items;

	if (count == 0)
		return;
	items = BUF_ITEM(&set->items, const void *, 0);
	qsort(items, count, sizeof(*items), compare);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || items[kept - 1] != items[i])
			items[kept++] = items[i];
	set->items.size = kept * sizeof(*items);
}

static uint32_t set_index(const struct set *set, const void *item)
{
	const void **items = BUF_ITEM(&set->items, const void *, 0);
	const void **found = bsearch(&item, items, set_count(set), sizeof(*items), compare);

	return found != NULL ? (uint32_t)(found - items) : 0;
}

/* -- Putting sections together ----------------------------------------------------------- */

static void put(struct dump *d, const void *bytes, size_t size)
{
	if (buf_put(&d->section, bytes, size) == NULL)
		d->failed = true;
}

static void put_byte(struct dump *d, uint32_t byte)
{
	put(d, &(uint8_t){(uint8_t)byte}, 1);
}

static size_t leb(uint8_t *to, uint64_t value)
{
	size_t n = 0;

	do {
		to[n++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value != 0);
	return n;
}

static size_t leb_signed(uint8_t *to, int64_t value)
{
	size_t n = 0;

	while (value < -64 || value > 63) {
		to[n++] = (uint8_t)((value & 0x7f) | 0x80);
		value >>= 7;
	}
	to[n++] = (uint8_t)(value & 0x7f);
	return n;
}

static void put_number(struct dump *d, uint64_t value)
{
	uint8_t bytes[LEB_MAX];

	put(d, bytes, leb(bytes, value));
}

static void put_signed(struct dump *d, int64_t value)
{
	uint8_t bytes[LEB_MAX];

	put(d, bytes, leb_signed(bytes, value));
}

static void put_name(struct dump *d, const void *bytes, uint32_t size)
{
	put_number(d, size);
	put(d, bytes, size);
}

/* The name of a custom section, or of what the engine has no other name for. */
static void put_word(struct dump *d, const char *word)
{
	put_name(d, word, (uint32_t)strlen(word));
}

/* -- Writing ----------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* The head of a section of `more` bytes behind those put together. */
static int write_section(struct dump *d, uint8_t id, uint64_t more)
{
	uint8_t head[1 + LEB_MAX] = {id};
	size_t head_size = 1 + leb(head + 1, d->section.size + more);
	int err;

	if (d->failed)
		return -ENOMEM;
	if (d->section.size + more > UINT32_MAX)
		return -EFBIG;
	err = write_all(d->fd, head, head_size);
	if (err == 0)
		err = write_all(d->fd, d->section.data, d->section.size);
	d->section.size = 0;
	return err;
}

/* -- Collecting -------------------------------------------------------------------------- */

static void collect_instance(struct dump *d, const struct instance *in)
{
	set_add(d, &d->instances, in);
	set_add(d, &d->modules, in->module);
	for (uint32_t i = 0; i < in->image->memories.count; i++)
		set_add(d, &d->memories, in->memories[i]);
	for (uint32_t i = 0; i < in->image->globals.count; i++)
		set_add(d, &d->globals, in->globals[i]);
}

static void collect_instances(struct dump *d)
{
	for (const struct instance *in = d->store->instances; in != NULL; in = in->next)
		collect_instance(d, in);
	set_finish(&d->instances);
	set_finish(&d->modules);
	set_finish(&d->memories);
	set_finish(&d->globals);
}

/*
 * The slots between a frame's record and the locals of the frame it called; below the first operand there is a
 * slot for junk (interp/machine.h). How many the innermost one has nobody knows.
 */
static uint32_t operands(const struct frame *frame, const struct frame *callee)
{
	const slot *first = (const slot *)(frame + 1) + 1;

	if (callee == NULL || callee->locals == NULL || callee->func->code == NULL ||
	    callee->locals < first)
		return 0;
	return (uint32_t)(callee->locals - first);
}

/* Frames from the innermost on. Where one goes on is behind its call: one byte less lies in it. */
static void collect_frames(struct dump *d, const uint8_t *pc)
{
	const struct frame *callee = NULL;

	for (const struct frame *f = d->store->thread.frame; f != NULL; f = f->caller) {
		struct dump_frame item = {.frame = f, .pc = pc, .operands = operands(f, callee)};

		if (f->locals != NULL && f->func->code != NULL &&
		    buf_put(&d->frames, &item, sizeof(item)) == NULL)
			d->failed = true;
		pc = f->ret_pc != NULL ? f->ret_pc - 1 : NULL;
		callee = f;
	}
}

/* -- Offsets ----------------------------------------------------------------------------- */

static int compare_pcs(const void *a, const void *b)
{
	const struct dump_frame *x = *(const struct dump_frame *const *)a;
	const struct dump_frame *y = *(const struct dump_frame *const *)b;
	uintptr_t first = (uintptr_t)x->pc, second = (uintptr_t)y->pc;

	return first < second ? -1 : first > second;
}

static const struct image_func *func_of(const struct dump_frame *f)
{
	return image_func(f->frame->func->of.instance->image, f->frame->func->index);
}

/* Go on from the instruction at `at` (NULL: from the function's first) to the one that holds pc. */
static const uint8_t *find_offset(struct dump_frame *f, const uint8_t *at)
{
	const struct image_func *func = func_of(f);
	const uint8_t *module = image_module(f->frame->func->of.instance->image);
	struct instruction i;

	if (f->pc < module + func->code || f->pc >= module + func->code_end)
		return at;
	if (at == NULL || at < module + func->code)
		at = module + func->code;
	for (i = instruction_at(at); i.next <= f->pc; i = instruction_at(i.next))
		;
	f->offset = (uint32_t)(i.at - module) - func->body;
	return i.at;
}

/*
 * An instruction is found by walking from its function's first: in the order of the places, so that
 * however deep a recursion is each function is walked once.
 */
static void find_offsets(struct dump *d)
{
	uint32_t count = (uint32_t)BUF_COUNT(&d->frames, struct dump_frame);
	struct dump_frame **sorted = malloc(count * sizeof(struct dump_frame *) + 1);
	const uint8_t *at = NULL;

	if (sorted == NULL) {
		d->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = BUF_ITEM(&d->frames, struct dump_frame, i);
	if (count > 1)
		qsort(sorted, count, sizeof(struct dump_frame *), compare_pcs);
	for (uint32_t i = 0; i < count; i++)
		at = find_offset(sorted[i], at);
	free(sorted);
}

/* -- core, coremodules, coreinstances ----------------------------------------------------- */

static void put_module_name(struct dump *d, const struct image *image)
{
	struct image_bytes name = image_name(image);

	put_name(d, image_module(image) + name.at, name.size);
}

/* The program is the module of the outermost frame. */
static int write_core(struct dump *d)
{
	uint32_t count = (uint32_t)BUF_COUNT(&d->frames, struct dump_frame);

	put_word(d, "core");
	put_byte(d, 0);
	if (count == 0)
		put_word(d, "");
	else
		put_module_name(d, BUF_ITEM(&d->frames, struct dump_frame, count - 1)
					   ->frame->func->of.instance->image);
	return write_section(d, SECTION_CUSTOM, 0);
}

static int write_modules(struct dump *d)
{
	put_word(d, "coremodules");
	put_number(d, set_count(&d->modules));
	for (uint32_t i = 0; i < set_count(&d->modules); i++) {
		const struct module *module = set_at(&d->modules, i);

		put_byte(d, 0);
		put_module_name(d, module->image);
	}
	return write_section(d, SECTION_CUSTOM, 0);
}

static void put_instance(struct dump *d, const struct instance *in)
{
	put_byte(d, 0);
	put_number(d, set_index(&d->modules, in->module));
	put_number(d, in->image->memories.count);
	for (uint32_t i = 0; i < in->image->memories.count; i++)
		put_number(d, set_index(&d->memories, in->memories[i]));
	put_number(d, in->image->globals.count);
	for (uint32_t i = 0; i < in->image->globals.count; i++)
		put_number(d, set_index(&d->globals, in->globals[i]));
}

static int write_instances(struct dump *d)
{
	put_word(d, "coreinstances");
	put_number(d, set_count(&d->instances));
	for (uint32_t i = 0; i < set_count(&d->instances); i++)
		put_instance(d, set_at(&d->instances, i));
	return write_section(d, SECTION_CUSTOM, 0);
}

/* -- corestack --------------------------------------------------------------------------- */

static void put_value(struct dump *d, uint32_t type, slot value)
{
	switch (type) {
	case TYPE_I32:
		put_byte(d, type);
		put_signed(d, (int32_t)(uint32_t)value);
		return;
	case TYPE_I64:
		put_byte(d, type);
		put_signed(d, (int64_t)value);
		return;
	case TYPE_F32:
		put_byte(d, type);
		put(d, &value, 4);
		return;
	case TYPE_F64:
		put_byte(d, type);
		put(d, &value, 8);
		return;
	}
	put_byte(d, VALUE_MISSING);
}

/* Locals of one run, which begins at slot `at`; the slot behind it. */
static const slot *put_run(struct dump *d, const slot *at, uint32_t count, uint32_t type)
{
	for (uint32_t i = 0; i < count; i++, at += valtype_slots(type))
		put_value(d, type, *at);
	return at;
}

static uint32_t count_locals(const struct dump_frame *f, const struct type_def *type)
{
	struct body_locals locals = body_locals(f->frame->func->of.instance->image, func_of(f));
	uint32_t total = type->params, count, kind;

	while (body_next_run(&locals, &count, &kind))
		total += count;
	return total;
}

/* Locals lie one behind the other, a v128 in two slots. */
static void put_locals(struct dump *d, const struct dump_frame *f)
{
	const struct image *image = f->frame->func->of.instance->image;
	struct type_space types = image_types(image);
	const struct type_def *type = type_at(&types, func_of(f)->type);
	struct body_locals locals = body_locals(image, func_of(f));
	const slot *at = f->frame->locals;
	uint32_t count, kind;

	put_number(d, count_locals(f, type));
	for (uint32_t i = 0; i < type->params; i++)
		at = put_run(d, at, 1, type_words(&types, type)[i]);
	while (body_next_run(&locals, &count, &kind))
		at = put_run(d, at, count, kind);
}

static void put_frame(struct dump *d, const struct dump_frame *f)
{
	put_byte(d, 0);
	put_number(d, set_index(&d->instances, f->frame->func->of.instance));
	put_number(d, f->frame->func->index);
	put_number(d, f->offset);
	put_locals(d, f);
	put_number(d, f->operands);
	for (uint32_t i = 0; i < f->operands; i++)
		put_byte(d, VALUE_MISSING);
}

static int write_stack(struct dump *d)
{
	uint32_t count = (uint32_t)BUF_COUNT(&d->frames, struct dump_frame);

	put_word(d, "corestack");
	put_byte(d, 0);
	put_word(d, "main");
	put_number(d, count);
	for (uint32_t i = 0; i < count && !d->failed; i++)
		put_frame(d, BUF_ITEM(&d->frames, struct dump_frame, i));
	return write_section(d, SECTION_CUSTOM, 0);
}

/* -- Memories and globals ---------------------------------------------------------------- */

static int write_memories(struct dump *d)
{
	uint32_t count = set_count(&d->memories);

	if (count == 0)
		return 0;
	put_number(d, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct memory *memory = set_at(&d->memories, i);
		const struct image_limits *limits = &memory->limits;
		bool has_max = limits->max != UINT64_MAX;

		put_byte(d, (uint32_t)has_max | (uint32_t)limits->shared << 1 |
				    (uint32_t)limits->is64 << 2);
		put_number(d, memory_pages(memory));
		if (has_max)
			put_number(d, limits->max);
	}
	return write_section(d, SECTION_MEMORY, 0);
}

/* The heap type above all others of the hierarchy a reference type is in. */
static uint32_t top_of(struct dump *d, uint32_t type)
{
	uint32_t heap = TYPE_HEAP(type);

	if (!HEAP_IS_INDEX(heap))
		return heap_top(NULL, heap);
	return registry_def(&d->store->common->registry, heap).form == FORM_FUNC ? HEAP_FUNC
										 : HEAP_ANY;
}

static void put_null(struct dump *d, uint32_t heap)
{
	put_byte(d, heap);
	put_byte(d, 0);
	put_byte(d, OP_REF_NULL);
	put_byte(d, heap);
}

/* Type, "cannot change", and the expression of the value. */
static void put_global(struct dump *d, const struct global *global)
{
	const slot *value = global->cell;

	if (valtype_is_ref(global->type)) {
		put_null(d, top_of(d, global->type));
		put_byte(d, OP_END);
		return;
	}
	put_byte(d, global->type);
	put_byte(d, 0);
	switch (global->type) {
	case TYPE_I32:
		put_byte(d, OP_I32_CONST);
		put_signed(d, (int32_t)(uint32_t)*value);
		break;
	case TYPE_I64:
		put_byte(d, OP_I64_CONST);
		put_signed(d, (int64_t)*value);
		break;
	case TYPE_F32:
		put_byte(d, OP_F32_CONST);
		put(d, value, 4);
		break;
	case TYPE_F64:
		put_byte(d, OP_F64_CONST);
		put(d, value, 8);
		break;
	case TYPE_V128:
		put_byte(d, 0xfd);
		put_number(d, OP_V128_CONST - OPCODE_BASE_FD);
		put(d, value, 16);
		break;
	}
	put_byte(d, OP_END);
}

static int write_globals(struct dump *d)
{
	uint32_t count = set_count(&d->globals);

	if (count == 0)
		return 0;
	put_number(d, count);
	for (uint32_t i = 0; i < count; i++)
		put_global(d, set_at(&d->globals, i));
	return write_section(d, SECTION_GLOBAL, 0);
}

/* -- Data -------------------------------------------------------------------------------- */

/* A run of pages that are not all zero. */
struct segment {
	const struct memory *memory;
	uint32_t index; /* of the memory */
	uint64_t at;
	uint64_t size;
};

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

/* Find the segment that begins at or behind s->at + s->size. */
static bool next_segment(struct segment *s)
{
	const struct memory *m = s->memory;

	s->at += s->size;
	s->size = 0;
	while (s->at < m->size && is_zero(m->base + s->at))
		s->at += PAGE_BYTES;
	while (s->at + s->size < m->size && s->size < SEGMENT_BYTES &&
	       !is_zero(m->base + s->at + s->size))
		s->size += PAGE_BYTES;
	return s->size != 0;
}

static void put_segment_head(struct dump *d, const struct segment *s)
{
	put_byte(d, s->index == 0 ? 0 : 2);
	if (s->index != 0)
		put_number(d, s->index);
	if (s->memory->limits.is64) {
		put_byte(d, OP_I64_CONST);
		put_signed(d, (int64_t)s->at);
	} else {
		put_byte(d, OP_I32_CONST);
		put_signed(d, (int32_t)(uint32_t)s->at);
	}
	put_byte(d, OP_END);
	put_number(d, s->size);
}

static void collect_segments(struct dump *d, struct buf *segments)
{
	for (uint32_t i = 0; i < set_count(&d->memories); i++) {
		struct segment s = {.memory = set_at(&d->memories, i), .index = i};

		while (next_segment(&s))
			if (buf_put(segments, &s, sizeof(s)) == NULL)
				d->failed = true;
	}
}

/* Heads are written twice: once to know the section's size, then each in front of its bytes. */
static int write_data(struct dump *d, const struct buf *segments)
{
	uint32_t count = (uint32_t)BUF_COUNT(segments, struct segment);
	uint64_t more = 0;
	int err;

	if (count == 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct segment *s = BUF_ITEM(segments, struct segment, i);

		put_segment_head(d, s);
		more += s->size;
	}
	more += d->section.size;
	d->section.size = 0;
	put_number(d, count);
	err = write_section(d, SECTION_DATA, more);
	for (uint32_t i = 0; err == 0 && i < count; i++) {
		const struct segment *s = BUF_ITEM(segments, struct segment, i);

		put_segment_head(d, s);
		err = write_all(d->fd, d->section.data, d->section.size);
		d->section.size = 0;
		if (err == 0)
			err = write_all(d->fd, s->memory->base + s->at, s->size);
	}
	return err;
}

static int write_contents(struct dump *d)
{
	struct buf segments = {0};
	int err;

	collect_segments(d, &segments);
	err = d->failed ? -ENOMEM : write_data(d, &segments);
	buf_deinit(&segments);
	return err;
}

/* -- The whole --------------------------------------------------------------------------- */

static int write_sections(struct dump *d)
{
	static int (*const sections[])(struct dump *) = {
		write_core,     write_modules, write_instances, write_stack,
		write_memories, write_globals, write_contents,
	};
	static const uint8_t header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
	int err = write_all(d->fd, header, sizeof(header));

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(sections); i++)
		err = sections[i](d);
	return err;
}

int coredump_write(struct store *store, const uint8_t *pc, int fd)
{
	struct dump d = {.fd = fd, .store = store};
	int err;

	collect_instances(&d);
	collect_frames(&d, pc);
	find_offsets(&d);
	err = d.failed ? -ENOMEM : write_sections(&d);
	buf_deinit(&d.modules.items);
	buf_deinit(&d.instances.items);
	buf_deinit(&d.memories.items);
	buf_deinit(&d.globals.items);
	buf_deinit(&d.frames);
	buf_deinit(&d.section);
	return err;
}
