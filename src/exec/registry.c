/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/registry.h"

#include <errno.h>
#include <stdlib.h>

#include "base/base.h"
#include "exec/objects.h"

int registry_init(struct registry *registry)
{
	*registry = (struct registry){0};
	return -pthread_mutex_init(&registry->lock, NULL);
}

void registry_deinit(struct registry *registry)
{
	for (uint32_t k = 0; k < REGISTRY_PIECES && registry->infos[k] != NULL; k++) {
		for (uint32_t i = 0; i < 1u << (k + REGISTRY_PIECE_BITS); i++)
			free((void *)(uintptr_t)registry->infos[k][i]);
		free(registry->infos[k]);
	}
	types_deinit(&registry->types);
	pthread_mutex_destroy(&registry->lock);
}

/* -- Interning --------------------------------------------------------------------------- */

/* Where one group comes from and goes to: what lies in it moves, what lies outside is known already. */
struct move {
	const uint32_t *ids;
	uint32_t from_first, size, to_first;
};

static uint32_t move_index(const struct move *m, uint32_t index)
{
	if (index == TYPE_NONE)
		return TYPE_NONE;
	if (index - m->from_first < m->size)
		return m->to_first + (index - m->from_first);
	return m->ids[index];
}

static uint32_t move_word(const struct move *m, uint32_t word)
{
	uint32_t plain = FIELD_TYPE(word);

	if (!valtype_is_ref(plain) || !HEAP_IS_INDEX(TYPE_HEAP(plain)))
		return word;
	return (word & 0xff) | move_index(m, TYPE_HEAP(plain)) << 8;
}

static bool copy_def(struct types *types, const struct move *m, const struct type_space *from,
		     uint32_t index)
{
	const struct type_def *source = type_at(from, index);
	const uint32_t *words = type_words(from, source);
	struct type_def *def = types_add(types, source->form);

	if (def == NULL)
		return false;
	def->is_final = source->is_final;
	def->depth = source->depth;
	def->super = move_index(m, source->super);
	def->params = source->params;
	def->results = source->results;
	def->param_slots = source->param_slots;
	def->result_slots = source->result_slots;
	for (uint32_t k = 0; k < (uint32_t)source->params + source->results; k++)
		if (!types_word(types, move_word(m, words[k])))
			return false;
	return true;
}

/* Undo a group half copied: the space is as if it had never been begun. */
static int forget(struct types *types, uint32_t first, size_t words)
{
	types->defs.size = first * sizeof(struct type_def);
	types->words.size = words;
	return -ENOMEM;
}

static int copy_group(struct types *types, const struct type_space *from, uint32_t first,
		      uint32_t size, uint32_t *ids)
{
	uint32_t to_first = (uint32_t)BUF_COUNT(&types->defs, struct type_def);
	struct move m = {ids, first, size, to_first};
	size_t words = types->words.size;
	uint32_t canon;

	for (uint32_t i = 0; i < size; i++)
		if (!copy_def(types, &m, from, first + i))
			return forget(types, to_first, words);
	if (types_close(types, to_first, true, &canon) < 0)
		return forget(types, to_first, words);
	for (uint32_t i = 0; i < size; i++)
		ids[first + i] = canon + i;
	return 0;
}

int registry_intern(struct registry *registry, const struct image *image, uint32_t *ids)
{
	struct type_space from = image_types(image);
	int err = 0;

	pthread_mutex_lock(&registry->lock);
	for (uint32_t i = 0; err == 0 && i < from.count; i++) {
		const struct type_def *def = type_at(&from, i);

		if (def->canon != i)
			ids[i] = ids[def->canon];
		else if (def->group_first == i)
			err = copy_group(&registry->types, &from, i, def->group_size, ids);
	}
	pthread_mutex_unlock(&registry->lock);
	return err;
}

static uint16_t slots_of(const uint32_t *words, uint16_t count)
{
	uint16_t slots = 0;

	for (uint16_t i = 0; i < count; i++)
		slots = (uint16_t)(slots + valtype_slots(words[i]));
	return slots;
}

static int add_func_type(struct types *types, const uint32_t *params, uint16_t param_count,
			 const uint32_t *results, uint16_t result_count, uint32_t *ret)
{
	uint32_t first = (uint32_t)BUF_COUNT(&types->defs, struct type_def);
	size_t words = types->words.size;
	struct type_def *def = types_add(types, FORM_FUNC);
	bool fits = def != NULL;

	if (def == NULL)
		return -ENOMEM;
	def->is_final = true;
	def->params = param_count;
	def->results = result_count;
	def->param_slots = slots_of(params, param_count);
	def->result_slots = slots_of(results, result_count);
	for (uint16_t i = 0; fits && i < param_count; i++)
		fits = types_word(types, params[i]);
	for (uint16_t i = 0; fits && i < result_count; i++)
		fits = types_word(types, results[i]);
	if (!fits || types_close(types, first, true, ret) < 0)
		return forget(types, first, words);
	return 0;
}

