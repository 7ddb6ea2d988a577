/* SPDX-License-Identifier: Apache-2.0 */
/* dir.c: reading directories. B/many has 200 entries "entry-000" to "entry-199". */
#include "wasi.h"

enum { ENTRIES = 200, FIRST_OUT = 100 };

static u8 room[65536];
static u32 used;

/* Walk a directory with a buffer of this size, in so many calls; counts each entry-NNN. */
struct walk {
	u32 fd, size;
	u64 cookie;
	u32 seen[300];
	u32 dots, others, entries;
	bool ended;
};

static void note(struct walk *walk, const char *name, u32 size, u8 type)
{
	walk->entries++;
	if (size == 9 && same(name, "entry-", 6)) {
		walk->seen[(name[6] - '0') * 100 + (name[7] - '0') * 10 + name[8] - '0']++;
		EQ(type, T_FILE);
	} else if ((size == 1 && name[0] == '.') || (size == 2 && same(name, "..", 2))) {
		walk->dots++;
		EQ(type, T_DIR);
	} else {
		walk->others++;
	}
}

/* One call. An entry that does not fit is cut, and read again with the cookie before it. */
static void walk_on(struct walk *walk)
{
	u32 at = 0;

	OK(fd_readdir(walk->fd, AT(room), walk->size, walk->cookie, AT(&used)));
	CHECK(used <= walk->size);
	while (used - at >= sizeof(struct dirent)) {
		struct dirent entry;

		memcpy(&entry, room + at, sizeof(entry));
		at += sizeof(entry);
		if (used - at < entry.namlen)
			return;
		note(walk, (const char *)room + at, entry.namlen, entry.type);
		at += entry.namlen;
		walk->cookie = entry.next;
	}
	/* Not filled: that was all. */
	walk->ended = used < walk->size;
}

static void walk_to_the_end(struct walk *walk)
{
	for (u32 calls = 0; !walk->ended && calls < 1000; calls++)
		walk_on(walk);
	CHECK(walk->ended);
}

static u32 open_many(void)
{
	return OPEN_DIR(B, "many");
}

static void expect_all(const struct walk *walk)
{
	EQ(walk->dots, 2);
	EQ(walk->others, 0);
	EQ(walk->entries, ENTRIES + 2);
	for (u32 i = 0; i < ENTRIES; i++)
		EQ(walk->seen[i], 1);
}

TEST(all_at_once)
{
	static struct walk walk = {.size = sizeof(room)};

	walk.fd = open_many();
	walk_to_the_end(&walk);
	expect_all(&walk);
	/* Again from the start, and from the end. */
	OK(fd_readdir(walk.fd, AT(room), sizeof(room), walk.cookie, AT(&used)));
	EQ(used, 0);
	OK(fd_readdir(walk.fd, AT(room), sizeof(room), 0, AT(&used)));
	CHECK(used > ENTRIES * 24);
}

TEST(small_buffers)
{
	static const u32 sizes[] = {33, 34, 40, 57, 64, 100, 1000, 4096};

	for (u32 i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		static struct walk walk;

		walk = (struct walk){.fd = open_many(), .size = sizes[i]};
		walk_to_the_end(&walk);
		expect_all(&walk);
	}
}

/* Less room than an entry needs: what there is room for, filled to the last byte. */
TEST(tiny_buffers)
{
	u32 fd = open_many();

	for (u32 size = 0; size < 25; size++) {
		memset(room, 'x', 64);
		OK(fd_readdir(fd, AT(room), size, 0, AT(&used)));
		EQ(used, size);
		EQ(room[size], 'x');
	}
}

TEST(each_cookie)
{
	static u64 cookies[300];
	u32 fd = open_many(), count = 0;

	OK(fd_readdir(fd, AT(room), sizeof(room), 0, AT(&used)));
	for (u32 at = 0; at < used; count++) {
		struct dirent entry;

		memcpy(&entry, room + at, sizeof(entry));
		cookies[count] = entry.next;
		at += sizeof(entry) + entry.namlen;
	}
	EQ(count, ENTRIES + 2);
	/* From each of them on, backwards: one entry more each time. */
	for (u32 i = count; i-- > 0;) {
		static struct walk walk;

		walk = (struct walk){.fd = fd, .size = sizeof(room), .cookie = cookies[i]};
		walk_to_the_end(&walk);
		EQ(walk.entries, count - 1 - i);
	}
}

