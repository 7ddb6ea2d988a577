/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h: the functions of runtime.def, and the table compiled code reaches them by. */
#ifndef EXEC_RUNTIME_H
#define EXEC_RUNTIME_H

#include "exec/instance.h"
#include "exec/thread.h"

#define RUNTIME(name, params) enum trap runtime_##name params;
#include "exec/runtime.def"
#undef RUNTIME

struct runtime_table {
#define RUNTIME(name, params) enum trap(*name) params;
#include "exec/runtime.def"
#undef RUNTIME
};

extern const struct runtime_table runtime_table;

/* Item `i` of an element segment, which is in bounds. A trap: no memory for an object it makes. */
enum trap runtime_element_value(struct instance *instance, const struct image_element *element,
				uint32_t i, slot *ret);
/* Copy `count` items of an element segment to a table; the bounds hold. */
enum trap runtime_put_elements(struct instance *instance, const struct image_element *element,
			       struct table *table, uint64_t to, uint32_t from, uint32_t count);

#endif
