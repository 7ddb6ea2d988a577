/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_files.c: resolv.conf(5), hosts(5) and services(5): bytes to addresses, settings and ports.
 *
 * The guest may have written these files, so any bytes will do: each is read up to FILE_MAX, in whole lines, and
 * gone through once. What is no regular file counts as none, and is opened without waiting, so that a FIFO
 * in its place holds nobody up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/path.h"
#include "wasi/resolver_parts.h"

enum { FILE_MAX = 1 << 20 };

/* -- Reading -------------------------------------------------------------------------------------- */

/* The mount with the longest prefix of an absolute path; *ret_rest is what is below it. */
static uint32_t find_mount(const struct mounts *mounts, const char *path, const char **ret_rest)
{
	uint32_t best = MOUNTS_NONE;
	size_t best_size = 0;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const char *guest = mounts->items[i].guest;
		size_t size = strlen(guest);

		if (strncmp(path, guest, size) != 0 || path[size] != '/' ||
		    (best != MOUNTS_NONE && size < best_size))
			continue;
		best = i;
		best_size = size;
	}
	if (best != MOUNTS_NONE)
		*ret_rest = path + best_size + 1;
	return best;
}

/* The guest's file, or -1. */
static int open_guest(const struct mounts *mounts, const char *path)
{
	struct place top = {.mounts = mounts, .path = ""};
	struct opened opened;

	top.mount = find_mount(mounts, path, &path);
	if (top.mount == MOUNTS_NONE)
		return -1;
	top.fd = mounts->items[top.mount].fd;
	if (path_open(&top, path, strlen(path), O_RDONLY, 0, &opened) != 0)
		return -1;
	free(opened.path);
	return opened.fd;
}

/* Up to FILE_MAX bytes of a regular file, ending with a whole line. */
static int read_regular(int fd, struct buf *ret)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
		return 1;
	while (ret->size < FILE_MAX) {
		size_t room = MIN((size_t)FILE_MAX - ret->size, 4096);
		ssize_t n;

		if (buf_reserve(ret, room) < 0)
			return -ENOMEM;
		n = read(fd, ret->data + ret->size, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		ret->size += (size_t)n;
	}
	while (ret->size > 0 && ret->data[ret->size - 1] != '\n')
		ret->size--;
	return 0;
}

/* Closes fd; 1: there is no such file. */
static int read_and_close(int fd, struct buf *ret)
{
	int rc;

	if (fd < 0)
		return 1;
	rc = read_regular(fd, ret);
	close(fd);
	return rc;
}

int resolver_read(struct system *system, const char *path, struct buf *ret)
{
	struct buf buf = {0};
	int rc = 1;

	if (system->policy.kind != POLICY_LIST)
		rc = read_and_close(open_guest(&system->mounts, path), &buf);
	if (rc == 1)
		rc = read_and_close(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), &buf);
	if (rc < 0) {
		buf_deinit(&buf);
		return rc;
	}
	*ret = buf;
	return 0;
}

/* -- Lines and words ------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Cut the first line off. False: there is none. */
static bool next_line(struct span *text, struct span *ret)
{
	const char *end;

	if (text->size == 0)
		return false;
	end = memchr(text->at, '\n', text->size);
	ret->at = text->at;
	ret->size = end != NULL ? (size_t)(end - text->at) : text->size;
	text->at += ret->size;
	text->size -= ret->size;
	if (text->size > 0) {
		text->at++;
		text->size--;
	}
	return true;
}

/* The part before the first of these characters. */
static struct span before(struct span line, const char *marks)
{
	for (size_t i = 0; i < line.size; i++)
		if (line.at[i] != '\0' && strchr(marks, line.at[i]) != NULL)
			line.size = i;
	return line;
}

/* Cut the first word off. */
static bool next_word(struct span *line, struct span *ret)
{
	size_t from = 0;
	size_t to;

	while (from < line->size && is_blank(line->at[from]))
		from++;
	for (to = from; to < line->size && !is_blank(line->at[to]);)
		to++;
	*ret = (struct span){line->at + from, to - from};
	line->at += to;
	line->size -= to;
	return to > from;
}

static bool is_word(struct span word, const char *text)
{
	return word.size == strlen(text) && strncasecmp(word.at, text, word.size) == 0;
}

/* Decimal digits, nothing else; `max` where it is more. */
static bool parse_number(struct span word, uint32_t max, uint32_t *ret)
{
	uint32_t number = 0;

	for (size_t i = 0; i < word.size; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(word.at[i] - '0');
		number = MIN(number, (uint32_t)1 << 24);
	}
	if (word.size == 0)
		return false;
	*ret = MIN(number, max);
	return true;
}

/* -- Addresses ------------------------------------------------------------------------------------ */

/* The number of an interface; 0: there is none. if_nametoindex() would open a unix socket, which a cage refuses. */
static uint32_t find_interface(struct span name)
{
	struct ifreq request = {0};
	int fd;
	int rc;

	if (name.size == 0 || name.size >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name.at, name.size);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	rc = ioctl(fd, SIOCGIFINDEX, &request);
	close(fd);
	return rc < 0 ? 0 : (uint32_t)request.ifr_ifindex;
}

