/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-server.c: an HTTP server as a WebAssembly guest, or, from the same source, as a native program.
 *
 *	/health   200 while the process lives
 *	/ready    200 while new connections are accepted, 503 when they are not
 *	/metrics  counters as Prometheus reads them
 *	others    200 and GREETING
 *
 * One thread, one poll() loop, connections kept alive. Configured by the environment:
 *
 *	HOST        IPv4 address to listen on (0.0.0.0)
 *	PORT        (8080); 0: any free one, the log says which
 *	LISTEN_FDS  set: descriptor 3 is the listening socket, HOST and PORT are not used
 *	LOG_LEVEL   debug (each request), info, warn, error (info)
 *	KEEPALIVE   seconds an idle connection is kept (5)
 *	GREETING    (hello)
 *
 * Logs are lines of JSON on stdout. The exit code is 2 for a bad configuration, 1 for a socket that cannot be had.
 *
 *	clang --target=wasm32-wasi --sysroot=/usr -O2 -o http-server.wasm http-server.c
 *	cc -O2 -o http-server http-server.c
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1000, REQUEST_ROOM = 8192, RESPONSE_ROOM = 16384, BACKLOG = 511 };

/* -- What differs between the guest and the native program ------------------------------------------ */

#ifdef __wasi__

#include "wasmedge_socket.h"

enum { SEND_FLAGS = 0 };

/* The runtime ends a guest that accepts connections gracefully: no new ones, the rest may finish. */
static bool is_stopping(void)
{
	return false;
}

static void watch_signals(void)
{
}

/* The descriptor, or -1 with errno. */
static int open_listener(const uint8_t host[4], unsigned port)
{
	struct wasmedge_address address = {(uint8_t *)host, 4};
	int fd = -1, on = 1;

	errno = (int)wasmedge_open(WASMEDGE_INET4, WASMEDGE_STREAM, &fd);
	if (errno == 0)
		errno = (int)wasmedge_set_option(fd, WASMEDGE_SOL_SOCKET, WASMEDGE_SO_REUSEADDR,
						 &on, sizeof(on));
	if (errno == 0)
		errno = (int)wasmedge_bind(fd, &address, port);
	if (errno == 0)
		errno = (int)wasmedge_listen(fd, BACKLOG);
	return errno == 0 ? fd : -1;
}

static unsigned port_of(int fd)
{
	uint8_t bytes[16];
	struct wasmedge_address address = {bytes, sizeof(bytes)};
	uint32_t family, port = 0;

	wasmedge_local_address(fd, &address, &family, &port);
	return port;
}

#else

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>

enum { SEND_FLAGS = MSG_NOSIGNAL };

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static bool is_stopping(void)
{
	return stopping != 0;
}

static void watch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int open_listener(const uint8_t host[4], unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	memcpy(&address.sin_addr, host, 4);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in address = {0};
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

#endif

/* -- Configuration ---------------------------------------------------------------------------------- */

enum level { DEBUG, INFO, WARN, ERROR };
static const char *const level_names[] = {"debug", "info", "warn", "error"};

static struct {
	uint8_t host[4];
	unsigned port;
	unsigned keepalive;
	enum level level;
	const char *greeting;
	bool inherited;
} config = {.port = 8080, .keepalive = 5, .level = INFO, .greeting = "hello"};

/* -- Logs -------------------------------------------------------------------------------------------- */

/* A line of JSON: what happened, and `format` as further members. Strings in it are made with quoted(). */
static void log_line(enum level level, const char *message, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void log_line(enum level level, const char *message, const char *format, ...)
{
	struct timespec now;
	char when[32];
	va_list args;

	if (level < config.level)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
	printf("{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"message\":\"%s\"", when,
	       (int)(now.tv_nsec / 1000000), level_names[level], message);
	va_start(args, format);
	if (format[0] != 0) {
		putchar(',');
		vprintf(format, args);
	}
	va_end(args);
	puts("}");
}

/* As a JSON string's inside, in a buffer for the next log line. */
static const char *quoted(const char *text)
{
	static char out[512];
	size_t used = 0;

	for (; *text != 0 && used < sizeof(out) - 7; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f)
			used += (size_t)snprintf(out + used, 7, "\\u%04x", c);
		else
			out[used++] = (char)c;
	}
	out[used] = 0;
	return out;
}

static _Noreturn void refuse_setting(const char *name, const char *value)
{
	log_line(ERROR, "bad setting", "\"name\":\"%s\",\"value\":\"%s\"", name, quoted(value));
	exit(2);
}

static unsigned number_setting(const char *name, unsigned value, unsigned max)
{
	const char *text = getenv(name);
	unsigned long number;
	char *end;

	if (text == NULL || *text == 0)
		return value;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno != 0 || *end != 0 || !isdigit((unsigned char)*text) || number > max)
		refuse_setting(name, text);
	return (unsigned)number;
}

