/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.h: what `skiff run` made: how it is found by what a person types, and where what it said lies.
 *
 *   DIR/containers/ID/log, log.1    DIR is the one the store of images lies in; log.h says what they hold
 */
#ifndef CLI_CONTAINERS_H
#define CLI_CONTAINERS_H

#include <stdbool.h>

#include "base/err.h"
#include "runtime/known.h"

enum { CONTAINERS_MADE_UP = 12 }; /* digits of an ID that nobody chose */

/* An ID of random digits. */
int containers_make_id(char id[static CONTAINERS_MADE_UP + 1], struct err *err);
/*
 * The container of this ID, or the only one made by `skiff run` whose ID begins so. As known_open(); -ENOTUNIQ: there are several. `id` is
 * what known->id borrows.
 */
int containers_open(struct known *ret, const char *word, char id[static STATE_ID_MAX + 1],
		    struct err *err);
/*
 * Of one (a struct known) whose process has ended: whoever looks after it has written down how, or has removed it, or is not there; so
 * that nothing more is said, and nothing more will be known.
 */
bool containers_is_settled(const void *known);
/* The directory of a container's log, made where that is asked for; a descriptor. */
int containers_log(const char *id, bool make, struct err *err);
/* It and all it holds goes; it may be missing. */
void containers_forget_log(const char *id);
/* As known_delete(); then its log goes. */
int containers_delete(struct known *known, bool force, struct err *warning, struct err *err);
/* The same for known_forget(). */
int containers_forget(const char *id, struct err *err);

#endif
