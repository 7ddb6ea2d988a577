/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/base.h"

void types_deinit(struct types *types)
{
	buf_deinit(&types->defs);
	buf_deinit(&types->words);
	buf_deinit(&types->table);
}

struct type_space types_space(const struct types *types)
{
	static const uint32_t none; /* types without words, too, point somewhere */
	const uint32_t *words = (const uint32_t *)(const void *)types->words.data;

	return (struct type_space){
		.defs = (const struct type_def *)(const void *)types->defs.data,
		.words = words != NULL ? words : &none,
		.count = (uint32_t)BUF_COUNT(&types->defs, struct type_def),
	};
}

struct type_def *types_add(struct types *types, enum type_form form)
{
	uint32_t index = (uint32_t)BUF_COUNT(&types->defs, struct type_def);
	struct type_def *def = buf_zero(&types->defs, sizeof(*def));

	if (def == NULL)
		return NULL;
	def->form = form;
	def->super = TYPE_NONE;
	def->canon = index;
	def->first = (uint32_t)BUF_COUNT(&types->words, uint32_t);
	return def;
}

bool types_word(struct types *types, uint32_t word)
{
	return buf_put(&types->words, &word, sizeof(word)) != NULL;
}

/* -- Hash and comparison of groups ------------------------------------------------------- */

/*
 * A module that knew the hash could bring a hundred thousand groups of one hash, and each would be compared with
 * all before it. So the hash begins with a number that is another in every process.
 */
