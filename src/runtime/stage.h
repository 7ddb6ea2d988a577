/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h: what the process of a container does until it is one.
 *
 *   stage_begin()   the plan is read; we are in the host's namespaces, with all rights: open what is the node's
 *   stage_enter()   namespaces, names, mounts, root: from here on the container's world is all there is
 *   ...             what lies in it is opened, and not yet looked into
 *   stage_shut()    become the user, shut the cage. For good
 *   ...             the module is read and linked: whatever can fail has
 *   stage_await()   tell, and wait for the word
 *   stage_end()     nothing of this is needed any more: the guest begins
 *
 * Every failure until the word has come is told to whoever waits (stage_fail), who says it to a person; so is what is no failure
 * and worth knowing (stage_note). A process that is added to a container (plan.beside) takes the same way: where the first one
 * makes a view it joins that.
 */
#ifndef RUNTIME_STAGE_H
#define RUNTIME_STAGE_H

#include "base/err.h"
#include "oci/spec.h"
#include "runtime/message.h"
#include "runtime/plan.h"
#include "runtime/terms.h"

struct stage {
	struct plan plan;
	int socket; /* owned: to whoever waits; -1: nobody does */
	struct terms terms;
	struct oci_spec *spec; /* owned, for good */
	char *bundle; /* owned, for good: its path, for hooks */
	bool is_shut;
	int below; /* owned: what a scratch root lies on; -1: the root is none */
	int module; /* owned: to be handed out with the word that we are ready, since the cache lacks it; -1: none */
};

int stage_begin(struct stage *ret, struct err *err);
int stage_enter(struct stage *stage, struct err *err);
/*
 * `fd` was opened by that path, and nobody has written to the root yet: the same file, as it lies below a scratch root, where the cache
 * knows it again. Takes the descriptor; the answer is that one, or another in its place.
 */
int stage_below(struct stage *stage, const char *path, int fd);
/* Where there are startContainer hooks, which are programs: stage_await() does it, behind them. */
int stage_shut(struct stage *stage, struct err *err);
int stage_await(struct stage *stage, struct err *err);
/* What is no mistake: MESSAGE_WARNING or MESSAGE_INFO. Until the word has come. */
void stage_note(const struct stage *stage, enum message_kind kind, const char *text);
/* The guest is about to run: what the stage needed is given back, with all that was borrowed from it. */
void stage_end(struct stage *stage);
/* The exit code and why. */
void stage_fail(const struct stage *stage, int code, const char *text);

#endif
