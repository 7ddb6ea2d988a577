/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/gc.h"

#include <stdlib.h>

#include "exec/gc_heap.h"
#include "exec/objects.h"
#include "exec/store.h"

enum {
	MARK_MOST = 1 << 18, /* objects waiting to be looked into; more are found by another pass */
	POOR_MOST = 8, /* forced collections that freed little, in a row, before we call it full */
	POOR_SHARE = 32, /* little: this part of what there was */
};

/* The heap comes with the first object. */
static struct gc_heap *heap_of(struct store *store)
{
	struct gc_heap *heap = store->heap;

	if (LIKELY(heap != NULL))
		return heap;
	heap = calloc(1, sizeof(*heap));
	if (heap == NULL)
		return NULL;
	heap->registry = &store->common->registry;
	heap->limit = MAX(store->common->gc_bytes, (uint64_t)GC_STEP);
	heap->next = GC_STEP;
	heap->marks = heap->here;
	heap->mark_room = GC_MARK_HERE;
	heap->mark_most = MARK_MOST;
	store->heap = heap;
	return heap;
}

static void collect(struct store *store, struct gc_heap *heap)
{
	heap->since = 0;
	heap->collections++;
	if (heap->pins_lost)
		return;
	gc_mark(store, heap);
	gc_heap_sweep(heap);
	heap->next = MAX(heap->live, (uint64_t)GC_STEP);
}

/* There is no room: collect, unless that has led nowhere lately. What is little is told by what there is, not by our
 * limit: the store's limiter may have a smaller one. */
static bool make_room(struct store *store, struct gc_heap *heap)
{
	uint64_t before = heap->live + heap->since;

	collect(store, heap);
	if (before - MIN(before, heap->live) >= before / POOR_SHARE)
		heap->poor = 0;
	else
		heap->poor++;
	if (heap->poor <= POOR_MOST)
		return true;
	heap->poor = 0;
	return false;
}

struct object *gc_new(struct store *store, enum object_kind kind, uint32_t type, uint32_t length,
		      uint64_t bytes)
{
	struct gc_heap *heap = heap_of(store);
	struct object *object;

	(void)kind; /* the type says it */
	if (UNLIKELY(heap == NULL || bytes > heap->limit))
		return NULL;
	if (UNLIKELY(heap->since + bytes > heap->next || store->common->gc_always))
		collect(store, heap);
	object = gc_heap_alloc(store, heap, bytes);
	if (UNLIKELY(object == NULL) && make_room(store, heap))
		object = gc_heap_alloc(store, heap, bytes);
	if (UNLIKELY(object == NULL))
		return NULL;
	object->type = type;
	object->length = length;
	return object;
}

void gc_collect(struct store *store)
{
	if (store->heap != NULL)
		collect(store, store->heap);
}

struct gc_numbers gc_numbers(const struct store *store)
{
	const struct gc_heap *heap = store->heap;

	if (heap == NULL)
		return (struct gc_numbers){0};
	return (struct gc_numbers){heap->used, heap->objects, heap->collections};
}

void gc_deinit(struct store *store)
{
	if (store->heap == NULL)
		return;
	gc_heap_deinit(store->heap);
	free(store->heap);
	store->heap = NULL;
}

/* -- Roots of C code ------------------------------------------------------------------------- */

void gc_roots_push(struct store *store, struct gc_roots *roots)
{
	roots->next = store->gc_roots;
	store->gc_roots = roots;
}

void gc_roots_pop(struct store *store, struct gc_roots *roots)
{
	invariant(store->gc_roots == roots);
	store->gc_roots = roots->next;
}

/* -- The host's references ------------------------------------------------------------------- */

bool gc_is_object(const struct store *store, slot ref)
{
	struct gc_block *block;
	uint32_t cell;

	if (!ref_is_object(ref) || store->heap == NULL)
		return false;
	block = gc_heap_find(store->heap, ref);
	if (block == NULL || (uintptr_t)ref < (uintptr_t)block + block->first)
		return false;
	cell = gc_cell_of(block, (uintptr_t)ref);
	return cell < block->count && gc_cell_at(block, cell) == object_of(ref) &&
	       (*gc_allocated(block, cell) & GC_BIT(cell)) != 0;
}

static uint32_t pin_place(const struct gc_heap *heap, slot ref)
{
	uint32_t mask = heap->pin_room - 1;
	uint32_t at = (uint32_t)((ref * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

	while (heap->pins[at].ref != 0 && heap->pins[at].ref != ref)
		at = (at + 1) & mask;
	return at;
}

static bool grow_pins(struct gc_heap *heap)
{
	struct gc_pin *old = heap->pins;
	uint32_t old_room = heap->pin_room, room = old_room != 0 ? old_room * 2 : 16;
	struct gc_pin *pins = calloc(room, sizeof(*pins));

	if (pins == NULL)
		return false;
	heap->pins = pins;
	heap->pin_room = room;
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i].ref != 0)
			pins[pin_place(heap, old[i].ref)] = old[i];
	free(old);
	return true;
}

/* Without memory to note it nothing may die any more: the host's reference stays good, whatever that costs. */
void gc_pin(struct store *store, slot ref)
{
	struct gc_heap *heap = store->heap;
	struct gc_pin *pin;

	if (!gc_is_object(store, ref))
		return;
	if (heap->pin_count * 2 >= heap->pin_room && !grow_pins(heap)) {
		heap->pins_lost = true;
		return;
	}
	pin = &heap->pins[pin_place(heap, ref)];
	heap->pin_count += pin->ref == 0;
	pin->ref = ref;
	pin->count++;
}

/* Close the gap as a set of open addressing must. */
static void drop_pin(struct gc_heap *heap, uint32_t gap)
{
	uint32_t mask = heap->pin_room - 1;

	heap->pins[gap] = (struct gc_pin){0, 0};
	heap->pin_count--;
	for (uint32_t at = (gap + 1) & mask; heap->pins[at].ref != 0; at = (at + 1) & mask) {
		struct gc_pin pin = heap->pins[at];

		heap->pins[at] = (struct gc_pin){0, 0};
		heap->pins[pin_place(heap, pin.ref)] = pin;
	}
}

void gc_unpin(struct store *store, slot ref)
{
	struct gc_heap *heap = store->heap;
	uint32_t at;

	if (heap == NULL || heap->pin_room == 0 || ref == 0)
		return;
	at = pin_place(heap, ref);
	if (heap->pins[at].ref == ref && --heap->pins[at].count == 0)
		drop_pin(heap, at);
}
