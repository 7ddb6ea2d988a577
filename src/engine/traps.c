/* SPDX-License-Identifier: Apache-2.0 */
/* traps.c: how a call ended, told to the embedder. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "wasm/skip.h"

struct trap_frame {
	struct skiff_frame frame;
	char function[120];
	char module[56];
};

struct skiff_trap {
	const char *code; /* static */
	char text[256];
	uint64_t depth;
	uint32_t count;
	struct trap_frame frames[]; /* innermost first */
};

/* -- Making -------------------------------------------------------------------------------- */

static struct skiff_name copy_name(char *to, size_t room, const struct image *image,
				   struct image_bytes name)
{
	size_t size = MIN(name.size, room);

	memcpy(to, image_module(image) + name.at, size);
	return (struct skiff_name){to, size};
}

/* The instruction in which the offset lies: a return address is behind its call's opcode. */
static size_t instruction_start(const struct image *image, const struct func *func, uint32_t offset)
{
	const uint8_t *pc = func->code;
	const uint8_t *wanted = image_module(image) + offset;
	struct instruction i = instruction_at(pc);

	while (i.next <= wanted)
		i = instruction_at(i.next);
	return (size_t)(i.at - image_module(image));
}

static void frame_out(struct trap_frame *to, const struct trace_frame *from)
{
	const struct image *image;

	to->frame = (struct skiff_frame){.index = from->func->index};
	if (from->func->code == NULL)
		return;
	image = from->func->of.instance->image;
	to->frame.function = copy_name(to->function, sizeof(to->function), image,
				       image_func_name(image, from->func->index));
	to->frame.module = copy_name(to->module, sizeof(to->module), image, image_name(image));
	if (from->offset != 0)
		to->frame.offset = instruction_start(image, from->func, from->offset);
}

static struct skiff_trap *trap_new(const struct thread *thread, const char *code, const char *text,
				   uint32_t count)
{
	struct skiff_trap *trap = calloc(1, sizeof(*trap) + count * sizeof(trap->frames[0]));

	if (trap == NULL)
		return NULL;
	trap->code = code;
	memcpy(trap->text, text, strnlen(text, sizeof(trap->text) - 1));
	trap->count = count;
	trap->depth = count != 0 ? thread->trace_depth : 0;
	for (uint32_t i = 0; i < count; i++)
		frame_out(&trap->frames[i], &thread->trace[i]);
	return trap;
}

static int give_trap(const struct thread *thread, enum trap code, uint32_t frames,
		     struct skiff_trap **ret, struct err *err)
{
	const char *text = code == TRAP_HOST ? thread->trap_text : trap_text(code);

	if (ret != NULL)
		*ret = trap_new(thread, trap_code(code), text, frames);
	return err_set(err, SKIFF_TRAP, "%s", text);
}

/* An exception that nobody caught: told as a trap is. */
static int give_exception(const struct thread *thread, struct skiff_trap **ret, struct err *err)
{
	char text[256];

	exception_text(thread->exception, text, sizeof(text));
	if (ret != NULL)
		*ret = trap_new(thread, "exception", text,
				thread->traced ? thread->trace_count : 0);
	return err_set(err, SKIFF_EXCEPTION, "%s", text);
}

int outcome_trap(struct store *store, enum trap code, struct skiff_trap **trap, struct err *err)
{
	return give_trap(&store->thread, code, 0, trap, err);
}

int outcome_of(struct store *store, enum status status, struct skiff_trap **trap, int *exit_code,
	       struct err *err)
{
	const struct thread *thread = &store->thread;

	switch (status) {
	case STATUS_OK:
		return 0;
	case STATUS_TRAP:
		return give_trap(thread, thread->trap, thread->trace_count, trap, err);
	case STATUS_EXCEPTION:
		return give_exception(thread, trap, err);
	case STATUS_EXIT:
		if (exit_code != NULL)
			*exit_code = thread->exit_code;
		return err_set(err, SKIFF_EXIT, "the guest exited with code %d", thread->exit_code);
	}
	return 0;
}

/* -- Reading ------------------------------------------------------------------------------- */

const char *skiff_trap_text(const struct skiff_trap *trap)
{
	return trap->text;
}

const char *skiff_trap_code(const struct skiff_trap *trap)
{
	return trap->code;
}

bool skiff_trap_frame(const struct skiff_trap *trap, uint32_t i, struct skiff_frame *ret)
{
	if (i >= trap->count)
		return false;
	*ret = trap->frames[i].frame;
	return true;
}

uint64_t skiff_trap_depth(const struct skiff_trap *trap)
{
	return trap->depth;
}

void skiff_trap_free(struct skiff_trap *trap)
{
	free(trap);
}