int registry_func_type(struct registry *registry, const uint32_t *params, uint16_t param_count,
		       const uint32_t *results, uint16_t result_count, uint32_t *ret)
{
	int err;

	pthread_mutex_lock(&registry->lock);
	err = add_func_type(&registry->types, params, param_count, results, result_count, ret);
	pthread_mutex_unlock(&registry->lock);
	return err;
}

uint32_t registry_valtype(const uint32_t *ids, uint32_t type)
{
	if (!valtype_is_ref(type) || !HEAP_IS_INDEX(TYPE_HEAP(type)))
		return type;
	return (type & 0xff) | ids[TYPE_HEAP(type)] << 8;
}

/* -- Descriptions ------------------------------------------------------------------------ */

/* Pieces are made in order, so the first that is missing is the last of all. */
static bool make_pieces(struct registry *registry, uint32_t last)
{
	for (uint32_t k = 0; k <= last; k++) {
		const struct type_info **piece;

		if (registry->infos[k] != NULL)
			continue;
		piece = calloc((size_t)1 << (k + REGISTRY_PIECE_BITS), sizeof(*piece));
		if (piece == NULL)
			return false;
		__atomic_store_n(&registry->infos[k], piece, __ATOMIC_RELEASE);
	}
	return true;
}

static bool describe(struct registry *registry, uint32_t id)
{
	struct type_space space = types_space(&registry->types);
	uint32_t n = id + (1u << REGISTRY_PIECE_BITS);
	uint32_t bits = 31 - (uint32_t)__builtin_clz(n);
	const struct type_info *info;

	if (registry_info(registry, id) != NULL)
		return true;
	if (bits - REGISTRY_PIECE_BITS >= REGISTRY_PIECES ||
	    !make_pieces(registry, bits - REGISTRY_PIECE_BITS))
		return false;
	info = type_info_new(&space, id);
	if (info == NULL)
		return false;
	__atomic_store_n(&registry->infos[bits - REGISTRY_PIECE_BITS][n - (1u << bits)], info,
			 __ATOMIC_RELEASE);
	return true;
}

int registry_describe(struct registry *registry, const uint32_t *ids, uint32_t count)
{
	bool done = true;

	pthread_mutex_lock(&registry->lock);
	for (uint32_t i = 0; done && i < count; i++)
		done = describe(registry, ids[i]);
	pthread_mutex_unlock(&registry->lock);
	return done ? 0 : -ENOMEM;
}

/* -- Reading ----------------------------------------------------------------------------- */

typedef bool match_fn(const struct type_space *space, uint32_t a, uint32_t b);

static bool matches(struct registry *registry, match_fn *match, uint32_t a, uint32_t b)
{
	struct type_space space;
	bool yes;

	pthread_mutex_lock(&registry->lock);
	space = types_space(&registry->types);
	yes = match(&space, a, b);
	pthread_mutex_unlock(&registry->lock);
	return yes;
}

bool registry_has(struct registry *registry, uint32_t id)
{
	bool has;

	pthread_mutex_lock(&registry->lock);
	has = id < BUF_COUNT(&registry->types.defs, struct type_def);
	pthread_mutex_unlock(&registry->lock);
	return has;
}

bool registry_extends(struct registry *registry, uint32_t a, uint32_t b)
{
	return a == b || matches(registry, heap_matches, a, b);
}

bool registry_matches(struct registry *registry, uint32_t a, uint32_t b)
{
	return a == b || matches(registry, type_matches_slow, a, b);
}

struct type_def registry_def(struct registry *registry, uint32_t id)
{
	struct type_def def;

	pthread_mutex_lock(&registry->lock);
	def = *BUF_ITEM(&registry->types.defs, struct type_def, id);
	pthread_mutex_unlock(&registry->lock);
	return def;
}

uint32_t registry_word(struct registry *registry, uint32_t id, uint32_t i)
{
	struct type_space space;
	uint32_t word;

	pthread_mutex_lock(&registry->lock);
	space = types_space(&registry->types);
	word = type_words(&space, type_at(&space, id))[i];
	pthread_mutex_unlock(&registry->lock);
	return word;
}

size_t registry_text(struct registry *registry, uint32_t id, char *text, size_t size)
{
	struct type_space space;
	size_t used;

	pthread_mutex_lock(&registry->lock);
	space = types_space(&registry->types);
	used = type_text(&space, id, text, size);
	pthread_mutex_unlock(&registry->lock);
	return used;
}
