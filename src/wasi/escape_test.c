/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape_test.c: attempts to get out of a mount, as an attacker would write them.
 *
 * A jail, and beside it a canary. Each attempt is a path, with whatever links in the jail it takes, and is made with
 * every call there is: asking, opening, creating, linking, renaming, removing. After each: what was reached lies in the
 * jail; the canary and all around it is as it was. Everything once more with the canary gone: the answers must be
 * the same, else a guest could tell what is outside. And once by the kernel without any confinement, to see that an
 * attempt is one: it must get out then. race_test.c has those that take a second process.
 *
 * "@" in paths and links stands for the absolute path of what holds jail and canary.
 */
#include "wasi/test_tree.h"

static const char *const jail_entries[] = {"file",     "dir/",         "dir/file",
					   "dir/sub/", "dir/sub/file", NULL};
static const char *const canary_entries[] = {"secret", "dir/", "dir/inner", "empty/", NULL};

struct attempt {
	const char *place; /* of the guest's descriptor, in the jail */
	const char *path;
	const char *links[4];
	size_t size;    /* of the path, where it holds NULs */
	bool harmless;  /* nobody would get out with it */
};

#define TEN(text) text text text text text text text text text text

static const struct attempt attempts[] = {
	/* Up. */
	{"", "..", {NULL}, 0, false},
	{"", "../", {NULL}, 0, false},
	{"", "../.", {NULL}, 0, false},
	{"", "../canary", {NULL}, 0, false},
	{"", "../canary/", {NULL}, 0, false},
	{"", "../canary/secret", {NULL}, 0, false},
	{"", "../canary/new", {NULL}, 0, true},
	{"", "../../../../../../../../../../../../etc/passwd", {NULL}, 0, false},
	{"", "./../canary/secret", {NULL}, 0, false},
	{"", ".//..//canary//secret", {NULL}, 0, false},
	{"", "dir/..//../canary/secret", {NULL}, 0, false},
	{"", "dir/../../canary/secret", {NULL}, 0, false},
	{"", "dir/sub/../../../canary/secret", {NULL}, 0, false},
	{"", "dir/./sub/./../../.././canary/dir/inner", {NULL}, 0, false},
	{"", "dir/../..", {NULL}, 0, false},
	{"", "dir/../../", {NULL}, 0, false},
	{"", "../jail/../canary/secret", {NULL}, 0, false},
	{"", "../jail", {NULL}, 0, true},
	{"", "../jail/file", {NULL}, 0, true},
	{"", TEN(TEN("dir/../")) "../canary/secret", {NULL}, 0, false},
	{"", TEN(TEN("dir/sub/../../")) "../canary/empty", {NULL}, 0, false},
	{"dir", "../..", {NULL}, 0, false},
	{"dir", "../../canary/secret", {NULL}, 0, false},
	{"dir/sub", "../../../canary/secret", {NULL}, 0, false},
	{"dir/sub", "../../../canary/empty/", {NULL}, 0, false},
	{"dir/sub", TEN("../") "etc/passwd", {NULL}, 0, false},
	/* From the root. */
	{"", "/", {NULL}, 0, false},
	{"", "///", {NULL}, 0, false},
	{"", "/..", {NULL}, 0, false},
	{"", "/etc/passwd", {NULL}, 0, false},
	{"", "//etc/passwd", {NULL}, 0, false},
	{"dir", "/../etc/passwd", {NULL}, 0, false},
	{"", "@/canary/secret", {NULL}, 0, false},
	{"dir", "@/canary/empty", {NULL}, 0, false},
	{"", "/proc/self/root/etc/passwd", {NULL}, 0, false},
	{"", "/proc/self/cwd", {NULL}, 0, false},
	{"", "/dev/null", {NULL}, 0, false},
	/* Absolute links. */
	{"", "link", {"link -> @/canary/secret"}, 0, false},
	{"", "link/", {"link -> @/canary"}, 0, false},
	{"", "link/.", {"link -> @/canary"}, 0, false},
	{"", "link/secret", {"link -> @/canary"}, 0, false},
	{"", "link/dir/../secret", {"link -> @/canary"}, 0, false},
	{"", "link/empty/", {"link -> @/canary"}, 0, false},
	{"", "link/etc/passwd", {"link -> /"}, 0, false},
	{"", "link", {"link -> /"}, 0, false},
	{"", "link", {"link -> /etc/passwd"}, 0, false},
	{"", "link", {"link -> //etc//passwd"}, 0, false},
	{"", "link", {"link -> /../etc/passwd"}, 0, false},
	{"dir", "link/secret", {"dir/link -> @/canary"}, 0, false},
	/* Links of /proc. */
	{"", "link/etc/passwd", {"link -> /proc/self/root"}, 0, false},
	{"", "link", {"link -> /proc/self/cwd"}, 0, false},
	{"", "link/canary/secret", {"link -> /proc/self/cwd/../../../../../../../@"}, 0, false},
	{"", "link/root/etc/passwd", {"link -> /proc/self"}, 0, false},
	{"", "link", {"link -> /proc/self/exe"}, 0, false},
	{"", "link/0", {"link -> /proc/self/fd"}, 0, false},
	{"", "link", {"link -> /proc/thread-self/root"}, 0, false},
	/* Relative links. */
	{"", "link", {"link -> ../canary/secret"}, 0, false},
	{"", "link", {"link -> .."}, 0, false},
	{"", "link/", {"link -> ../canary"}, 0, false},
	{"", "link//", {"link -> ../canary/"}, 0, false},
	{"", "link/.", {"link -> ../canary"}, 0, false},
	{"", "link/..", {"link -> ../canary"}, 0, false},
	{"", "link/secret", {"link -> ../canary"}, 0, false},
	{"", "./link/./secret", {"link -> ../canary/."}, 0, false},
	{"", "link/secret", {"link -> ../canary/"}, 0, false},
	{"", "link/canary/secret", {"link -> .."}, 0, false},
	{"", "dir/link", {"dir/link -> ../../canary/secret"}, 0, false},
	{"dir", "link/secret", {"dir/link -> ../../canary"}, 0, false},
	{"dir/sub", "link", {"dir/sub/link -> ../../../canary/secret"}, 0, false},
	{"", "link", {"link -> dir/../../canary/secret"}, 0, false},
	{"", "link", {"link -> ../jail/../canary/secret"}, 0, false},
	{"", "link", {"link -> " TEN("dir/../") "../canary/secret"}, 0, false},
	{"", "link/link/link/../canary/secret", {"link -> ."}, 0, false},
	{"", "link/../../canary/secret", {"link -> dir"}, 0, false},
	{"", "link/../../../canary/secret", {"link -> dir/sub"}, 0, false},
	{"", "link/../canary/secret", {"link -> dir/.."}, 0, false},
	/* Links to links. */
	{"", "a", {"a -> b", "b -> c", "c -> ../canary/secret"}, 0, false},
	{"", "a", {"a -> b/secret", "b -> ../canary"}, 0, false},
	{"", "a", {"a -> dir/b", "dir/b -> ../../canary/secret"}, 0, false},
	{"", "a/secret", {"a -> b", "b -> @/canary"}, 0, false},
	{"", "a/b/secret", {"a -> dir", "dir/b -> ../c", "c -> ../canary"}, 0, false},
	{"", "a/canary/secret", {"a -> b/..", "b -> dir/.."}, 0, false},
	{"", "a/a/a/../canary/secret", {"a -> b", "b -> ./."}, 0, false},
	/* Creating through links that lead to nothing. */
	{"", "link", {"link -> ../canary/new"}, 0, true},
	{"", "link", {"link -> @/canary/new"}, 0, true},
	{"", "link", {"link -> ../new"}, 0, true},
	{"", "link/", {"link -> ../canary/new"}, 0, true},
	{"", "link", {"link -> ../canary/new/"}, 0, true},
	{"", "link/new", {"link -> ../canary/empty"}, 0, true},
	{"", "link/new/", {"link -> ../canary/empty"}, 0, true},
	{"", "dir/link", {"dir/link -> ../../canary/empty/new"}, 0, true},
	{"", "a", {"a -> b", "b -> ../canary/new"}, 0, true},
	{"", "a", {"a -> dir/../b/new", "b -> ../canary/empty"}, 0, true},
	/* What other systems, or other eyes, take for "..". */
	{"", "", {NULL}, 0, true},
	{"", "..\0", {NULL}, 3, true},
	{"", "..\0/canary/secret", {NULL}, 17, true},
	{"", "file\0/../../canary/secret", {NULL}, 25, true},
	{"", "dir/..\0/../canary/secret", {NULL}, 24, true},
	{"", "...", {NULL}, 0, true},
	{"", ".../canary/secret", {NULL}, 0, true},
	{"", ".. /canary/secret", {NULL}, 0, true},
	{"", " ../canary/secret", {NULL}, 0, true},
	{"", "..\n/canary/secret", {NULL}, 0, true},
	{"", "\n../canary/secret", {NULL}, 0, true},
	{"", "..\\canary\\secret", {NULL}, 0, true},
	{"", "%2e%2e/canary/secret", {NULL}, 0, true},
	{"", "\xc0\xae\xc0\xae/canary/secret", {NULL}, 0, true},
	{"", "\xe2\x80\xa4\xe2\x80\xa4/canary/secret", {NULL}, 0, true},
	{"",
	 "..\xc0\xaf"
	 "canary/secret",
	 {NULL},
	 0,
	 true},
	{"", "..;/canary/secret", {NULL}, 0, true},
	{"", "~/secret", {NULL}, 0, true},
	{"", "file/../../canary/secret", {NULL}, 0, true},
	{"", "missing/../../canary/secret", {NULL}, 0, true},
	{"", TEN(TEN("..........")) "/../canary/secret", {NULL}, 0, true},
	{"", TEN(TEN(TEN("../../"))) "etc/passwd", {NULL}, 0, true},
};