/* Others come and go between two calls: what was there all the time is seen exactly once. */
TEST(changes_meanwhile)
{
	static struct walk walk;
	char name[] = "entry-000";

	walk = (struct walk){.fd = open_many(), .size = 1000};
	for (u32 step = 0; !walk.ended && step < 1000; step++) {
		walk_on(&walk);
		/* The odd ones of the first hundred go, and strangers come. */
		if (step < FIRST_OUT / 2) {
			u32 number = step * 2 + 1;

			name[7] = (char)('0' + number / 10);
			name[8] = (char)('0' + number % 10);
			OK(path_unlink_file(walk.fd, STR(name)));
			name[0] = 'x';
			OK(try_open(walk.fd, name, 0, O_CREAT, R_FD_WRITE));
			name[0] = 'e';
		}
	}
	CHECK(walk.ended);
	for (u32 i = 0; i < ENTRIES; i++)
		if (i >= FIRST_OUT || i % 2 == 0)
			EQ(walk.seen[i], 1);
		else
			CHECK(walk.seen[i] <= 1);
	EQ(walk.dots, 2);
}

/* All of them go while they are read: as `rm -r` does it. */
TEST(removed_meanwhile)
{
	static struct walk walk;
	char name[] = "entry-000";
	u32 removed = 0;

	walk = (struct walk){.fd = open_many(), .size = 500};
	for (u32 step = 0; !walk.ended && step < 1000; step++) {
		walk_on(&walk);
		for (u32 i = 0; i < ENTRIES; i++)
			if (walk.seen[i] == 1) {
				name[6] = (char)('0' + i / 100);
				name[7] = (char)('0' + i / 10 % 10);
				name[8] = (char)('0' + i % 10);
				OK(path_unlink_file(walk.fd, STR(name)));
				walk.seen[i] = 2;
				removed++;
			}
	}
	EQ(removed, ENTRIES);
	walk = (struct walk){.fd = walk.fd, .size = 500};
	walk_to_the_end(&walk);
	EQ(walk.entries, 2);
}

/* What is new is seen by who begins again with the same descriptor. */
TEST(begins_again)
{
	u32 fd = open_many(), before;

	OK(fd_readdir(fd, AT(room), sizeof(room), 0, AT(&before)));
	OK(try_open(fd, "new", 0, O_CREAT, R_FD_WRITE));
	OK(fd_readdir(fd, AT(room), sizeof(room), 0, AT(&used)));
	EQ(used, before + sizeof(struct dirent) + 3);
}

TEST(entries_of_all_types)
{
	u32 at = 0, found = 0;
	struct dirent entry;
	struct filestat stat;

	OK(fd_readdir(A, AT(room), sizeof(room), 0, AT(&used)));
	for (; at < used; at += sizeof(entry) + entry.namlen) {
		u32 name = AT(room) + at + sizeof(entry);

		memcpy(&entry, room + at, sizeof(entry));
		if (entry.namlen == 2 && same(room + at + sizeof(entry), "..", 2))
			continue;
		OK(path_filestat_get(A, 0, name, entry.namlen, AT(&stat)));
		EQ(entry.type, stat.filetype);
		EQ(entry.ino, stat.ino);
		found++;
	}
	CHECK(found > 10);
}

TEST(errors)
{
	u32 fd = open_many();

	FAULTS(fd_readdir(fd, P(AT(room)), 100, 0, P(AT(&used))));
	IS(FAULT, fd_readdir(fd, AT(room), UINT32_MAX, 0, AT(&used)));
	/* A cookie nobody gave: nothing, an error, or some of the entries; no harm. */
	fd_readdir(fd, AT(room), sizeof(room), 12345, AT(&used));
	fd_readdir(fd, AT(room), sizeof(room), UINT64_MAX, AT(&used));
	fd_readdir(fd, AT(room), sizeof(room), 1ull << 63, AT(&used));
	OK(fd_readdir(fd, AT(room), sizeof(room), 0, AT(&used)));
	CHECK(used > ENTRIES * 24);
}
