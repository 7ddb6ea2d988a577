/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception.h: what is thrown, and who catches it. docs/abi.md, "Exceptions".
 *
 * An exception that is on its way is thread->exception, and the status of whoever is left by it STATUS_EXCEPTION. It is
 * taken from there by who catches it.
 */
#ifndef EXEC_EXCEPTION_H
#define EXEC_EXCEPTION_H

#include "exec/gc.h"
#include "exec/instance.h"
#include "exec/thread.h"

/* A new one with a copy of the slots; NULL: the heap is full. Not thrown yet. */
struct exception *exception_new(struct store *store, struct tag *tag, const slot *values);

/* It is on its way from here on. */
static inline enum status exception_throw(struct thread *thread, struct exception *exception)
{
	thread->exception = exception;
	thread->traced = false;
	return STATUS_EXCEPTION;
}

/* It has arrived. */
static inline struct exception *exception_take(struct thread *thread)
{
	struct exception *exception = thread->exception;

	thread->exception = NULL;
	thread->traced = false;
	return exception;
}

/* What catches an exception of this tag that comes out of the instruction around `pc`; NULL: nothing in its function. */
const struct image_catch *exception_catch(const struct instance *instance, const uint8_t *pc,
					  const struct tag *tag);

#endif