/* -- The world ----------------------------------------------------------------------------------------- */

struct world {
	struct tree tree;
	struct mounts mounts;
	int jail;
};

static void age(int at, const char *const *entries)
{
	static const struct timespec times[2] = {{1000, 0}, {1000, 0}};

	for (; *entries != NULL; entries++)
		assert_int_equal(utimensat(at, *entries, times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(utimensat(at, ".", times, 0), 0);
}

static void age_canary(const struct world *w)
{
	int canary = openat(w->tree.fd, "canary", O_PATH | O_CLOEXEC);

	assert_true(canary >= 0);
	age(canary, canary_entries);
	close(canary);
}

static void world_open(struct world *w, unsigned flags, bool no_openat2)
{
	*w = (struct world){0};
	tree_temporary(&w->tree);
	assert_int_equal(mkdirat(w->tree.fd, "jail", 0755), 0);
	assert_int_equal(mkdirat(w->tree.fd, "canary", 0755), 0);
	make_tree_in(w->tree.fd, "jail", jail_entries);
	make_tree_in(w->tree.fd, "canary", canary_entries);
	age_canary(w);
	add_mount(&w->mounts, "/", w->tree.fd, "jail", flags);
	w->mounts.no_openat2 = no_openat2;
	w->jail = w->mounts.items[0].fd;
}

static void world_close(struct world *w)
{
	mounts_deinit(&w->mounts);
	tree_clear(&w->tree);
}

/* All but the jail's content. */
static char *surroundings(const struct world *w)
{
	char *canary = picture(w->tree.fd, "canary"), *all;
	DIR *dir = fdopendir(openat(w->tree.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned count = 0;
	struct stat st;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	assert_int_equal(fstatat(w->tree.fd, "canary", &st, 0), 0);
	assert_true(asprintf(&all, "%s%u entries, %o %lld", canary, count, st.st_mode,
			     (long long)st.st_mtime) > 0);
	free(canary);
	return all;
}

/* A text with "@" filled in. */
static void fill_in(const struct world *w, const char *text, char *ret, size_t room)
{
	const char *at = strchr(text, '@');

	if (at == NULL)
		snprintf(ret, room, "%s", text);
	else
		snprintf(ret, room, "%.*s%s%s", (int)(at - text), text, w->tree.dir, at + 1);
}

/* -- One attempt, by every call --------------------------------------------------------------------------- */

enum { CALLS = 24 };

struct trial {
	struct world *w;
	const char *what; /* for messages */
	struct name name;
	struct place from;
	int results[CALLS];
	unsigned calls;
};

static void note(struct trial *t, int result, const struct stat *reached)
{
	assert_true(t->calls < CALLS);
	t->results[t->calls++] = result;
	/* What an open directory holds is its owner's, also when the host has moved it. */
	if (result == 0 && reached != NULL && !holds(t->w->tree.fd, "jail", reached) &&
	    !holds(t->from.fd, ".", reached))
		fail_msg("'%s' got out (call %u)", t->what, t->calls - 1);
}

static void try_open(struct trial *t, int flags)
{
	struct opened opened;
	struct stat st = {0};
	int r = path_open(&t->from, t->name.path, t->name.size, flags, 0666, &opened);

	if (r == 0) {
		assert_int_equal(fstat(opened.fd, &st), 0);
		if (OPEN_WRITES(flags) && S_ISREG(st.st_mode))
			assert_int_equal(write(opened.fd, "x", 1), 1);
		opened_close(&opened);
	}
	note(t, r, &st);
}

static void try_asking(struct trial *t)
{
	struct stat st = {0};
	char text[64];
	int r;

	for (int follow = 0; follow < 2; follow++) {
		r = tree_stat(&t->name, follow, &st);
		note(t, r, &st);
	}
	r = (int)tree_read_link(&t->name, text, sizeof(text));
	note(t, r < 0 ? r : 1, NULL);
}

/* What it changes is what changes first: nothing, then times, then contents, then names. */
static void try_all(struct trial *t)
{
	static const struct timespec times[2] = {{500, 0}, {500, 0}};
	struct name mine = name_of(&t->from, "mine"), mine2 = name_of(&t->from, "mine2");

	try_asking(t);
	try_open(t, O_PATH);
	try_open(t, O_PATH | O_NOFOLLOW);
	try_open(t, O_RDONLY);
	try_open(t, O_RDONLY | O_DIRECTORY);
	try_open(t, O_RDWR);
	note(t, tree_set_times(&t->name, false, times), NULL);
	note(t, tree_set_times(&t->name, true, times), NULL);
	note(t, tree_link(&t->name, false, &mine), NULL);
	note(t, tree_link(&t->name, true, &mine2), NULL);
	try_open(t, O_WRONLY | O_TRUNC);
	note(t, tree_symlink("file", 4, &t->name), NULL);
	note(t, tree_make_dir(&t->name), NULL);
	note(t, tree_remove_dir(&t->name), NULL);
	try_open(t, O_WRONLY | O_CREAT | O_EXCL);
	try_open(t, O_WRONLY | O_CREAT);
	note(t, tree_link(&mine, false, &t->name), NULL);
	note(t, tree_rename(&mine, &t->name), NULL);
	note(t, tree_rename(&t->name, &mine), NULL);
	note(t, tree_remove_file(&t->name), NULL);
	note(t, tree_remove_dir(&t->name), NULL);
}

/* Does the kernel, not confined, get out with it? */
static bool gets_out(const struct world *w, int at, const char *path)
{
	struct stat st;

	return fstatat(at, path, &st, 0) == 0 && !holds(w->tree.fd, "jail", &st);
}

static void set_up(const struct world *w, const struct attempt *attempt)
{
	for (size_t i = 0; i < 4 && attempt->links[i] != NULL; i++) {
		char link[1024];

		fill_in(w, attempt->links[i], link, sizeof(link));
		make_tree(w->jail, (const char *const[]){link, NULL});
	}
}

/* The canary is there, or it is not: `results` must not tell. */
static void attempt_once(const struct attempt *attempt, unsigned flags, bool no_openat2, bool there,
			 int results[CALLS])
{
	char path[8192], *before, *after, *jail_before, *jail_after;
	struct world w;
	struct trial t = {.w = &w, .what = attempt->path};

	world_open(&w, flags, no_openat2);
	set_up(&w, attempt);
	fill_in(&w, attempt->path, path, sizeof(path));
	t.from = place_open(&w.mounts, 0, attempt->place);
	t.name = name_of(&t.from, path);
	if (attempt->size != 0)
		t.name = (struct name){&t.from, attempt->path, attempt->size};
	else if (gets_out(&w, t.from.fd, path) == attempt->harmless)
		fail_msg("'%s': without confinement it %s", path,
			 attempt->harmless ? "gets out" : "does not get out");
	before = surroundings(&w);
	jail_before = picture(w.tree.fd, "jail");
	if (!there)
		assert_int_equal(renameat(w.tree.fd, "canary", w.tree.fd, "gone"), 0);
	try_all(&t);
	if (!there)
		assert_int_equal(renameat(w.tree.fd, "gone", w.tree.fd, "canary"), 0);
	after = surroundings(&w);
	jail_after = picture(w.tree.fd, "jail");
	if (strstr(after, strchr(before, '\n')) == NULL)
		fail_msg("'%s' changed what is outside:\n%s\n%s", path, before, after);
	if ((flags & MOUNT_READ_ONLY) != 0)
		assert_string_equal(jail_before, jail_after);
	memcpy(results, t.results, sizeof(t.results));
	free(before);
	free(after);
	free(jail_before);
	free(jail_after);
	place_close(&t.from);
	world_close(&w);
}

static const unsigned kinds[] = {0, MOUNT_ROOT, MOUNT_READ_ONLY};

static void test_attempts(void **state)
{
	unsigned descriptors = count_descriptors(), tried = 0;

	(void)state;
	assert_true(ARRAY_SIZE(attempts) >= 60);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(attempts) * ARRAY_SIZE(kinds); i++) {
		const struct attempt *attempt = &attempts[i / 2 / ARRAY_SIZE(kinds)];
		unsigned flags = kinds[i / 2 % ARRAY_SIZE(kinds)];
		int there[CALLS] = {0}, gone[CALLS] = {0};

		attempt_once(attempt, flags, i % 2 == 1, true, there);
		attempt_once(attempt, flags, i % 2 == 1, false, gone);
		for (int call = 0; call < CALLS; call++, tried++)
			if (there[call] != gone[call])
				fail_msg("'%s' (%u), call %d tells what is outside: %d, %d",
					 attempt->path, flags, call, there[call], gone[call]);
		/* Stat, following, in what is no root: nothing of the kind is ever found. */
		if (!attempt->harmless && (flags & MOUNT_ROOT) == 0)
			assert_int_equal(there[1], -EPERM);
	}
	assert_int_equal(count_descriptors(), descriptors);
	print_message("%zu attempts, %u calls\n", ARRAY_SIZE(attempts), 2 * tried);
}

/* -- Attempts that take more than one step ------------------------------------------------------------------ */

/* Paths that must not lead out from a place, whatever has happened. */
static void probe(struct world *w, const struct place *from, const char *what)
{
	static const char *const paths[] = {
		"..",
		"../..",
		"../../..",
		"../canary/secret",
		"../../canary/secret",
		"../../../canary/secret",
		"../secret",
		"../../secret",
		"link",
		"link/secret",
		"link/../..",
		"../link",
		"../link/secret",
		"sub/../../..",
		"sub/../../../../canary/secret",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct trial t = {.w = w, .what = what, .from = *from};

		t.name = name_of(from, paths[i]);
		try_asking(&t);
		try_open(&t, O_PATH);
		try_open(&t, O_RDONLY);
		try_open(&t, O_RDWR);
		try_open(&t, O_CREAT | O_EXCL | O_WRONLY);
	}
}

static int rename_in(const struct place *top, const char *old, const char *new)
{
	struct name from = name_of(top, old), to = name_of(top, new);

	return tree_rename(&from, &to);
}

static int symlink_in(const struct place *top, const char *target, const char *path)
{
	struct name name = name_of(top, path);

	return tree_symlink(target, strlen(target), &name);
}

/* The guest opens a directory and moves it up: its ".." would be further out than its path says. */
static void move_up(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), deep = place_open(&w->mounts, 0, "dir/sub");

	assert_int_equal(rename_in(&top, "dir/sub", "sub"), 0);
	probe(w, &deep, "move_up");
	place_close(&deep);
}

/* ... or its parent. */
static void move_parent_up(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), deep;

	assert_int_equal(mkdirat(w->jail, "dir/sub/sub", 0755), 0);
	deep = place_open(&w->mounts, 0, "dir/sub/sub");
	assert_int_equal(rename_in(&top, "dir/sub", "sub"), 0);
	probe(w, &deep, "move_parent_up");
	place_close(&deep);
}

/* A link that stays inside where it was made, and does not where it is moved to. */
static void move_link_up(struct world *w)
{
	struct place top = place_top(&w->mounts, 0);

	assert_int_equal(symlink_in(&top, "../../canary", "dir/sub/link"), 0);
	assert_int_equal(rename_in(&top, "dir/sub/link", "dir/link"), 0);
	assert_int_equal(rename_in(&top, "dir/link", "link"), 0);
	probe(w, &top, "move_link_up");
}

static void move_dir_of_link_up(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), sub;

	assert_int_equal(symlink_in(&top, "../../canary", "dir/sub/link"), 0);
	assert_int_equal(rename_in(&top, "dir/sub", "sub"), 0);
	sub = place_open(&w->mounts, 0, "sub");
	probe(w, &sub, "move_dir_of_link_up");
	place_close(&sub);
}

