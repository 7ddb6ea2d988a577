/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h: how signals end a run.
 *
 * Every signal whose default action ends a process ends the guest with exit code 128 + number, for process 1
 * too, for whom the kernel drops what has no handler. A signal that was ignored when we were started stays
 * ignored; SIGPIPE and SIGXFSZ are errors of the guest's write instead. The rest is as the kernel has
 * it: stop, continue, window size, children, urgent data.
 *
 * A guest that serves connections is first asked to end, and has the time of grace for it. The second signal ends
 * it at once.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdint.h>
#include <time.h>

struct skiff_wasi;

/* Once, before anything is read. */
void signals_install(void);
/* From now on `wasi` (borrowed, for good) is asked to stop, and has so many milliseconds; 0: it is not asked. */
void signals_grace(struct skiff_wasi *wasi, uint64_t ms);
/* Call this, in the handler, before the process ends by a signal. */
void signals_before_exit(void (*fn)(void));
/*
 * In so many milliseconds `fn` is called with the timer, in the handler of SIGALRM, even if that signal was ignored or
 * blocked. The timer is borrowed until it is stopped. 0 or a negative errno.
 */
struct signals_timer {
	void (*fn)(struct signals_timer *timer);
	timer_t id; /* filled */
};
int signals_timer_start(struct signals_timer *timer, uint64_t ms);
void signals_timer_stop(struct signals_timer *timer);
/* The guest is done and we print: a reader that left ends us as it ends other tools. */
void signals_pipe_ends(void);

#endif
