/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cage.h"

#include "base/base.h"
#include "base/text.h"
#include "cli/signal_name.h"
#include "cli/wasi.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "skiff.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_LEAST = 512 << 10 };

static int keep(struct cage *cage, int id, const char *value)
{
	struct cage_option *options = realloc(cage->options, (cage->count + 1) * sizeof(*options));

	if (options == NULL)
		return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
	cage->options = options;
	cage->options[cage->count++] = (struct cage_option){id, value};
	return EXIT_OK;
}

static int add_text(struct buf *list, const char *text)
{
	return buf_put(list, text, strlen(text) + 1) != NULL
		       ? EXIT_OK
		       : say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
}

/* What it is, is found out where the guest gets it; that it is there, here. */
static int add_socket(struct cage *cage, struct options *o)
{
	uint64_t number;

	if (!options_u64(o, &number))
		return o->code;
	if (number > INT_MAX || fcntl((int)number, F_GETFD) < 0)
		return say(number > INT_MAX ? EXIT_USAGE : EXIT_BAD, NULL,
			   "option '--listen-fd': '%s' is no descriptor", o->value);
	if (cage->socket_count == ARRAY_SIZE(cage->sockets))
		return say(EXIT_USAGE, NULL,
			   "option '--listen-fd': more than %zu do not go into a cage",
			   ARRAY_SIZE(cage->sockets));
	cage->sockets[cage->socket_count++] = (int)number;
	return add_text(&cage->listen, "");
}

static int set_threads(struct cage *cage, struct options *o)
{
	uint64_t number;

	if (!options_u64(o, &number))
		return o->code;
	cage->threads = (uint32_t)MIN(number, (uint64_t)UINT32_MAX);
	cage->has_threads = true;
	return EXIT_OK;
}

/* -- Options that say how the container is to be -------------------------------------------------------- */

/* As others write it: 64m and 64M are the same, and b alone is bytes. */
static bool take_size(struct options *o, uint64_t *ret)
{
	char text[32];
	size_t size = strlen(o->value);

	if (size > 0 && size < sizeof(text)) {
		for (size_t i = 0; i <= size; i++)
			text[i] = (char)toupper((unsigned char)o->value[i]);
		if (size > 1 && text[size - 1] == 'B' && isdigit((unsigned char)text[size - 2]))
			text[size - 1] = '\0';
		if (text_parse_size(text, ret) && *ret > 0 && *ret <= INT64_MAX)
			return true;
	}
	o->code = say(EXIT_USAGE, NULL, "option '--%s': '%s' is no size, such as 64m or 1G",
		      o->name, o->value);
	return false;
}

/* With less than MEMORY_LEAST no container comes up: whoever asks for 64 means 64m. */
static int take_memory(struct options *o, uint64_t *ret)
{
	if (!take_size(o, ret))
		return o->code;
	return *ret >= MEMORY_LEAST
		       ? EXIT_OK
		       : say(EXIT_USAGE, NULL,
			     "option '--memory': '%s' is less than the 512k that a container takes "
			     "at least; 64m is 64 MiB",
			     o->value);
}

/* A number with a fraction, in hundred thousandths. */
static bool take_cpus(struct options *o, uint64_t *ret)
{
	const char *at = o->value;
	uint64_t whole = 0, part = 0, unit = CAGE_CPU_PERIOD;
	size_t digits = strspn(at, "0123456789");

	for (; digits < 8 && *at >= '0' && *at <= '9'; at++)
		whole = whole * 10 + (uint64_t)(*at - '0');
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++)
			part += (uint64_t)(*at - '0') * (unit /= 10);
	*ret = whole * CAGE_CPU_PERIOD + part;
	/* The kernel takes no less than a millisecond. */
	if (*at == '\0' && *ret >= 1000)
		return true;
	o->code = say(EXIT_USAGE, NULL,
		      "option '--cpus': '%s' is no number of CPUs, such as 2 or 0.5", o->value);
	return false;
}

static int bad_port(const char *value)
{
	return say(EXIT_USAGE, NULL,
		   "option '--publish': '%s' is not PORT or PORT:PORT, of numbers up to 65535",
		   value);
}

static bool parse_port(const char *text, size_t size, uint64_t *ret)
{
	char number[8];

	if (size == 0 || size >= sizeof(number))
		return false;
	memcpy(number, text, size);
	number[size] = '\0';
	return text_parse_u64(number, ret) && *ret > 0 && *ret <= 65535;
}

/*
 * [IP:]PORT[:PORT][/tcp]. There is nothing to be set up: the guest listens on the host. So a port can be no other outside than
 * inside, and an address is the guest's choice.
 */
