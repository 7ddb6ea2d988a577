/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c: `skiff stop` and `skiff rm`: the end of containers, of several at a time. */
#include "base/err.h"
#include "cli/cage.h"
#include "cli/containers.h"
#include "cli/signal_name.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "runtime/leftover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TIME = 1, FORCE };
enum { PATIENCE_MS = 10000, KILLED_MS = 10000, PAUSE_MS = 10 };

const struct option stop_options[] = {
	{TIME, 't', "time", "TIME", "until it is killed (default 10 seconds)"},
	{0},
};
const char stop_details[] =
	"It hears its stop signal, which is SIGTERM unless its image or --stop-signal says "
	"otherwise, and is\n"
	"killed when it goes on nevertheless. One that has ended already is no mistake.\n";
const struct option rm_options[] = {
	{FORCE, 'f', "force", NULL, "end it first; a container that is not there is no mistake"},
	{0},
};
const char rm_details[] = "Its log goes, too.\n";

struct request {
	uint64_t ms;
	bool force;
};

typedef int each_fn(struct known *known, const struct request *q, struct err *err);

static int one(const char *word, const struct request *q, each_fn *each)
{
	char id[STATE_ID_MAX + 1];
	struct err err = {""};
	struct known known;
	struct out out;
	int error = containers_open(&known, word, id, &err);

	if (error == -ENOENT && q->force)
		return EXIT_OK;
	if (error == 0) {
		error = each(&known, q, &err);
		known_close(&known);
	} else if (q->force && error != -ENOTUNIQ) {
		error = containers_forget(word, &err); /* its state is damaged */
	}
	if (error != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, "%s\n", word);
	return out_end(&out, EXIT_OK);
}

/* Whatever becomes of one, the others have their turn. */
static int all(const struct verb *verb, char **args, each_fn *each)
{
	struct request q = {.ms = PATIENCE_MS};
	int id, count = 0, code = EXIT_OK;
	struct options o;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		count += id == OPTIONS_WORD;
		q.force |= id == FORCE;
		if (id == TIME && !options_duration(&o, &q.ms))
			return o.code;
	}
	if (count == 0)
		return options_missing(&o, "ID");
	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (id == OPTIONS_WORD && one(o.value, &q, each) != EXIT_OK)
			code = EXIT_BAD;
	return code;
}

/* -- stop ------------------------------------------------------------------------------------------------- */

static void rest(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	nanosleep(&pause, NULL);
}

/* Until its process is gone, or so long. */
static bool is_over_in(const struct known *known, uint64_t ms)
{
	const struct state_process *init = &known->state.init;
	struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, init->pid, 0), .events = POLLIN};

	if (fd.fd >= 0) {
		if (state_is_alive(init))
			poll(&fd, 1, ms < INT32_MAX ? (int)ms : -1);
		close(fd.fd);
	} else {
		for (uint64_t waited = 0; waited < ms && state_is_alive(init); waited += PAUSE_MS)
			rest();
	}
	return !state_is_alive(init);
}

static int stop_signal(const struct known *known)
{
	const char *name = known->bundle.spec == NULL
				   ? NULL
				   : oci_annotation(known->bundle.spec, CAGE_STOP_SIGNAL_NOTE);
	int number = name == NULL ? -1 : signal_name_number(name);

	return number > 0 ? number : SIGTERM;
}

static int stop(struct known *known, const struct request *q, struct err *err)
{
	int error;

	if (known->status == KNOWN_STOPPED)
		return 0;
	error = known_signal(known, stop_signal(known), false, err);
	/* What stands still hears nothing but the end. */
	if (error == 0 && known->status == KNOWN_PAUSED)
		error = known_resume(known, err);
	if (error == 0 && !is_over_in(known, q->ms)) {
		error = known_signal(known, SIGKILL, false, err);
		if (error == 0 && !is_over_in(known, KILLED_MS))
			error = leftover_does_not_end(known->state.init.pid, err);
	}
	if (error == -ESRCH)
		error = 0; /* it was faster */
	if (error == 0)
		leftover_eventually(containers_is_settled, known);
	return error;
}

int stop_verb(const struct verb *verb, char **args)
{
	return all(verb, args, stop);
}

/* -- rm ------------------------------------------------------------------------------------------------------ */

static int rm(struct known *known, const struct request *q, struct err *err)
{
	struct err warning = {""};
	int error = containers_delete(known, q->force, &warning, err);

	if (warning.text[0] != '\0')
		say_note(SAY_WARNING, NULL, "%s", warning.text);
	return error;
}

int rm_verb(const struct verb *verb, char **args)
{
	return all(verb, args, rm);
}
