/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strings.c: what a small service does with text. Records are formatted, cut at their separators,
 * counted by word in a hash map that grows, sorted through a comparison function, and joined to a
 * report in a buffer that is reallocated as it fills. Everything is allocated and freed in mixed
 * order.
 */
#include "program.h"
#include "small_libc.h"

enum { RECORDS = 3000, WORD_MAX = 32 };

struct entry {
	char *word;         /* owned */
	struct entry *next; /* owned; in the same bucket */
	uint32_t count;
	uint32_t total;
};

struct map {
	struct entry **buckets; /* owned */
	uint32_t size;          /* a power of two */
	uint32_t used;
};

static uint32_t map_hash(const char *word)
{
	uint32_t hash = 2166136261u;

	for (; *word != '\0'; word++)
		hash = (hash ^ (unsigned char)*word) * 16777619u;
	return hash;
}

static void map_buckets(struct map *map, uint32_t size)
{
	map->size = size;
	map->buckets = sl_malloc(size * sizeof(*map->buckets));
	for (uint32_t i = 0; i < size; i++)
		map->buckets[i] = NULL;
}

static NOINLINE void map_grow(struct map *map)
{
	struct entry **old = map->buckets;
	uint32_t size = map->size;

	map_buckets(map, size * 2);
	for (uint32_t i = 0; i < size; i++)
		for (struct entry *e = old[i], *next; e != NULL; e = next) {
			struct entry **bucket = &map->buckets[map_hash(e->word) & (map->size - 1)];

			next = e->next;
			e->next = *bucket;
			*bucket = e;
		}
	sl_free(old);
}

static NOINLINE struct entry *map_get(struct map *map, const char *word)
{
	struct entry **bucket = &map->buckets[map_hash(word) & (map->size - 1)];
	struct entry *e;
	size_t size;

	for (e = *bucket; e != NULL; e = e->next)
		if (sl_compare(e->word, word) == 0)
			return e;
	size = sl_length(word) + 1;
	e = sl_malloc(sizeof(*e));
	e->word = sl_malloc(size);
	sl_copy(e->word, word, size);
	e->count = e->total = 0;
	e->next = *bucket;
	*bucket = e;
	if (++map->used > map->size)
		map_grow(map);
	return e;
}

static char *record_new(uint32_t i, uint32_t *seed)
{
	static const char *const verbs[] = {"open", "read", "write", "stat", "close", "sync"};
	const char *verb = verbs[random_next(seed) % 6];
	uint32_t host = random_next(seed) % 700, tag = random_next(seed) & 0xffff;
	long long offset = (long long)(int32_t)random_next(seed) * 1000;
	char line[128];
	size_t size;
	char *record;

	size = 1 + sl_format(line, sizeof(line), "%04u,%s,host%u,%x,%lld,%c", i, verb, host, tag,
			     offset, 'a' + (int)(i % 26));
	record = sl_malloc(size);
	sl_copy(record, line, size);
	return record;
}

static NOINLINE void record_count(struct map *map, const char *record)
{
	for (uint32_t field = 0; record != NULL; field++) {
		const char *end = sl_find(record, ',');
		size_t size = end != NULL ? (size_t)(end - record) : sl_length(record);
		char word[WORD_MAX];
		struct entry *e;

		size = size < WORD_MAX ? size : WORD_MAX - 1;
		sl_copy(word, record, size);
		word[size] = '\0';
		e = map_get(map, word);
		e->count++;
		e->total += field;
		record = end != NULL ? end + 1 : NULL;
	}
}

static int by_count_then_word(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return sl_compare(x->word, y->word);
}

static NOINLINE uint32_t report(struct map *map)
{
	struct entry **all = sl_malloc(map->used * sizeof(struct entry *));
	size_t count = 0, used = 0, room = 64;
	char *text = sl_malloc(room);
	uint32_t hash = 7;

	for (uint32_t i = 0; i < map->size; i++)
		for (struct entry *e = map->buckets[i]; e != NULL; e = e->next)
			all[count++] = e;
	sl_sort(all, count, sizeof(struct entry *), by_count_then_word);
	for (size_t i = 0; i < count; i++) {
		if (room - used < 64)
			text = sl_realloc(text, room *= 2);
		used += sl_format(text + used, room - used, "%8s %5u %u\n", all[i]->word,
				  all[i]->count, all[i]->total);
	}
	for (size_t i = 0; i < used; i++)
		hash = hash_u32(hash, (unsigned char)text[i]);
	sl_free(text);
	sl_free(all);
	return hash;
}

static void map_free(struct map *map)
{
	for (uint32_t i = 0; i < map->size; i++)
		for (struct entry *e = map->buckets[i], *next; e != NULL; e = next) {
			next = e->next;
			sl_free(e->word);
			sl_free(e);
		}
	sl_free(map->buckets);
}

static NOINLINE uint32_t once(void)
{
	static char *records[RECORDS];
	struct map map = {NULL, 0, 0};
	uint32_t seed = 12345, hash;

	sl_heap_reset();
	map_buckets(&map, 64);
	for (uint32_t i = 0; i < RECORDS; i++)
		records[i] = record_new(i, &seed);
	for (uint32_t i = 0; i < RECORDS; i++) {
		record_count(&map, records[i]);
		sl_free(records[i]);
		if (i % 3 == 0)
			records[i] = record_new(i + RECORDS, &seed);
	}
	hash = report(&map);
	for (uint32_t i = 0; i < RECORDS; i += 3)
		sl_free(records[i]);
	map_free(&map);
	return hash;
}

uint32_t run(uint32_t reps)
{
	uint32_t hash = 0;

	for (uint32_t r = 0; r < reps; r++) {
		hash = once();
		FORGET();
	}
	return hash;
}