/* A link with another name further up. */
static void link_link_up(struct world *w)
{
	struct place top = place_top(&w->mounts, 0);
	struct name old = name_of(&top, "dir/sub/link"), new = name_of(&top, "link");

	assert_int_equal(symlink_in(&top, "../../canary", "dir/sub/link"), 0);
	assert_int_equal(tree_link(&old, false, &new), 0);
	probe(w, &top, "link_link_up");
}

/* The directory a place's path goes through becomes a link out. */
static void replace_parent(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), sub = place_open(&w->mounts, 0, "dir/sub");

	assert_int_equal(rename_in(&top, "dir", "old"), 0);
	assert_int_equal(symlink_in(&top, "../canary", "dir"), 0);
	probe(w, &sub, "replace_parent");
	place_close(&sub);
}

static void replace_parent_absolutely(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), sub = place_open(&w->mounts, 0, "dir/sub");

	assert_int_equal(rename_in(&top, "dir", "old"), 0);
	assert_int_equal(symlinkat(w->tree.dir, w->jail, "dir"), 0);
	probe(w, &sub, "replace_parent_absolutely");
	place_close(&sub);
}

static void remove_place(struct world *w)
{
	struct place top = place_top(&w->mounts, 0), dir = place_open(&w->mounts, 0, "dir");
	struct name file = name_of(&dir, "sub/file"), sub = name_of(&dir, "sub");

	assert_int_equal(tree_remove_file(&file) | tree_remove_dir(&sub), 0);
	assert_int_equal(unlinkat(dir.fd, "file", 0), 0);
	sub = name_of(&top, "dir");
	assert_int_equal(tree_remove_dir(&sub), 0);
	probe(w, &dir, "remove_place");
	place_close(&dir);
}

