/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_file.c: a cgroup's small files, and the words and numbers in them. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "sandbox/cgroup_parts.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu",         [CGROUP_CPUACCT] = "cpuacct",   [CGROUP_CPUSET] = "cpuset",
	[CGROUP_MEMORY] = "memory",   [CGROUP_DEVICES] = "devices",   [CGROUP_FREEZER] = "freezer",
	[CGROUP_IO] = "blkio",        [CGROUP_PIDS] = "pids",         [CGROUP_HUGETLB] = "hugetlb",
	[CGROUP_NET_CLS] = "net_cls", [CGROUP_NET_PRIO] = "net_prio", [CGROUP_RDMA] = "rdma",
	[CGROUP_PERF] = "perf_event", [CGROUP_MISC] = "misc",
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
	return controller_names[controller];
}

int cgroup_file_open(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int cgroup_file_put(int fd, const char *text, size_t size)
{
	ssize_t n;

	do
		n = write(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

int cgroup_file_write(int dir, const char *name, const char *text, size_t size)
{
	int fd = cgroup_file_open(dir, name), r;

	if (fd < 0)
		return fd;
	r = cgroup_file_put(fd, text, size);
	close(fd);
	return r;
}

int cgroup_file_read(int dir, const char *name, char *text, size_t room)
{
	int r = io_text(dir, name, text, room);

	if (r > 0 && text[r - 1] == '\n')
		text[--r] = '\0';
	return r;
}

int cgroup_file_slurp(int dir, const char *name, struct buf *text)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = 0;
	int r = 0;

	if (fd < 0)
		return -errno;
	do {
		if (buf_reserve(text, CGROUP_LINE) < 0) {
			r = -ENOMEM;
			break;
		}
		n = read(fd, text->data + text->size, text->room - text->size - 1);
		if (n > 0)
			text->size += (size_t)n;
		else if (n < 0 && errno != EINTR)
			r = -errno;
	} while (r == 0 && n != 0);
	close(fd);
	if (r == 0)
		text->data[text->size] = '\0';
	return r;
}

int cgroup_file_number(int dir, const char *name, uint64_t *ret)
{
	char text[64];
	uint64_t number = 0;
	int n = cgroup_file_read(dir, name, text, sizeof(text));

	if (n < 0)
		return n;
	if (strncmp(text, "max", 3) == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	for (const char *c = text; *c >= '0' && *c <= '9'; c++)
		number = number * 10 + (uint64_t)(*c - '0');
	*ret = number;
	return 0;
}

bool cgroup_file_exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

size_t cgroup_digits(char *text, uint64_t number)
{
	char back[CGROUP_DIGITS];
	size_t size = 0;

	do {
		back[size++] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	for (size_t i = 0; i < size; i++)
		text[i] = back[size - 1 - i];
	return size;
}

bool cgroup_put(struct buf *buf, const char *text)
{
	size_t size = strlen(text);

	/* Of no bytes buf_put() says nothing: there may be no place yet. */
	return size == 0 || buf_put(buf, text, size) != NULL;
}

bool cgroup_put_number(struct buf *buf, uint64_t number)
{
	char text[CGROUP_DIGITS];

	return buf_put(buf, text, cgroup_digits(text, number)) != NULL;
}

bool cgroup_has_word(const char *list, char separator, const char *name)
{
	const char separators[] = {separator, '\n', '\0'};
	size_t size = strlen(name);

	while (*list != '\0') {
		size_t word = strcspn(list, separators);

		if (word == size && memcmp(list, name, size) == 0)
			return true;
		list += word;
		list += *list != '\0';
	}
	return false;
}

/* Its bit; 0: none of ours. */
static uint32_t controller_bit(const char *word, size_t size)
{
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if (strncmp(controller_names[i], word, size) == 0 &&
		    controller_names[i][size] == '\0')
			return UINT32_C(1) << i;
	return size == 2 && memcmp(word, "io", 2) == 0 ? UINT32_C(1) << CGROUP_IO : 0;
}

uint32_t cgroup_controllers(const char *list, char separator)
{
	uint32_t found = 0;

	while (*list != '\0') {
		size_t size = 0;

		while (list[size] != separator && list[size] != '\n' && list[size] != '\0')
			size++;
		found |= controller_bit(list, size);
		list += size;
		list += *list != '\0';
	}
	return found;
}

int cgroup_note(struct cgroup_notes *notes, const char *format, ...)
{
	struct err sentence;
	va_list args;

	va_start(args, format);
	err_setv(&sentence, 0, format, args);
	va_end(args);
	if (buf_put(&notes->text, sentence.text, strlen(sentence.text) + 1) == NULL)
		return -ENOMEM;
	notes->count++;
	return 0;
}

void cgroup_notes_deinit(struct cgroup_notes *notes)
{
	buf_deinit(&notes->text);
	notes->count = 0;
}

bool cgroup_is_refusal(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS;
}

bool cgroup_budget_sleep(struct cgroup_budget *budget)
{
	unsigned ms = MIN(MAX(budget->step, 1U), budget->left);
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	if (ms == 0)
		return false;
	nanosleep(&pause, NULL);
	budget->left -= ms;
	budget->step = MIN(ms * 2, 32U);
	return true;
}
