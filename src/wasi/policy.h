/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h: whom the guest may talk to.
 *
 * Everyone, nobody, or a list of rules "HOST:PORT". HOST is an address (IPv6 in brackets), ADDRESS/BITS, a name or "*";
 * PORT a number, FIRST-LAST or "*". A rule with a name lets the guest resolve it, and reach the addresses that came of
 * it; "localhost" has its addresses from the start. Rules hold for connecting, sending, and for the address
 * a socket is bound to or listens on.
 *
 * An address is an address however it is written: ::ffff:a.b.c.d is a.b.c.d, and no IPv6 prefix covers it. The addresses
 * that mean "all of this machine" (0.0.0.0 and ::) are addresses like others: a rule has to name or cover them.
 * Binding to port 0 chooses nothing that sending without a bind would not, so net.c asks no rule for it, but
 * listening does, with the port the kernel chose.
 */
#ifndef WASI_POLICY_H
#define WASI_POLICY_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

enum policy_kind { POLICY_NOBODY, POLICY_EVERYONE, POLICY_LIST };

struct policy {
	pthread_mutex_t lock; /* of `learned` */
	enum policy_kind kind;
	struct buf rules;     /* struct policy_rule; fixed once the guest runs */
	struct buf learned;   /* addresses of allowed names; the oldest give way */
};

/* NOBODY. */
void policy_init(struct policy *policy);
void policy_deinit(struct policy *policy);
/* -EINVAL with the sentence. The first rule turns what there was into LIST. */
int policy_allow(struct policy *policy, const char *rule, struct err *err);

/* May sockets be opened at all. */
bool policy_opens(const struct policy *policy);
bool policy_reaches(struct policy *policy, const struct sockaddr *address);
/* May this name be looked up. */
bool policy_resolves(const struct policy *policy, const char *name);
/* Addresses came of an allowed name, from somewhere the guest cannot write. Nothing happens where no rule names it. */
int policy_learn(struct policy *policy, const char *name, const struct sockaddr *address);

#endif