/* Absolute links are not even made, by any way of naming them. */
static void make_absolute_links(struct world *w)
{
	struct place top = place_top(&w->mounts, 0);
	int want = (w->mounts.items[0].flags & MOUNT_ROOT) != 0 ? 0 : -EPERM;

	assert_int_equal(symlink_in(&top, w->tree.dir, "link"), want);
	assert_int_equal(symlink_in(&top, "//etc", "dir/../link2"), want);
	assert_int_equal(symlink_in(&top, "/", "dir/sub/../link"), want);
	probe(w, &top, "make_absolute_links");
}

/* The longest chain that is followed leads out, too. */
static void chain_links(struct world *w)
{
	struct place top = place_top(&w->mounts, 0);
	char name[16], target[16];

	assert_int_equal(symlink_in(&top, "../canary", "l39"), 0);
	for (int i = 38; i >= 0; i--) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i + 1);
		assert_int_equal(symlink_in(&top, target, name), 0);
	}
	assert_int_equal(rename_in(&top, "l0", "link"), 0);
	probe(w, &top, "chain_links");
}

/* The host moves an open directory out: what is in it stays reachable, what is around it is not. */
static void moved_out(struct world *w)
{
	struct place sub = place_open(&w->mounts, 0, "dir/sub");
	struct opened opened;

	assert_int_equal(renameat(w->jail, "dir/sub", w->tree.fd, "canary/empty/sub"), 0);
	assert_int_equal(path_open(&sub, "file", 4, O_RDONLY, 0, &opened), 0);
	opened_close(&opened);
	probe(w, &sub, "moved_out");
	assert_int_equal(renameat(w->tree.fd, "canary/empty/sub", w->jail, "dir/sub"), 0);
	age_canary(w);
	place_close(&sub);
}