static void read_host(const char *text)
{
	unsigned n[4];
	int end = 0;

	if (sscanf(text, "%u.%u.%u.%u%n", &n[0], &n[1], &n[2], &n[3], &end) != 4 || text[end] != 0)
		refuse_setting("HOST", text);
	for (int i = 0; i < 4; i++) {
		if (n[i] > 255)
			refuse_setting("HOST", text);
		config.host[i] = (uint8_t)n[i];
	}
}

static void read_level(const char *text)
{
	for (int i = DEBUG; i <= ERROR; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			config.level = (enum level)i;
			return;
		}
	}
	refuse_setting("LOG_LEVEL", text);
}

static void read_config(void)
{
	const char *text = getenv("LOG_LEVEL");

	if (text != NULL && *text != 0)
		read_level(text);
	text = getenv("HOST");
	if (text != NULL && *text != 0)
		read_host(text);
	config.port = number_setting("PORT", config.port, 65535);
	config.keepalive = number_setting("KEEPALIVE", config.keepalive, 86400);
	config.inherited = number_setting("LISTEN_FDS", 0, 1) != 0;
	text = getenv("GREETING");
	if (text != NULL)
		config.greeting = text;
	if (strlen(config.greeting) > 4096)
		refuse_setting("GREETING", "too long");
}

/* -- Connections ---------------------------------------------------------------------------------------- */

struct connection {
	int fd;
	bool draining; /* all is sent: only the other side's end is waited for */
	bool closing; /* after what is left to send */
	time_t used; /* seconds of the monotonic clock */
	size_t skip; /* bytes of a request's body not seen yet */
	size_t received, sent, size; /* in request; of response, and how many it has */
	char request[REQUEST_ROOM];
	char response[RESPONSE_ROOM];
};

static struct connection *connections[MAX_CONNECTIONS];
static size_t connection_count;

static struct {
	unsigned long long accepted, ok, bad, bytes;
	time_t started;
} metrics;

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void open_connection(int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		log_line(WARN, "no memory for a connection", "%s", "");
		close(fd);
		return;
	}
	c->fd = fd;
	c->used = seconds();
	connections[connection_count++] = c;
	metrics.accepted++;
}

static void close_connection(size_t i)
{
	close(connections[i]->fd);
	free(connections[i]);
	connections[i] = connections[--connection_count];
}

/* -- Requests --------------------------------------------------------------------------------------------- */

/* The value of a header in a request that ends in an empty line; NULL: it has none. Its end is the line's. */
static const char *find_header(const char *request, const char *name)
{
	size_t size = strlen(name);

	for (const char *line = strstr(request, "\r\n"); line != NULL;
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
			line += size + 1;
			return line + strspn(line, " \t");
		}
	}
	return NULL;
}

static bool has_word(const char *value, const char *word)
{
	size_t size = strlen(word);

	for (; value != NULL && *value != '\r' && *value != 0; value++)
		if (strncasecmp(value, word, size) == 0)
			return true;
	return false;
}

