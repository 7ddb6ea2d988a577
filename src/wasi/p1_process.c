/* SPDX-License-Identifier: Apache-2.0 */
/* p1_process.c: arguments, environment, random bytes, the end. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include "base/base.h"
#include "wasi/p1.h"

/* -- Arguments and environment -------------------------------------------------------------------- */

static uint32_t put_sizes(const struct p1 *p, const struct strings *strings, uint32_t count,
			  uint32_t bytes)
{
	if (p1_at(p, count, 4) == NULL || p1_at(p, bytes, 4) == NULL)
		return P1_FAULT;
	p1_put32(p, count, strings->count);
	p1_put32(p, bytes, (uint32_t)strings->bytes.size);
	return P1_SUCCESS;
}

/* The strings at `bytes`, and a pointer to each at `pointers`. */
static uint32_t put_strings(const struct p1 *p, const struct strings *strings, uint32_t pointers,
			    uint32_t bytes)
{
	const char *text = (const char *)strings->bytes.data;
	size_t size = strings->bytes.size;
	char *to = p1_at(p, bytes, size);

	if (to == NULL || p1_at(p, pointers, (uint64_t)strings->count * 4) == NULL)
		return P1_FAULT;
	if (size != 0)
		memcpy(to, text, size);
	for (uint32_t i = 0, at = 0; i < strings->count; i++) {
		p1_put32(p, pointers + i * 4, bytes + at);
		at += (uint32_t)strlen(text + at) + 1;
	}
	return P1_SUCCESS;
}

uint32_t p1_args_get(struct p1 *p, uint32_t argv, uint32_t bytes)
{
	return put_strings(p, &p->system->args, argv, bytes);
}

uint32_t p1_args_sizes_get(struct p1 *p, uint32_t count, uint32_t bytes)
{
	return put_sizes(p, &p->system->args, count, bytes);
}

uint32_t p1_environ_get(struct p1 *p, uint32_t environ, uint32_t bytes)
{
	return put_strings(p, &p->system->env, environ, bytes);
}

uint32_t p1_environ_sizes_get(struct p1 *p, uint32_t count, uint32_t bytes)
{
	return put_sizes(p, &p->system->env, count, bytes);
}

/* -- Random, scheduling ---------------------------------------------------------------------------- */

enum { AT_ONCE = 1 << 20 /* then a look whether the guest is to be ended */ };

uint32_t p1_random_get(struct p1 *p, uint32_t at, uint32_t size)
{
	uint8_t *to = p1_at(p, at, size);

	if (to == NULL)
		return P1_FAULT;
	while (size > 0) {
		ssize_t got = getrandom(to, MIN(size, (uint32_t)AT_ONCE), 0);

		if (wait_must_end(&p->waiter))
			return P1_INTR;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return p1_error(-errno);
		to += got;
		size -= (uint32_t)got;
	}
	return P1_SUCCESS;
}

uint32_t p1_sched_yield(struct p1 *p)
{
	(void)p;
	sched_yield();
	return P1_SUCCESS;
}

/* -- The end ------------------------------------------------------------------------------------------- */

static uint32_t end(struct p1 *p, int code)
{
	p->thread->exit_code = code;
	p->status = STATUS_EXIT;
	return P1_SUCCESS;
}

uint32_t p1_proc_exit(struct p1 *p, uint32_t code)
{
	return end(p, (int)code);
}

/* WASI's numbers of signals, in its order, as Linux has them; 0 where it has none. */
static const uint8_t signals[] = {
	0,       SIGHUP,    SIGINT,  SIGQUIT,  SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
	SIGFPE,  SIGKILL,   SIGUSR1, SIGSEGV,  SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,
	SIGCHLD, SIGCONT,   SIGSTOP, SIGTSTP,  SIGTTIN, SIGTTOU, SIGURG,  SIGXCPU,
	SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGPOLL, SIGPWR,  SIGSYS,
};

/* What the signal does by default. A guest cannot stop itself: nobody would know how to go on. */
uint32_t p1_proc_raise(struct p1 *p, uint32_t number)
{
	if (number >= ARRAY_SIZE(signals))
		return P1_INVAL;
	switch (signals[number]) {
	case 0:
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
		return P1_SUCCESS;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return P1_NOTSUP;
	}
	return end(p, 128 + signals[number]);
}
