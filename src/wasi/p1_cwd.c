/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_cwd.c: the working directory, where a libc keeps it.
 *
 * Preview 1 has none. wasi-libc keeps it in a variable of its own, a pointer to "/" at first, which getcwd() and every
 * relative path look at, and which nobody outside can name. It is found by what it is: a word in the module's data
 * that points to the string "/", loaded by a function that also stores the number of ERANGE, which getcwd() answers when
 * the buffer is too small. Found exactly once, it is pointed to our string. Another function that loads the word is the one
 * that makes relative paths absolute. That goes below the first KiB of
 * memory, where linkers put nothing (data begins at 1024; or the stack lies there, and this is its last end),
 * and only if all of it is still zero.
 *
 * Looking costs a pass over the code, but only for a guest that is given a working directory and has such a word.
 */
#include "wasi/p1_cwd.h"

#include <string.h>

#include "base/base.h"
#include "exec/instance.h"
#include "wasi/p1_abi.h"
#include "wasm/reader.h"
#include "wasm/skip.h"

enum {
	LOW_END = 1024,
	CANDIDATES = 16,
};

struct search {
	const struct instance *instance;
	uint32_t words[CANDIDATES]; /* addresses of words that point to "/" */
	uint32_t count;
	uint32_t found; /* the one word, 0: none */
	bool ambiguous;
	uint32_t loads[CANDIDATES]; /* by how many functions each is loaded */
};

static bool word_at(const struct memory *memory, uint64_t at, uint32_t *ret)
{
	if (!memory_contains(memory, at, sizeof(*ret)))
		return false;
	memcpy(ret, memory->base + at, sizeof(*ret));
	return true;
}

static bool is_root_string(const struct memory *memory, uint32_t at)
{
	return at >= LOW_END && memory_contains(memory, at, 2) &&
	       memcmp(memory->base + at, "/", 2) == 0;
}

/* Words of the module's data that point to "/". */
static void find_words(struct search *search)
{
	const struct image *image = search->instance->image;
	const struct memory *memory = search->instance->memory;
	const struct image_data *datas = IMAGE_ITEMS(image, struct image_data, datas);

	for (uint32_t i = 0; i < image->datas.count; i++) {
		uint64_t begin = datas[i].offset.value, end = begin + datas[i].bytes.size;
		uint32_t pointer;

		if (datas[i].mode != MODE_ACTIVE || datas[i].memory != 0 ||
		    datas[i].offset.kind != INIT_VALUE)
			continue;
		for (uint64_t at = align_up(begin, 4); at + 4 <= end; at += 4)
			if (word_at(memory, at, &pointer) && is_root_string(memory, pointer) &&
			    search->count < CANDIDATES)
				search->words[search->count++] = (uint32_t)at;
	}
}

static uint32_t constant_of(const struct instruction *in)
{
	struct reader r = {.at = in->immediates, .end = in->next};
	int32_t value = 0;

	reader_s32(&r, &value);
	return (uint32_t)value;
}

/* Which of the words is at this address; CANDIDATES: none. */
static uint32_t find_word(const struct search *search, uint32_t at)
{
	for (uint32_t i = 0; i < search->count; i++)
		if (search->words[i] == at)
			return i;
	return CANDIDATES;
}

/* The same of what a load reads at this address. */
static uint32_t find_loaded(const struct search *search, const struct instruction *in,
			    uint32_t address)
{
	struct instruction_access access = instruction_access(in);

	return access.memory == 0 ? find_word(search, address + (uint32_t)access.offset)
				  : CANDIDATES;
}

/* Which of the words this function loads, if it stores ERANGE; 0: none. */
static uint32_t word_of_func(struct search *search, const uint8_t *at, const uint8_t *end)
{
	bool stores = false, follows = false; /* a constant, directly */
	uint32_t constant = 0, loaded = CANDIDATES;

	while (at < end) {
		struct instruction in = instruction_at(at);
		uint32_t word = CANDIDATES;

		if (in.opcode == OP_I32_LOAD && follows)
			word = find_loaded(search, &in, constant);
		stores = stores || (in.opcode == OP_I32_STORE && follows && constant == P1_RANGE);
		follows = in.opcode == OP_I32_CONST;
		if (follows)
			constant = constant_of(&in);
		if (word != CANDIDATES && word != loaded) {
			loaded = word;
			search->loads[word]++;
		}
		at = in.next;
	}
	return stores && loaded != CANDIDATES ? search->words[loaded] : 0;
}

static void find_loads(struct search *search)
{
	const struct image *image = search->instance->image;
	const uint8_t *module = image_module(image);

	for (uint32_t i = image->imported_funcs; i < image->funcs.count; i++) {
		const struct image_func *func = image_func(image, i);
		uint32_t word = word_of_func(search, module + func->code, module + func->code_end);

		if (word == 0 || word == search->found)
			continue;
		search->ambiguous = search->found != 0;
		search->found = word;
	}
}

/* Our string, in memory nobody uses; 0: there is none. */
static uint32_t place_string(const struct memory *memory, const char *text)
{
	size_t size = strlen(text) + 1;
	uint32_t at = (uint32_t)(LOW_END - align_up(size, 16));

	if (size > LOW_END / 2 || memory->size < LOW_END)
		return 0;
	for (size_t i = 0; i < size; i++)
		if (memory->base[at + i] != 0)
			return 0;
	memcpy(memory->base + at, text, size);
	return at;
}

enum p1_cwd p1_cwd_set(struct instance *instance, const char *workdir)
{
	struct search search = {.instance = instance};
	uint32_t string;

	if (instance->memory->limits.is64 || instance->shown_memory != instance->memory)
		return P1_CWD_NONE;
	find_words(&search);
	if (search.count != 0)
		find_loads(&search);
	if (search.found == 0 || search.ambiguous)
		return P1_CWD_NONE;
	string = place_string(instance->memory, workdir);
	if (string == 0)
		return P1_CWD_NONE;
	memcpy(instance->memory->base + search.found, &string, sizeof(string));
	return search.loads[find_word(&search, search.found)] > 1 ? P1_CWD_PREPENDS : P1_CWD_TOLD;
}
