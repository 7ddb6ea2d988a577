/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_mark.c: find what is alive.
 *
 * Marked and to be looked into are in a list, so depth costs no stack. The list is bounded: what does not fit is
 * marked all the same, and when the list is empty all marked objects are looked into once more. Its bound is a part of all
 * the objects there are, and each is in it once at most: so it is full a few times at most, whatever they look like, and
 * the time for a collection is linear in the heap. A collection is bounded by the heap's limit and the roots; it is not
 * interrupted.
 */
#include <stdlib.h>

#include "exec/gc_heap.h"
#include "exec/objects.h"
#include "exec/store.h"

/* -- Objects --------------------------------------------------------------------------------- */

enum { MARK_SHARE = 4 }; /* two bytes an object, where one takes 16 at least */

static bool grow_marks(struct gc_heap *heap)
{
	uint32_t room = heap->mark_room * 2;
	struct object **marks;

	if (room > MAX((uint64_t)heap->mark_most, heap->objects / MARK_SHARE))
		return false;
	marks = realloc(heap->marks != heap->here ? heap->marks : NULL, room * sizeof(*marks));
	if (marks == NULL)
		return false;
	if (heap->marks == heap->here)
		for (uint32_t i = 0; i < heap->mark_count; i++)
			marks[i] = heap->here[i];
	heap->marks = marks;
	heap->mark_room = room;
	return true;
}

/* Can it hold no reference. NULL stands for an exception, of which only the number of its slots is known. */
static bool is_leaf(const struct type_info *info, const struct object *object)
{
	if (info == NULL || info->form == FORM_FUNC)
		return object->length == 0;
	return info->form == FORM_STRUCT ? info->ref_count == 0 : info->storage != STORAGE_REF;
}

static void mark(struct gc_heap *heap, struct gc_block *block, uint32_t cell)
{
	uint64_t *marked = gc_marked(block, cell);
	const struct object *object;

	if (*marked & GC_BIT(cell))
		return;
	*marked |= GC_BIT(cell);
	object = gc_cell_at(block, cell);
	if (is_leaf(registry_info(heap->registry, object->type), object))
		return;
	if (heap->mark_count == heap->mark_room && !grow_marks(heap))
		heap->mark_overflow = true;
	else
		heap->marks[heap->mark_count++] = gc_cell_at(block, cell);
}

/* A word that is known to be a reference. */
static void mark_ref(struct gc_heap *heap, slot ref)
{
	struct gc_block *block;

	if (!ref_is_object(ref))
		return;
	block = gc_block_of(object_of(ref));
	mark(heap, block, gc_cell_of(block, (uintptr_t)ref));
}

/* A word that may be anything. */
static void mark_word(struct gc_heap *heap, slot word)
{
	struct gc_block *block = gc_heap_find(heap, word);
	uint32_t cell;

	if (block == NULL || (uintptr_t)word < (uintptr_t)block + block->first)
		return;
	cell = gc_cell_of(block, (uintptr_t)word);
	if (cell < block->count && (*gc_allocated(block, cell) & GC_BIT(cell)))
		mark(heap, block, cell);
}

static void mark_words(struct gc_heap *heap, const slot *from, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		mark_word(heap, from[i]);
}

static slot word_at(const struct object *object, uint64_t at)
{
	return *(const slot *)(const void *)object_at(object, at);
}

static void look_into(struct gc_heap *heap, const struct object *object)
{
	const struct type_info *info = registry_info(heap->registry, object->type);

	if (info == NULL || info->form == FORM_FUNC) {
		const struct exception *e = (const struct exception *)(const void *)object;

		mark_words(heap, e->values, object->length);
	} else if (info->form == FORM_STRUCT) {
		for (uint32_t i = 0; i < info->ref_count; i++)
			mark_ref(heap, word_at(object, info->refs[i]));
	} else if (info->storage == STORAGE_REF) {
		for (uint64_t i = 0; i < object->length; i++)
			mark_ref(heap, word_at(object, info->size + 8 * i));
	}
}

static void drain(struct gc_heap *heap)
{
	while (heap->mark_count != 0)
		look_into(heap, heap->marks[--heap->mark_count]);
}

/* -- Overflow -------------------------------------------------------------------------------- */

