/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgroup.h: hierarchies of plain directories, for tests that need no kernel's.
 *
 * A fake tree is a directory with files made beforehand; its line of mountinfo names the device it really is on.
 */
#ifndef SANDBOX_TEST_CGROUP_H
#define SANDBOX_TEST_CGROUP_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sandbox/cgroup_parts.h"

struct fake {
	char top[64];
	char mountinfo[4096], own[1024];
	struct cgroup_layout layout;
};

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

static void fake_new(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	strcpy(fake->top, "/tmp/skiff-cgroup-XXXXXX");
	if (mkdtemp(fake->top) == NULL)
		abort();
}

static void fake_free(struct fake *fake)
{
	cgroup_layout_deinit(&fake->layout);
	shell("rm -rf '%s'", fake->top);
}

/* A hierarchy mounted at TOP/NAME. `own`: our own group in it. */
static void fake_mount(struct fake *fake, const char *name, const char *type, const char *super,
		       const char *root, const char *own)
{
	char path[256];
	size_t used = strlen(fake->mountinfo);
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", fake->top, name);
	shell("mkdir -p '%s'", path);
	if (stat(path, &st) < 0)
		abort();
	snprintf(fake->mountinfo + used, sizeof(fake->mountinfo) - used,
		 "%zu 1 %u:%u %s %s rw,relatime shared:1 - %s none rw,%s\n", used + 30,
		 major(st.st_dev), minor(st.st_dev), root, path, type, super);
	used = strlen(fake->own);
	snprintf(fake->own + used, sizeof(fake->own) - used, "%zu:%s:%s\n",
		 strcmp(type, "cgroup2") == 0 ? 0 : used + 1,
		 strcmp(type, "cgroup2") == 0 ? "" : super, own);
}

static int fake_layout(struct fake *fake)
{
	struct err err;

	return cgroup_layout_parse(&fake->layout, fake->mountinfo, fake->own, &err);
}

/* Files that exist beforehand, empty or with a text. */
static void fake_file(const struct fake *fake, const char *path, const char *text)
{
	shell("mkdir -p \"$(dirname '%s/%s')\" && printf '%%s' '%s' > '%s/%s'", fake->top, path,
	      text, fake->top, path);
}

/* What a file holds now; "?" where it is not. */
static const char *fake_text(const struct fake *fake, const char *path)
{
	static char text[CGROUP_LINE];
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", fake->top, path);
	if (cgroup_file_read(AT_FDCWD, full, text, sizeof(text)) < 0)
		return "?";
	return text;
}

#endif