static int write_metrics(char *to, size_t room)
{
	return snprintf(to, room,
			"# TYPE http_requests_total counter\n"
			"http_requests_total{code=\"2xx\"} %llu\n"
			"http_requests_total{code=\"4xx\"} %llu\n"
			"# TYPE http_response_bytes_total counter\n"
			"http_response_bytes_total %llu\n"
			"# TYPE http_connections_total counter\n"
			"http_connections_total %llu\n"
			"# TYPE http_connections_open gauge\n"
			"http_connections_open %zu\n"
			"# TYPE process_uptime_seconds gauge\n"
			"process_uptime_seconds %lld\n",
			metrics.ok, metrics.bad, metrics.bytes, metrics.accepted, connection_count,
			(long long)(seconds() - metrics.started));
}

/* Append an answer to what the connection has to send. */
static void answer(struct connection *c, int code, const char *reason, const char *body, bool head)
{
	int size = snprintf(c->response + c->size, sizeof(c->response) - c->size,
			    "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			    "Connection: %s\r\n\r\n%s",
			    code, reason, strlen(body), c->closing ? "close" : "keep-alive",
			    head ? "" : body);

	c->size += (size_t)size;
	metrics.bytes += (unsigned long long)size;
	if (code < 400)
		metrics.ok++;
	else
		metrics.bad++;
}

static void route(struct connection *c, const char *path, bool head)
{
	char body[4200];

	if (strcmp(path, "/health") == 0) {
		answer(c, 200, "OK", "ok\n", head);
	} else if (strcmp(path, "/ready") == 0) {
		if (is_stopping())
			answer(c, 503, "Service Unavailable", "stopping\n", head);
		else
			answer(c, 200, "OK", "ready\n", head);
	} else if (strcmp(path, "/metrics") == 0) {
		write_metrics(body, sizeof(body));
		answer(c, 200, "OK", body, head);
	} else {
		snprintf(body, sizeof(body), "%s\n", config.greeting);
		answer(c, 200, "OK", body, head);
	}
}

/* A whole head, ended by a NUL in place of its last line's end. */
static void serve(struct connection *c, const char *request)
{
	char method[16], path[256], version[16];
	const char *length = find_header(request, "Content-Length");

	if (sscanf(request, "%15s %255s %15s", method, path, version) != 3 ||
	    strncmp(version, "HTTP/1.", 7) != 0 ||
	    (length != NULL && !isdigit((unsigned char)*length)) ||
	    find_header(request, "Transfer-Encoding") != NULL) {
		c->closing = true;
		answer(c, 400, "Bad Request", "bad request\n", false);
		return;
	}
	if (has_word(find_header(request, "Connection"), "close") ||
	    (strcmp(version, "HTTP/1.0") == 0 &&
	     !has_word(find_header(request, "Connection"), "keep-alive")))
		c->closing = true;
	if (is_stopping())
		c->closing = true;
	if (length != NULL)
		c->skip = strtoull(length, NULL, 10) & SIZE_MAX;
	path[strcspn(path, "?")] = 0;
	route(c, path, strcmp(method, "HEAD") == 0);
	if (config.level == DEBUG)
		log_line(DEBUG, "request", "\"method\":\"%s\",\"path\":\"%s\"",
			 strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method) ? method
											: "?",
			 quoted(path));
}

static void drop_front(struct connection *c, size_t size)
{
	c->received -= size;
	memmove(c->request, c->request + size, c->received);
}