static void look_again(struct gc_heap *heap, struct gc_block *block)
{
	for (; block != NULL; block = block->next)
		for (uint32_t word = 0; word < block->words; word++)
			for (uint64_t bits = block->bits[word * 2 + 1]; bits != 0;
			     bits &= bits - 1) {
				uint32_t cell = word * 64 + (uint32_t)__builtin_ctzll(bits);

				look_into(heap, gc_cell_at(block, cell));
				drain(heap);
			}
}

/* -- Roots ----------------------------------------------------------------------------------- */

/* Can a value of this type (the engine's numbering) be an object. */
static bool holds_objects(const struct registry *registry, uint32_t type)
{
	const struct type_info *info;
	uint32_t code = TYPE_HEAP(type) & 0xff;

	if (!valtype_is_ref(type))
		return false;
	if (!HEAP_IS_INDEX(TYPE_HEAP(type)))
		return code != HEAP_FUNC && code != HEAP_NOFUNC;
	info = registry_info(registry, TYPE_HEAP(type));
	return info != NULL && info->form != FORM_FUNC;
}

/* Entries not made yet are 0, and null is no object: what was written is all there is. */
static void mark_table(const struct registry *registry, struct gc_heap *heap,
		       const struct table *table)
{
	if (!holds_objects(registry, table->type))
		return;
	mark_ref(heap, table->init);
	for (uint64_t i = 0; i < table->size; i++)
		mark_ref(heap, table->entries[i]);
}

static void mark_global(const struct registry *registry, struct gc_heap *heap,
			const struct global *global)
{
	if (holds_objects(registry, global->type))
		mark_ref(heap, global->cell[0]);
}

/* The instance may be half made: what is not yet there is zero. */
static void mark_instance(const struct registry *registry, struct gc_heap *heap,
			  const struct instance *in)
{
	const struct image *image = in->image;
	const struct image_element *elements = IMAGE_ITEMS(image, struct image_element, elements);

	for (uint32_t i = 0; i < image->globals.count - image->imported_globals; i++)
		mark_global(registry, heap, &in->own_globals[i]);
	for (uint32_t i = 0; i < image->tables.count - image->imported_tables; i++)
		mark_table(registry, heap, &in->own_tables[i]);
	for (uint32_t i = 0; in->elements != NULL && i < image->elements.count; i++)
		if (in->elements[i] != NULL && !in->dropped_elements[i])
			mark_words(heap, in->elements[i], elements[i].count);
}

static void mark_items(const struct registry *registry, struct gc_heap *heap,
		       const struct host_item *item)
{
	for (; item != NULL; item = item->next) {
		if (item->kind == EXTERN_GLOBAL)
			mark_global(registry, heap, &item->of.global);
		if (item->kind == EXTERN_TABLE)
			mark_table(registry, heap, &item->of.table);
	}
}

/*
 * What is in use of the value stack ends where the next call from C would begin, or with the innermost frame of the
 * guest's, which knows how much it can take.
 */
static void mark_stack(struct gc_heap *heap, const struct thread *thread)
{
	const struct frame *frame = thread->frame;
	const slot *end = thread->top;

	if (frame != NULL && frame->locals != NULL && frame->func->code != NULL)
		end = MAX(end, (const slot *)frame->locals + frame->func->frame);
	mark_words(heap, thread->values, (uint64_t)(MIN(end, thread->limit) - thread->values));
}

static void mark_roots(struct store *store, struct gc_heap *heap)
{
	const struct registry *registry = &store->common->registry;

	mark_stack(heap, &store->thread);
	mark_ref(heap, (slot)(uintptr_t)store->thread.exception);
	for (const struct gc_roots *roots = store->gc_roots; roots != NULL; roots = roots->next)
		mark_words(heap, roots->slots, roots->count);
	for (const struct instance *in = store->instances; in != NULL; in = in->next)
		mark_instance(registry, heap, in);
	mark_items(registry, heap, store->items);
	for (uint32_t i = 0; i < heap->pin_room; i++)
		if (heap->pins[i].ref != 0)
			mark_ref(heap, heap->pins[i].ref);
}

void gc_mark(struct store *store, struct gc_heap *heap)
{
	mark_roots(store, heap);
	drain(heap);
	for (heap->passes = 1; heap->mark_overflow; heap->passes++) {
		heap->mark_overflow = false;
		for (uint32_t i = 0; i < GC_CLASSES; i++)
			look_again(heap, heap->classes[i].blocks);
		look_again(heap, heap->large);
	}
}