static void (*const sequences[])(struct world *w) = {
	move_up,
	move_parent_up,
	move_link_up,
	move_dir_of_link_up,
	link_link_up,
	replace_parent,
	replace_parent_absolutely,
	remove_place,
	make_absolute_links,
	chain_links,
	moved_out,
};

static void test_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_SIZE(sequences); i++) {
		struct world w;
		char *before, *after;

		world_open(&w, i % 2 == 0 ? 0 : MOUNT_ROOT, i / 2 % 2 == 1);
		before = surroundings(&w);
		sequences[i / 4](&w);
		after = surroundings(&w);
		assert_string_equal(before, after);
		free(before);
		free(after);
		world_close(&w);
	}
	print_message("%zu sequences, four times\n", ARRAY_SIZE(sequences));
}

/* -- /proc ---------------------------------------------------------------------------------------------------- */

/* What of procfs leads elsewhere, or into this process. */
static const char *const proc_paths[] = {
	"self/root",
	"self/root/",
	"self/root/etc/passwd",
	"self/cwd",
	"self/cwd/",
	"self/exe",
	"thread-self/root/etc",
	"self/fd/@",
	"self/fd/@/",
	"self/fd/@/secret",
	"self/fd/@/..",
	"self/task/../root/etc/passwd",
	"self/../1/root",
	"self/mem",
	"thread-self/mem",
	"self/environ",
	"self/auxv",
	"self/clear_refs",
	"kcore",
	"self/oom_score_adj",
	"self/comm",
	"self/../self/mem",
};