/* Answer as many requests as have come whole and the response has room for. */
static void serve_all(struct connection *c)
{
	while (!c->closing && c->size < sizeof(c->response) / 2) {
		size_t skip = c->skip < c->received ? c->skip : c->received;
		char *end;

		drop_front(c, skip);
		c->skip -= skip;
		if (c->skip != 0)
			return;
		end = memmem(c->request, c->received, "\r\n\r\n", 4);
		if (end == NULL)
			break;
		end[2] = 0;
		serve(c, c->request);
		drop_front(c, (size_t)(end + 4 - c->request));
	}
	if (!c->closing && c->received == sizeof(c->request) && c->size == c->sent) {
		c->closing = true;
		answer(c, 431, "Request Header Fields Too Large", "too large\n", false);
	}
}

/* -- The loop ------------------------------------------------------------------------------------------------ */

/* False: the connection is done. */
static bool send_rest(struct connection *c)
{
	while (c->sent < c->size) {
		ssize_t size = send(c->fd, c->response + c->sent, c->size - c->sent, SEND_FLAGS);

		if (size < 0)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)size;
	}
	c->sent = c->size = 0;
	/* A close with bytes unread would reset the connection, and the answer with it. */
	if (c->closing && !c->draining) {
		c->draining = true;
		return shutdown(c->fd, SHUT_WR) == 0;
	}
	return true;
}

static bool receive_more(struct connection *c)
{
	ssize_t size = recv(c->fd, c->request + c->received, sizeof(c->request) - c->received, 0);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!c->draining)
		c->received += (size_t)size;
	return size > 0;
}

static bool step(struct connection *c, short seen)
{
	if (seen == 0)
		return seconds() - c->used <= (time_t)config.keepalive;
	if (c->draining) {
		c->received = 0;
		return seconds() - c->used <= (time_t)config.keepalive && receive_more(c);
	}
	c->used = seconds();
	if (c->size == 0 && c->received < sizeof(c->request) && !receive_more(c))
		return false;
	do {
		serve_all(c);
		if (!send_rest(c))
			return false;
	} while (!c->draining && c->size == 0 && c->received != 0 && c->skip == 0 &&
		 memmem(c->request, c->received, "\r\n\r\n", 4) != NULL);
	return true;
}

static void accept_all(int listener)
{
	while (connection_count < MAX_CONNECTIONS) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				log_line(WARN, "accept", "\"error\":\"%s\"", strerror(errno));
			return;
		}
		open_connection(fd);
	}
}

static int run(int listener)
{
	static struct pollfd polls[MAX_CONNECTIONS + 1];

	while (!is_stopping() || connection_count > 0) {
		bool takes = connection_count < MAX_CONNECTIONS && !is_stopping();
		int timeout = connection_count > 0 ? 1000 : -1;

		/* Backwards in both loops: closing one puts the last in its place. */
		for (size_t i = 0; i < connection_count; i++)
			polls[i] = (struct pollfd){.fd = connections[i]->fd,
						   .events = connections[i]->size > 0 ? POLLOUT
										      : POLLIN};
		polls[connection_count] = (struct pollfd){.fd = listener, .events = POLLIN};
		if (poll(polls, connection_count + takes, timeout) < 0) {
			if (errno == EINTR)
				continue;
			log_line(ERROR, "poll", "\"error\":\"%s\"", strerror(errno));
			return 1;
		}
		takes = takes && polls[connection_count].revents != 0;
		for (size_t i = connection_count; i-- > 0;)
			if (!step(connections[i], polls[i].revents))
				close_connection(i);
		if (takes)
			accept_all(listener);
	}
	return 0;
}

int main(void)
{
	int listener, code;

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	read_config();
	watch_signals();
	listener = config.inherited ? 3 : open_listener(config.host, config.port);
	if (listener < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
		log_line(ERROR, "cannot listen", "\"port\":%u,\"error\":\"%s\"", config.port,
			 strerror(errno));
		return 1;
	}
	metrics.started = seconds();
	log_line(INFO, "listening", "\"port\":%u", port_of(listener));
	code = run(listener);
	log_line(INFO, "stopped", "\"requests\":%llu", metrics.ok + metrics.bad);
	return code;
}
