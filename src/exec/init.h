/* SPDX-License-Identifier: Apache-2.0 */
/* init.h: constant expressions, run. */
#ifndef EXEC_INIT_H
#define EXEC_INIT_H

#include "exec/instance.h"
#include "exec/trap.h"

/*
 * The expression's value; ret has two slots (a v128 takes both). Globals before it must be set. A trap: there is no
 * memory for an object.
 */
enum trap init_value(struct instance *instance, const struct image_init *init, slot *ret);

/* The expression at an offset of the module. */
enum trap init_run(struct instance *instance, uint32_t at, slot *ret);

#endif