static void try_proc(const struct place *from, const char *path, dev_t device, bool hidden)
{
	static const int ways[] = {O_RDONLY, O_RDWR, O_WRONLY, O_RDONLY | O_TRUNC, O_PATH};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct opened opened;
		struct stat st;

		if (path_open(from, path, strlen(path), ways[i], 0, &opened) < 0)
			continue;
		assert_int_equal(fstat(opened.fd, &st), 0);
		if (st.st_dev != device)
			fail_msg("'%s' leads out of /proc", path);
		if (S_ISREG(st.st_mode) && ways[i] != O_PATH && (hidden || ways[i] != O_RDONLY))
			fail_msg("'%s' was opened, %o", path, ways[i]);
		opened_close(&opened);
	}
}

static void test_proc(void **state)
{
	struct world w;
	struct mounts mounts = {0};
	struct stat st;
	struct opened opened;
	struct place proc;
	int canary;

	(void)state;
	if (stat("/proc/self/mem", &st) < 0)
		skip();
	world_open(&w, 0, false);
	canary = openat(w.tree.fd, "canary", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	add_mount(&mounts, "/", AT_FDCWD, "/proc", 0);
	add_mount(&mounts, "/root", AT_FDCWD, "/proc", MOUNT_ROOT);
	add_mount(&mounts, "/host", AT_FDCWD, "/", MOUNT_ROOT);
	for (size_t i = 0; i < 4 * ARRAY_SIZE(proc_paths); i++) {
		const char *text = proc_paths[i / 4], *at = strchr(text, '@');
		char path[256];
		bool hidden = strstr(text, "mem") != NULL || strstr(text, "env") != NULL ||
			      strstr(text, "kcore") != NULL || strstr(text, "auxv") != NULL;

		snprintf(path, sizeof(path), "%s", text);
		if (at != NULL)
			snprintf(path, sizeof(path), "%.*s%d%s", (int)(at - text), text, canary,
				 at + 1);
		mounts.no_openat2 = i / 2 % 2 == 1;
		proc = place_top(&mounts, (uint32_t)(i % 2));
		try_proc(&proc, path, st.st_dev, hidden);
	}
	proc = place_top(&mounts, 2);
	assert_int_equal(path_open(&proc, "proc/self/mem", 13, O_RDWR, 0, &opened), -EACCES);
	assert_int_equal(path_open(&proc, "/proc/self/mem", 14, O_RDONLY, 0, &opened), -EACCES);
	assert_int_equal(path_open(&proc, "proc/self/comm", 14, O_WRONLY, 0, &opened), -EACCES);
	assert_int_equal(path_open(&proc, "proc/self/comm", 14, O_RDONLY, 0, &opened), 0);
	opened_close(&opened);
	close(canary);
	mounts_deinit(&mounts);
	world_close(&w);
	print_message("%zu paths in /proc, four times\n", ARRAY_SIZE(proc_paths));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