static int check_port(const char *value)
{
	size_t size = strcspn(value, "/");
	const char *last = memrchr(value, ':', size), *first = value;
	uint64_t inside, outside;

	last = last != NULL ? last + 1 : value;
	if (!parse_port(last, (size_t)(value + size - last), &inside))
		return bad_port(value);
	if (last == value)
		return EXIT_OK;
	first = memrchr(value, ':', (size_t)(last - 1 - value));
	first = first != NULL ? first + 1 : value;
	if (last - 1 == first)
		outside = inside; /* IP::PORT */
	else if (!parse_port(first, (size_t)(last - 1 - first), &outside))
		return bad_port(value);
	if (outside != inside)
		return say(EXIT_USAGE, NULL,
			   "option '--publish': '%s': the container has the host's network, where "
			   "the guest listens on port %d itself: publish %d, or tell the guest to "
			   "listen on %d",
			   value, (int)inside, (int)inside, (int)outside);
	if (first != value)
		say_note(SAY_WARNING, NULL,
			 "option '--publish': '%s': which address the guest listens on is its own "
			 "choice",
			 value);
	return EXIT_OK;
}

static int check_signal(const char *name)
{
	return signal_name_number(name) > 0
		       ? EXIT_OK
		       : say(EXIT_USAGE, NULL, "option '--stop-signal': '%s' is no signal", name);
}

static int set_text(const char **ret, const char *text)
{
	*ret = text;
	return EXIT_OK;
}

static int set(bool *flag)
{
	*flag = true;
	return EXIT_OK;
}

/* Is the container to have the network that it is asked for; the last one counts. */
static int set_network(struct cage *cage, const char *value)
{
	if (strcmp(value, "none") == 0)
		return keep(cage, WASI_NO_NETWORK, NULL);
	if (strcmp(value, "host") == 0)
		return keep(cage, WASI_NO_NETWORK, "host");
	return say(EXIT_USAGE, NULL,
		   "option '--network': there is 'host' and 'none', and no '%s': nobody here "
		   "connects networks",
		   value);
}

/* table-like: an option a case */
static int take(struct cage *cage, struct options *o, int id)
{
	switch (id) {
	case CAGE_DETACH:
		return set(&cage->detach);
	case CAGE_INTERACTIVE:
		return set(&cage->interactive);
	case CAGE_TTY:
		return set(&cage->tty);
	case CAGE_NAME:
		return set_text(&cage->name, o->value);
	case CAGE_RM:
		return set(&cage->removed);
	case CAGE_PUBLISH:
		cage->published = true;
		return check_port(o->value);
	case CAGE_USER:
		return set_text(&cage->user, o->value);
	case CAGE_MEMORY:
		return take_memory(o, &cage->memory);
	case CAGE_CPUS:
		return take_cpus(o, &cage->cpu_quota) ? EXIT_OK : o->code;
	case CAGE_PIDS:
		return options_u64(o, &cage->pids) ? EXIT_OK : o->code;
	case CAGE_READ_ONLY:
		return set(&cage->read_only);
	case CAGE_NETWORK:
		return set_network(cage, o->value);
	case CAGE_ENTRYPOINT:
		return set_text(&cage->entrypoint, o->value);
	case CAGE_HOSTNAME:
		return set_text(&cage->hostname, o->value);
	case CAGE_STOP_SIGNAL:
		return set_text(&cage->stop_signal, o->value), check_signal(o->value);
	case CAGE_PARENT:
		return set_text(&cage->parent, o->value);
	case CAGE_LOG_SIZE:
		return take_size(o, &cage->log_bytes) ? EXIT_OK : o->code;
	default:
		return keep(cage, id, o->value);
	}
}

bool cage_option(struct cage *cage, struct options *o, int id)
{
	if (id >= CAGE_DETACH && cage->first == NULL)
		cage->first = o->name;
	switch (id) {
	case WASI_LISTEN_FD:
		o->code = add_socket(cage, o);
		break;
	case WASI_TCPLISTEN:
		o->code = o->value[0] != '\0'
				  ? add_text(&cage->listen, o->value)
				  : say(EXIT_USAGE, NULL, "option '--tcplisten': '' is no address");
		break;
	case WASI_ALLOW_NET:
		o->code = add_text(&cage->allow, o->value);
		break;
	case WASI_MAX_THREADS:
		o->code = set_threads(cage, o);
		break;
	default:
		o->code = take(cage, o, id);
	}
	return o->code == EXIT_OK;
}

bool cage_has_group(const struct cage *cage)
{
	return cage->detach || cage->memory != 0 || cage->cpu_quota != 0 || cage->pids != 0 ||
	       cage->parent != NULL;
}

void cage_terms(const struct cage *cage, struct terms *ret)
{
	ret->allow =
		(struct terms_list){(const char *)cage->allow.data, (uint32_t)cage->allow.size};
	ret->listen =
		(struct terms_list){(const char *)cage->listen.data, (uint32_t)cage->listen.size};
	ret->threads = cage->threads;
	ret->has_threads = cage->has_threads;
}

const char *cage_last(const struct cage *cage, int id, const char *otherwise)
{
	for (size_t i = cage->count; i-- > 0;)
		if (cage->options[i].id == id)
			return cage->options[i].value;
	return otherwise;
}