bool resolver_numeric(struct span text, union net_address *ret)
{
	char address[INET6_ADDRSTRLEN];
	struct span bare = before(text, "%");
	union net_address parsed = {0};
	struct span scope = {bare.at + bare.size, text.size - bare.size};
	uint32_t number = 0;

	if (bare.size >= sizeof(address))
		return false;
	memcpy(address, bare.at, bare.size);
	address[bare.size] = '\0';
	if (strlen(address) != bare.size)
		return false;
	if (scope.size == 0 && inet_pton(AF_INET, address, &parsed.in.sin_addr) == 1) {
		parsed.in.sin_family = AF_INET;
		*ret = parsed;
		return true;
	}
	if (inet_pton(AF_INET6, address, &parsed.in6.sin6_addr) != 1)
		return false;
	if (scope.size > 0) {
		scope = (struct span){scope.at + 1, scope.size - 1};
		if (!parse_number(scope, UINT32_MAX, &number))
			number = find_interface(scope);
		if (number == 0)
			return false;
	}
	parsed.in6.sin6_family = AF_INET6;
	parsed.in6.sin6_scope_id = number;
	*ret = parsed;
	return true;
}

bool resolver_fits(const union net_address *address, int family)
{
	return family == AF_UNSPEC || family == address->any.sa_family;
}

static bool is_same(const union net_address *a, const union net_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

void resolver_add(struct resolved_addresses *ret, const union net_address *address)
{
	for (uint32_t i = 0; i < ret->count; i++)
		if (is_same(&ret->items[i], address))
			return;
	if (ret->count < RESOLVER_MAX)
		ret->items[ret->count++] = *address;
}

/* -- resolv.conf ---------------------------------------------------------------------------------- */

/* "NAME:" in front of a number of at least `min`. */
static void set_number(struct span word, const char *name, uint32_t min, uint32_t max,
		       uint32_t *field)
{
	size_t size = strlen(name);
	uint32_t number;

	if (word.size <= size || strncmp(word.at, name, size) != 0)
		return;
	if (parse_number((struct span){word.at + size, word.size - size}, max, &number))
		*field = MAX(number, min);
}

static void parse_options(struct span line, struct resolver_config *config)
{
	struct span word;

	while (next_word(&line, &word)) {
		set_number(word, "ndots:", 0, RESOLVER_NDOTS, &config->ndots);
		set_number(word, "timeout:", 1, RESOLVER_TIMEOUT, &config->timeout);
		set_number(word, "attempts:", 1, RESOLVER_ATTEMPTS, &config->attempts);
		config->rotate |= is_word(word, "rotate");
		config->tcp |= is_word(word, "use-vc");
		config->single |=
			is_word(word, "single-request") || is_word(word, "single-request-reopen");
	}
}

/* A later list replaces an earlier one. "." adds nothing to what is asked anyway. */
static void parse_search(struct span line, uint32_t max, struct resolver_config *config)
{
	struct span word;

	config->search_count = 0;
	while (config->search_count < max && next_word(&line, &word)) {
		if (word.at[word.size - 1] == '.')
			word.size--;
		if (word.size > 0)
			config->search[config->search_count++] = word;
	}
}

void resolver_config_parse(struct span text, struct resolver_config *ret)
{
	struct resolver_config config = {.ndots = 1, .timeout = 5, .attempts = 2};
	struct span line;
	struct span word;

	while (next_line(&text, &line)) {
		if (line.size > 0 && (line.at[0] == '#' || line.at[0] == ';'))
			continue;
		if (!next_word(&line, &word))
			continue;
		if (is_word(word, "nameserver")) {
			if (config.server_count < RESOLVER_SERVERS && next_word(&line, &word) &&
			    resolver_numeric(word, &config.servers[config.server_count]))
				config.server_count++;
		} else if (is_word(word, "search")) {
			parse_search(line, RESOLVER_SEARCH, &config);
		} else if (is_word(word, "domain")) {
			parse_search(line, 1, &config);
		} else if (is_word(word, "options")) {
			parse_options(line, &config);
		}
	}
	*ret = config;
}

/* -- hosts, services ------------------------------------------------------------------------------ */

/* Is the name among these words? */
static bool has_word(struct span line, const char *name)
{
	struct span word;

	while (next_word(&line, &word))
		if (is_word(word, name))
			return true;
	return false;
}

void resolver_hosts_find(struct span text, const char *name, int family,
			 struct resolved_addresses *ret)
{
	struct span line;

	while (next_line(&text, &line)) {
		union net_address address;
		struct span first;
		struct span word;

		line = before(line, "#");
		/* The names before the address: most lines of a long file are of others. */
		if (!next_word(&line, &first) || !has_word(line, name) ||
		    !resolver_numeric(first, &address) || !resolver_fits(&address, family))
			continue;
		if (ret->count == 0 && next_word(&line, &word) && word.size < sizeof(ret->name)) {
			memcpy(ret->name, word.at, word.size);
			ret->name[word.size] = '\0';
		}
		resolver_add(ret, &address);
	}
}

/* PORT/PROTOCOL */
static bool parse_port(struct span word, const char *protocol, uint16_t *ret)
{
	struct span digits = before(word, "/");
	struct span rest = {digits.at + digits.size, word.size - digits.size};
	uint32_t port;

	if (rest.size < 2 || !parse_number(digits, UINT32_MAX, &port) || port > UINT16_MAX)
		return false;
	if (protocol != NULL && !is_word((struct span){rest.at + 1, rest.size - 1}, protocol))
		return false;
	*ret = (uint16_t)port;
	return true;
}

int resolver_services_find(struct span text, const char *name, const char *protocol, uint16_t *ret)
{
	struct span line;

	while (next_line(&text, &line)) {
		struct span word;
		struct span port;

		line = before(line, "#");
		if (next_word(&line, &word) && next_word(&line, &port) &&
		    (is_word(word, name) || has_word(line, name)) &&
		    parse_port(port, protocol, ret))
			return 0;
	}
	return -ENOENT;
}