static uint64_t process_seed(void)
{
	const uint8_t *random = (const uint8_t *)(uintptr_t)getauxval(AT_RANDOM);
	uint64_t seed = 0;

	if (random != NULL)
		memcpy(&seed, random + 8, sizeof(seed)); /* the C library uses the first half */
	return seed;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t word_count(const struct type_def *def)
{
	return (uint32_t)def->params + def->results;
}

/* A reference hashes by what it means: its place in this group, or the target's own hash. */
static uint32_t hash_index(const struct type_space *space, uint32_t first, uint32_t index)
{
	if (index == TYPE_NONE)
		return 1;
	return index >= first ? index - first + 2 : space->defs[index].hash;
}

static uint64_t hash_word(const struct type_space *space, uint32_t first, uint32_t word)
{
	uint32_t plain = FIELD_TYPE(word);

	if (!valtype_is_ref(plain) || !HEAP_IS_INDEX(TYPE_HEAP(plain)))
		return word;
	return (uint64_t)(word & 0xff) << 32 | hash_index(space, first, TYPE_HEAP(plain));
}

static uint32_t hash_group(const struct type_space *space, uint32_t first, uint32_t size)
{
	uint64_t hash = mix(process_seed(), size);

	for (uint32_t i = first; i < first + size; i++) {
		const struct type_def *def = type_at(space, i);
		const uint32_t *words = type_words(space, def);

		hash = mix(hash, (uint32_t)def->form << 8 | def->is_final);
		hash = mix(hash, hash_index(space, first, def->super));
		hash = mix(hash, (uint32_t)def->params << 16 | def->results);
		for (uint32_t k = 0; k < word_count(def); k++)
			hash = mix(hash, hash_word(space, first, words[k]));
	}
	return (uint32_t)(hash ^ hash >> 32);
}

/* Two references, each seen from its group: both inside at the same place, or both outside and equal. */
static bool same_index(uint32_t a, uint32_t first_a, uint32_t b, uint32_t first_b, uint32_t size)
{
	bool in_a = a - first_a < size;
	bool in_b = b - first_b < size;

	if (in_a || in_b)
		return in_a && in_b && a - first_a == b - first_b;
	return a == b;
}

static bool same_word(uint32_t a, uint32_t first_a, uint32_t b, uint32_t first_b, uint32_t size)
{
	uint32_t type_a = FIELD_TYPE(a), type_b = FIELD_TYPE(b);

	if ((a & 0xff) != (b & 0xff) || !valtype_is_ref(type_a))
		return a == b;
	return same_index(TYPE_HEAP(type_a), first_a, TYPE_HEAP(type_b), first_b, size);
}

static bool same_def(const struct type_space *space, uint32_t a, uint32_t first_a, uint32_t b,
		     uint32_t first_b, uint32_t size)
{
	const struct type_def *x = type_at(space, a);
	const struct type_def *y = type_at(space, b);
	const uint32_t *wx = type_words(space, x);
	const uint32_t *wy = type_words(space, y);

	if (x->form != y->form || x->is_final != y->is_final || x->params != y->params ||
	    x->results != y->results || !same_index(x->super, first_a, y->super, first_b, size))
		return false;
	for (uint32_t k = 0; k < word_count(x); k++)
		if (!same_word(wx[k], first_a, wy[k], first_b, size))
			return false;
	return true;
}

static bool same_group(const struct type_space *space, uint32_t a, uint32_t b, uint32_t size)
{
	if (type_at(space, b)->group_size != size)
		return false;
	for (uint32_t i = 0; i < size; i++)
		if (!same_def(space, a + i, a, b + i, b, size))
			return false;
	return true;
}

/* -- The table of groups ----------------------------------------------------------------- */

static uint32_t *table_slots(const struct types *types)
{
	return (uint32_t *)(void *)types->table.data;
}

static uint32_t group_hash(const struct types *types, uint32_t first)
{
	return BUF_ITEM(&types->defs, struct type_def, first)->hash;
}

static void table_insert(const struct types *types, uint32_t first)
{
	uint32_t mask = (uint32_t)BUF_COUNT(&types->table, uint32_t) - 1;
	uint32_t at = group_hash(types, first) & mask;

	while (table_slots(types)[at] != 0)
		at = (at + 1) & mask;
	table_slots(types)[at] = first + 1;
}

/* Keep the table at most half full, so that a probe ends. */
static int table_grow(struct types *types)
{
	size_t count = BUF_COUNT(&types->table, uint32_t);
	struct buf old = types->table;

	if (types->groups * 2 < count)
		return 0;
	types->table = (struct buf){0};
	if (buf_zero(&types->table, (count != 0 ? count * 2 : 8) * sizeof(uint32_t)) == NULL) {
		types->table = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = *BUF_ITEM(&old, uint32_t, i);

		if (slot != 0)
			table_insert(types, slot - 1);
	}
	buf_deinit(&old);
	return 0;
}

static uint32_t table_find(const struct types *types, uint32_t first, uint32_t size, uint32_t hash)
{
	struct type_space space = types_space(types);
	uint32_t mask = (uint32_t)BUF_COUNT(&types->table, uint32_t) - 1;

	for (uint32_t at = hash & mask; table_slots(types)[at] != 0; at = (at + 1) & mask) {
		uint32_t other = table_slots(types)[at] - 1;

		if (group_hash(types, other) == hash && same_group(&space, first, other, size))
			return other;
	}
	return TYPE_NONE;
}

/* -- Closing ----------------------------------------------------------------------------- */

static void alias_group(struct types *types, uint32_t first, uint32_t size, uint32_t to)
{
	struct type_def *defs = BUF_ITEM(&types->defs, struct type_def, 0);

	types->words.size = defs[first].first * sizeof(uint32_t);
	for (uint32_t i = 0; i < size; i++)
		defs[first + i] = defs[to + i];
}

/*
 * Where the chain of supertypes can be gone up in strides: two of one length that follow each other are one of twice that
 * and a step. So from any type to any above it are some ten moves instead of 63.
 */
static uint32_t jump_of(const struct type_def *defs, uint32_t super)
{
	const struct type_def *s, *j;

	if (super == TYPE_NONE)
		return TYPE_NONE;
	s = &defs[super];
	if (s->jump == TYPE_NONE)
		return super;
	j = &defs[s->jump];
	return j->jump != TYPE_NONE && s->depth - j->depth == j->depth - defs[j->jump].depth
		       ? j->jump
		       : super;
}

static bool has_default(const struct types *types, const struct type_def *def)
{
	struct type_space space = types_space(types);
	const uint32_t *words = type_words(&space, def);

	for (uint32_t i = 0; i < def->params; i++)
		if (!valtype_has_default(FIELD_TYPE(words[i])))
			return false;
	return def->form != FORM_FUNC;
}

/* Supertypes come before those that name them. */
static void found_group(struct types *types, uint32_t first, uint32_t size, uint32_t hash)
{
	struct type_def *defs = BUF_ITEM(&types->defs, struct type_def, 0);

	for (uint32_t i = 0; i < size; i++) {
		defs[first + i].jump = jump_of(defs, defs[first + i].super);
		defs[first + i].has_default = has_default(types, &defs[first + i]);
		defs[first + i].group_first = first;
		defs[first + i].group_size = size;
		defs[first + i].hash = i == 0 ? hash : (uint32_t)mix(hash, i);
	}
	types->groups++;
	table_insert(types, first);
}

int types_close(struct types *types, uint32_t first, bool drop, uint32_t *ret_first)
{
	struct type_space space = types_space(types);
	uint32_t size = space.count - first;
	uint32_t hash, found;

	*ret_first = first;
	if (size == 0)
		return 0;
	if (table_grow(types) < 0)
		return -ENOMEM;
	hash = hash_group(&space, first, size);
	found = table_find(types, first, size, hash);
	if (found == TYPE_NONE) {
		found_group(types, first, size, hash);
		return 0;
	}
	alias_group(types, first, size, found);
	if (drop)
		types->defs.size = first * sizeof(struct type_def);
	*ret_first = found;
	return 0;
}

/* -- Matching ---------------------------------------------------------------------------- */

/* What an index type is below, in the abstract hierarchy. */
static uint32_t form_heap(enum type_form form)
{
	switch (form) {
	case FORM_FUNC:
		return HEAP_FUNC;
	case FORM_STRUCT:
		return HEAP_STRUCT;
	case FORM_ARRAY:
		return HEAP_ARRAY;
	}
	return 0;
}

static bool abstract_matches(uint32_t a, uint32_t b)
{
	if (a == b)
		return true;
	switch (a) {
	case HEAP_NONE:
		return b == HEAP_I31 || b == HEAP_STRUCT || b == HEAP_ARRAY || b == HEAP_EQ ||
		       b == HEAP_ANY;
	case HEAP_I31:
	case HEAP_STRUCT:
	case HEAP_ARRAY:
		return b == HEAP_EQ || b == HEAP_ANY;
	case HEAP_EQ:
		return b == HEAP_ANY;
	case HEAP_NOFUNC:
		return b == HEAP_FUNC;
	case HEAP_NOEXTERN:
		return b == HEAP_EXTERN;
	case HEAP_NOEXN:
		return b == HEAP_EXN;
	}
	return false;
}

/* Up to the depth of b: nothing else can be it. */
static bool index_matches(const struct type_space *space, uint32_t a, uint32_t b)
{
	uint32_t depth = type_at(space, b)->depth;
	const struct type_def *at = type_at(space, a);

	while (at->depth > depth) {
		a = type_at(space, at->jump)->depth >= depth ? at->jump : at->super;
		at = type_at(space, a);
	}
	return a == b;
}

bool heap_matches(const struct type_space *space, uint32_t a, uint32_t b)
{
	if (HEAP_IS_INDEX(a)) {
		if (HEAP_IS_INDEX(b))
			return index_matches(space, a, b);
		return abstract_matches(form_heap(type_at(space, a)->form), b & 0xff);
	}
	if (!HEAP_IS_INDEX(b))
		return abstract_matches(a & 0xff, b & 0xff);
	switch (type_at(space, b)->form) {
	case FORM_FUNC:
		return (a & 0xff) == HEAP_NOFUNC;
	case FORM_STRUCT:
	case FORM_ARRAY:
		return (a & 0xff) == HEAP_NONE;
	}
	return false;
}

uint32_t heap_top(const struct type_space *space, uint32_t heap)
{
	if (HEAP_IS_INDEX(heap))
		return type_at(space, heap)->form == FORM_FUNC ? HEAP_FUNC : HEAP_ANY;
	switch (heap & 0xff) {
	case HEAP_FUNC:
	case HEAP_NOFUNC:
		return HEAP_FUNC;
	case HEAP_EXTERN:
	case HEAP_NOEXTERN:
		return HEAP_EXTERN;
	case HEAP_EXN:
	case HEAP_NOEXN:
		return HEAP_EXN;
	}
	return HEAP_ANY;
}

bool type_matches_slow(const struct type_space *space, uint32_t a, uint32_t b)
{
	if (a == b || a == TYPE_BOTTOM)
		return true;
	if (!valtype_is_ref(a) || !valtype_is_ref(b))
		return false;
	if (a == TYPE_BOTTOM_REF)
		return true;
	if (valtype_is_nullable(a) && !valtype_is_nullable(b))
		return false;
	return heap_matches(space, TYPE_HEAP(a), TYPE_HEAP(b));
}

static bool field_matches(const struct type_space *space, uint32_t a, uint32_t b)
{
	if ((a & FIELD_MUTABLE) != (b & FIELD_MUTABLE))
		return false;
	if (a & FIELD_MUTABLE)
		return a == b;
	return type_matches(space, a, b);
}

static bool func_may_extend(const struct type_space *space, const struct type_def *sub,
			    const struct type_def *super)
{
	const uint32_t *a = type_words(space, sub);
	const uint32_t *b = type_words(space, super);

	if (sub->params != super->params || sub->results != super->results)
		return false;
	for (uint32_t i = 0; i < sub->params; i++)
		if (!type_matches(space, b[i], a[i]))
			return false;
	for (uint32_t i = sub->params; i < word_count(sub); i++)
		if (!type_matches(space, a[i], b[i]))
			return false;
	return true;
}

bool type_may_extend(const struct type_space *space, const struct type_def *sub,
		     const struct type_def *super)
{
	if (super->is_final || sub->form != super->form)
		return false;
	if (sub->form == FORM_FUNC)
		return func_may_extend(space, sub, super);
	if (sub->params < super->params)
		return false;
	for (uint32_t i = 0; i < super->params; i++)
		if (!field_matches(space, type_words(space, sub)[i], type_words(space, super)[i]))
			return false;
	return true;
}

/* -- Text -------------------------------------------------------------------------------- */

struct out {
	char *text;
	size_t size;
	size_t used; /* as if all had fit */
};

static void put(struct out *out, const char *text)
{
	size_t left = out->used < out->size ? out->size - out->used : 0;

	out->used += (size_t)snprintf(left != 0 ? out->text + out->used : NULL, left, "%s", text);
}

static void put_list(struct out *out, const char *what, const uint32_t *words, uint32_t count)
{
	if (count == 0)
		return;
	put(out, what);
	for (uint32_t i = 0; i < count; i++) {
		put(out, " ");
		put(out, valtype_name(words[i]).text);
	}
	put(out, ")");
}

static void put_fields(struct out *out, const struct type_def *def, const uint32_t *words)
{
	for (uint32_t i = 0; i < def->params; i++) {
		bool is_mutable = (words[i] & FIELD_MUTABLE) != 0;

		put(out, is_mutable ? " (field (mut " : " (field ");
		put(out, valtype_name(FIELD_TYPE(words[i])).text);
		put(out, is_mutable ? "))" : ")");
	}
}

size_t type_text(const struct type_space *space, uint32_t index, char *text, size_t size)
{
	const struct type_def *def = type_at(space, index);
	const uint32_t *words = type_words(space, def);
	bool sub = def->super != TYPE_NONE || !def->is_final;
	struct out out = {text, size, 0};
	char number[24];

	if (size != 0)
		text[0] = '\0';
	if (sub)
		put(&out, def->is_final ? "(sub final " : "(sub ");
	if (def->super != TYPE_NONE) {
		snprintf(number, sizeof(number), "%u ", def->super);
		put(&out, number);
	}
	if (def->form == FORM_FUNC) {
		put(&out, "(func");
		put_list(&out, " (param", words, def->params);
		put_list(&out, " (result", words + def->params, def->results);
	} else {
		put(&out, def->form == FORM_STRUCT ? "(struct" : "(array");
		put_fields(&out, def, words);
	}
	put(&out, sub ? "))" : ")");
	return out.used;
}
