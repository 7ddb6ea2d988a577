/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.c: a JSON tree to a struct oci_spec, along the table of fields.
 *
 * Each row of spec.def is a name, a kind of value and a place in the struct of its level. read_object() takes the members of an
 * object apart (the last of two with one name, as Go has it; null is as good as missing, as Go has it, too), keeps the
 * paths of those no row knows, reads the others in the order of the rows, and has the level checked. The rows hold no pointers,
 * so that a program that starts has none of them to relocate; hence the switches where others have function pointers.
 *
 * All that is kept is copied into the arena: the tree may go away.
 */
#include "oci/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define ROWS_MAX 24u /* of a level */
#define NO_MARK UINT16_MAX

enum kind {
	KIND_NONE, /* not read */
	KIND_STRING,
	KIND_PATH, /* absolute */
	KIND_BOOL,
	KIND_UINT, /* from min to max, into an unsigned member of any size */
	KIND_INT,
	KIND_NUMBER, /* into an oci_number: as above */
	KIND_AMOUNT, /* ... 0: not given */
	KIND_LIMIT, /* ... 0: not given, -1: unlimited */
	KIND_CHOICE, /* ... a boolean */
	KIND_ENUM, /* a word of a table */
	KIND_FLAGS, /* a list of such words, or-ed */
	KIND_STRINGS,
	KIND_PATHS, /* absolute ones */
	KIND_ARCHITECTURES, /* words of a table, as written */
	KIND_NUMBERS, /* group ids */
	KIND_MAP, /* of strings */
	KIND_OBJECT, /* another level */
	KIND_LIST, /* of objects */
	KIND_KEYED, /* a map of objects: the key goes to the front of their struct */
	KIND_CAPABILITIES,
	KIND_MOUNT_OPTIONS,
	KIND_NAMESPACES,
	KIND_RULE_TYPE,
	KIND_RULE_NUMBER,
	KIND_RULE_ACCESS,
	KIND_SWAPPINESS,
};

enum state {
	HONOURED,
	IGNORED,
	REFUSED,
};

struct row {
	char name[24];
	uint8_t kind;
	uint8_t to; /* table, or level */
	uint8_t size; /* of the member */
	uint8_t state;
	bool required;
	uint16_t offset; /* of the member in its level's struct */
	uint16_t mark; /* of a bool that tells whether the field is there; NO_MARK */
	int64_t min;
	uint64_t max;
};

/* -- The table ------------------------------------------------------------------------------------- */

#define MEMBER(s, m) (((struct oci_##s *)NULL)->m)
/* The offset, if the member is of this type: else the size of an array is negative. */
#define OFFSET(type, s, m)             \
	(offsetof(struct oci_##s, m) + \
	 0 * sizeof(char[__builtin_types_compatible_p(type, __typeof__(MEMBER(s, m))) ? 1 : -1]))
/* The offset, if the member is a pointer and the count stands right behind. */
#define LIST_OFFSET(s, items, count)                                                          \
	(offsetof(struct oci_##s, items) +                                                    \
	 0 * sizeof(char[offsetof(struct oci_##s, count) == offsetof(struct oci_##s, items) + \
								    sizeof(void *) &&         \
					 sizeof(MEMBER(s, count)) == 4                        \
				 ? 1                                                          \
				 : -1]))

#define AT(kind_, s, m)                                                                            \
	.kind = KIND_##kind_, .offset = offsetof(struct oci_##s, m), .size = sizeof(MEMBER(s, m)), \
	.mark = NO_MARK
#define TYPED(kind_, type, s, m) .kind = KIND_##kind_, .offset = OFFSET(type, s, m), .mark = NO_MARK
#define MARKED(kind_, s, m, mark_)                                                                 \
	.kind = KIND_##kind_, .offset = offsetof(struct oci_##s, m), .size = sizeof(MEMBER(s, m)), \
	.mark = OFFSET(bool, s, mark_)

#define NONE() .kind = KIND_NONE, .mark = NO_MARK
#define STRING(s, m) TYPED(STRING, const char *, s, m)
#define PATH(s, m) TYPED(PATH, const char *, s, m)
#define BOOL(s, m) TYPED(BOOL, bool, s, m)
#define UINT(s, m, min_, max_) AT(UINT, s, m), .min = min_, .max = max_
#define UINT_MARKED(s, m, mark_, min_, max_) MARKED(UINT, s, m, mark_), .min = min_, .max = max_
#define INT(s, m, min_, max_) AT(INT, s, m), .min = min_, .max = max_
#define INT_MARKED(s, m, mark_, min_, max_) MARKED(INT, s, m, mark_), .min = min_, .max = max_
#define NUMBER(s, m, min_, max_) TYPED(NUMBER, struct oci_number, s, m), .min = min_, .max = max_
#define AMOUNT(s, m, min_, max_) TYPED(AMOUNT, struct oci_number, s, m), .min = min_, .max = max_
#define LIMIT(s, m) TYPED(LIMIT, struct oci_number, s, m)
#define CHOICE(s, m) TYPED(CHOICE, struct oci_number, s, m)
#define ENUM(table, s, m) AT(ENUM, s, m), .to = OCI_TABLE_##table
#define FLAGS(table, s, m) AT(FLAGS, s, m), .to = OCI_TABLE_##table
#define STRINGS(s, m) TYPED(STRINGS, struct oci_strings, s, m)
#define PATHS(s, m) TYPED(PATHS, struct oci_strings, s, m)
#define ARCHITECTURES(s, m) TYPED(ARCHITECTURES, struct oci_strings, s, m)
#define NUMBERS(s, m, count) \
	.kind = KIND_NUMBERS, .offset = LIST_OFFSET(s, m, count), .mark = NO_MARK
#define MAP(s, m) TYPED(MAP, struct oci_pairs, s, m)
#define OBJECT(level, s) .kind = KIND_OBJECT, .to = LEVEL_##level, .offset = 0, .mark = NO_MARK
#define OBJECT_AT(level, s, m)                                                           \
	.kind = KIND_OBJECT, .to = LEVEL_##level, .offset = offsetof(struct oci_##s, m), \
	.mark = NO_MARK
#define OBJECT_MARKED(level, s, m, mark_)                                                \
	.kind = KIND_OBJECT, .to = LEVEL_##level, .offset = offsetof(struct oci_##s, m), \
	.mark = OFFSET(bool, s, mark_)
#define LIST(level, s, items, count)                                                    \
	.kind = KIND_LIST, .to = LEVEL_##level, .offset = LIST_OFFSET(s, items, count), \
	.mark = NO_MARK
#define HOOKS(kind_) LIST(hook, spec, hooks[OCI_HOOK_##kind_].items, hooks[OCI_HOOK_##kind_].count)
#define KEYED(level, s, items, count)                                                    \
	.kind = KIND_KEYED, .to = LEVEL_##level, .offset = LIST_OFFSET(s, items, count), \
	.mark = NO_MARK
#define EACH(level, how) .kind = KIND_##how, .to = LEVEL_##level, .mark = NO_MARK
#define CAPABILITIES(s, m) TYPED(CAPABILITIES, uint64_t, s, m)
#define MOUNT_OPTIONS(s) .kind = KIND_MOUNT_OPTIONS, .mark = NO_MARK
#define RULE_TYPE(s) .kind = KIND_RULE_TYPE, .mark = NO_MARK
#define RULE_NUMBER(s, m) TYPED(RULE_NUMBER, int64_t, s, m)
#define RULE_ACCESS(s) .kind = KIND_RULE_ACCESS, .mark = NO_MARK
#define SWAPPINESS(s) TYPED(SWAPPINESS, struct oci_number, s, swappiness)

static const struct row rows[] = {
#define LEVEL(id, struct_name)
#define FIELD(level, name_, kind_, state_, text) {.name = #name_, .state = state_, kind_},
#define REQUIRED(level, name_, kind_, state_, text) \
	{.name = #name_, .state = state_, .required = true, kind_},
#include "oci/spec.def"
#undef LEVEL
#undef FIELD
#undef REQUIRED
};

/* Where the rows of each level begin: a counter that goes on by one with each row only. */
enum {
#define LEVEL(id, struct_name) FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define FIELD(level, name, kind, state, text) ROW_##level##_##name,
#define REQUIRED(level, name, kind, state, text) ROW_##level##_##name,
#include "oci/spec.def"
#undef LEVEL
#undef FIELD
#undef REQUIRED
};

static const struct {
	uint16_t first; /* row */
	uint16_t size; /* of its struct */
} levels[LEVEL_COUNT + 1] = {
#define LEVEL(id, struct_name) {FIRST_##id, sizeof(struct oci_##struct_name)},
#define FIELD(level, name, kind, state, text)
#define REQUIRED(level, name, kind, state, text)
#include "oci/spec.def"
#undef LEVEL
	{ARRAY_SIZE(rows), 0},
};

/* Of a row that is refused. */
static const char *refused_because(const struct row *row)
{
	switch (row - rows) {
#define REFUSED_TEXT(text) return text
#define HONOURED_TEXT(text) return ""
#define IGNORED_TEXT(text) return ""
#define LEVEL(id, struct_name)
#undef FIELD
#undef REQUIRED
#define FIELD(level, name, kind, state, text) \
	case ROW_##level##_##name:            \
		state##_TEXT(text);
#define REQUIRED(level, name, kind, state, text)
#include "oci/spec.def"
#undef LEVEL
#undef FIELD
#undef REQUIRED
	default:
		return "";
	}
}

/* -- Single values ------------------------------------------------------------------------------------ */

int read_text(struct reader *r, struct json_value value, const struct read_place *at,
	      const char **ret)
{
	size_t size = 0;
	const char *text = json_string(value, &size);

	if (text == NULL)
		return read_fail_mistyped(r, at, "a string", value);
	if (strlen(text) != size)
		return read_fail(r, at, "holds a NUL character");
	*ret = arena_string(r->arena, text, size);
	return *ret == NULL ? -ENOMEM : 0;
}

static int check_absolute(struct reader *r, const struct read_place *at, const char *path)
{
	if (path[0] == '/')
		return 0;
	return read_fail(r, at, "must be an absolute path, is '%s'", path);
}

static int read_string(struct reader *r, const struct row *row, struct json_value value,
		       const struct read_place *at, const char **ret)
{
	const char *text;
	int rc = read_text(r, value, at, &text);

	if (rc < 0)
		return rc;
	if (text[0] == '\0')
		return row->required ? read_fail(r, at, "must not be empty") : 0;
	if (row->kind == KIND_PATH)
		rc = check_absolute(r, at, text);
	if (rc == 0)
		*ret = text;
	return rc;
}

/* A negative number comes as its two's complement. */
static int read_whole(struct reader *r, struct json_value value, const struct read_place *at,
		      int64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t number;
	int64_t negative;

	if (json_kind(value) != JSON_NUMBER)
		return read_fail_mistyped(r, at, "a whole number", value);
	if (json_u64(value, &number)) {
		if (number > max || (min > 0 && number < (uint64_t)min))
			return read_fail(r, at, "must be from %lld to %llu, is %llu",
					 (long long)min, (unsigned long long)max,
					 (unsigned long long)number);
		*ret = number;
		return 0;
	}
	if (json_i64(value, &negative)) {
		if (negative < min)
			return read_fail(r, at, "must be from %lld to %llu, is %lld",
					 (long long)min, (unsigned long long)max,
					 (long long)negative);
		*ret = (uint64_t)negative;
		return 0;
	}
	return read_fail(r, at, "must be a whole number from %lld to %llu", (long long)min,
			 (unsigned long long)max);
}

/* Into an integer of any size. */
static void store(void *to, size_t size, uint64_t number)
{
	switch (size) {
	case 1:
		*(uint8_t *)to = (uint8_t)number;
		break;
	case 2:
		*(uint16_t *)to = (uint16_t)number;
		break;
	case 4:
		*(uint32_t *)to = (uint32_t)number;
		break;
	default:
		invariant(size == 8);
		*(uint64_t *)to = number;
		break;
	}
}

static int read_integer(struct reader *r, const struct row *row, struct json_value value,
			const struct read_place *at, void *to)
{
	uint64_t number;
	int rc = read_whole(r, value, at, row->min, row->max, &number);

	if (rc == 0)
		store(to, row->size, number);
	return rc;
}

static int read_number(struct reader *r, const struct row *row, struct json_value value,
		       const struct read_place *at, struct oci_number *ret)
{
	int64_t min = row->kind == KIND_LIMIT ? -1 : row->kind == KIND_AMOUNT ? 0 : row->min;
	uint64_t max = row->kind == KIND_LIMIT ? INT64_MAX : row->max;
	uint64_t number;
	int rc = read_whole(r, value, at, min, max, &number);

	if (rc < 0)
		return rc;
	if (row->kind != KIND_NUMBER && number == 0)
		return 0;
	if (row->kind == KIND_AMOUNT && number < (uint64_t)row->min)
		return read_fail(r, at, "must be 0 or from %lld to %llu, is %llu",
				 (long long)row->min, (unsigned long long)max,
				 (unsigned long long)number);
	if (row->kind == KIND_LIMIT && number == UINT64_MAX)
		number = OCI_UNLIMITED;
	*ret = (struct oci_number){.value = (int64_t)number, .given = true};
	return 0;
}

static int read_bool(struct reader *r, struct json_value value, const struct read_place *at,
		     bool *ret)
{
	return json_bool(value, ret) ? 0 : read_fail_mistyped(r, at, "true or false", value);
}

static int read_choice(struct reader *r, struct json_value value, const struct read_place *at,
		       struct oci_number *ret)
{
	bool yes = false;
	int rc = read_bool(r, value, at, &yes);

	if (rc == 0)
		*ret = (struct oci_number){.value = yes, .given = true};
	return rc;
}

static int read_word(struct reader *r, enum oci_table table, struct json_value value,
		     const struct read_place *at, uint64_t *ret)
{
	const char *word;
	int rc = read_text(r, value, at, &word);

	if (rc == 0 && !oci_table_find(table, word, ret))
		rc = read_fail(r, at, "'%s' is not %s", word, oci_table_noun(table));
	return rc;
}

static int read_enum(struct reader *r, const struct row *row, struct json_value value,
		     const struct read_place *at, void *to)
{
	uint64_t number;
	size_t size;
	int rc;

	if (json_string(value, &size) != NULL && size == 0)
		return row->required ? read_fail(r, at, "must not be empty") : 0;
	rc = read_word(r, row->to, value, at, &number);
	if (rc == 0)
		store(to, row->size, number);
	return rc;
}

/* -- Lists and maps ------------------------------------------------------------------------------------- */

int read_check_array(struct reader *r, struct json_value value, const struct read_place *at)
{
	return json_kind(value) == JSON_ARRAY ? 0 : read_fail_mistyped(r, at, "an array", value);
}

static int read_flags(struct reader *r, const struct row *row, struct json_value value,
		      const struct read_place *at, void *to)
{
	struct json_value item;
	uint64_t flags = 0, flag;
	size_t i = 0;
	int rc = read_check_array(r, value, at);

	for (item = json_first(value); rc == 0 && json_exists(item); item = json_next(item)) {
		struct read_place here = READ_ELEMENT(at, i++);

		rc = read_word(r, row->to, item, &here, &flag);
		if (rc == 0)
			flags |= flag;
	}
	if (rc == 0)
		store(to, row->size, flags);
	return rc;
}

int read_strings(struct reader *r, struct json_value value, const struct read_place *at,
		 struct oci_strings *ret)
{
	struct oci_strings strings = {0};
	struct json_value item;
	int rc = read_check_array(r, value, at);

	if (rc < 0)
		return rc;
	strings.items =
		arena_array(r->arena, (size_t)json_count(value) + 1, sizeof(*strings.items));
	if (strings.items == NULL)
		return -ENOMEM;
	for (item = json_first(value); json_exists(item); item = json_next(item)) {
		struct read_place here = READ_ELEMENT(at, strings.count);

		rc = read_text(r, item, &here, &strings.items[strings.count]);
		if (rc < 0)
			return rc;
		strings.count++;
	}
	*ret = strings;
	return 0;
}

/* Strings that must be absolute paths, or words of the table of architectures. */
static int read_strict_strings(struct reader *r, const struct row *row, struct json_value value,
			       const struct read_place *at, struct oci_strings *ret)
{
	int rc = read_strings(r, value, at, ret);
	uint64_t number;

	for (uint32_t i = 0; rc == 0 && i < ret->count; i++) {
		struct read_place here = READ_ELEMENT(at, i);

		if (row->kind == KIND_PATHS)
			rc = check_absolute(r, &here, ret->items[i]);
		else if (!oci_table_find(OCI_TABLE_SECCOMP_ARCH, ret->items[i], &number))
			rc = read_fail(r, &here, "'%s' is not %s", ret->items[i],
				       oci_table_noun(OCI_TABLE_SECCOMP_ARCH));
	}
	return rc;
}

/* Where a list goes: spec.h has its pointer and its count side by side everywhere (LIST_OFFSET). */
struct list {
	void *items;
	uint32_t count;
};

static int read_numbers(struct reader *r, struct json_value value, const struct read_place *at,
			struct list *ret)
{
	struct json_value item;
	gid_t *numbers;
	uint32_t count = 0;
	int rc = read_check_array(r, value, at);

	if (rc < 0)
		return rc;
	numbers = arena_array(r->arena, json_count(value), sizeof(*numbers));
	if (numbers == NULL)
		return -ENOMEM;
	for (item = json_first(value); json_exists(item); item = json_next(item)) {
		struct read_place here = READ_ELEMENT(at, count);
		uint64_t number;

		rc = read_whole(r, item, &here, 0, UINT32_MAX - 1, &number);
		if (rc < 0)
			return rc;
		numbers[count++] = (gid_t)number;
	}
	ret->items = numbers;
	ret->count = count;
	return 0;
}

static int read_list(struct reader *r, enum read_level level, struct json_value value,
		     const struct read_place *at, struct list *ret)
{
	struct json_value item;
	uint32_t count = 0;
	char *items;
	int rc = read_check_array(r, value, at);

	if (rc < 0)
		return rc;
	items = arena_array(r->arena, json_count(value), levels[level].size);
	if (items == NULL)
		return -ENOMEM;
	for (item = json_first(value); json_exists(item); item = json_next(item)) {
		struct read_place here = READ_ELEMENT(at, count);

		rc = read_object(r, level, item, &here, items + (size_t)count * levels[level].size);
		if (rc < 0)
			return rc;
		count++;
	}
	ret->items = items;
	ret->count = count;
	return 0;
}

/* A member of a map. */
struct member {
	const char *name; /* borrowed from the tree */
	uint32_t order;
	struct json_value value;
};

static int compare_members(const void *one, const void *other)
{
	const struct member *a = one, *b = other;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->order < b->order ? -1 : 1;
}

/* The members of a map by name, the last of equal ones only, none that is null. *ret is the caller's to free. */
static int collect_members(struct reader *r, struct json_value value, const struct read_place *at,
			   struct member **ret, uint32_t *ret_count)
{
	struct json_value item;
	struct member *members;
	uint32_t count = 0, kept = 0;
	size_t size;

	if (json_kind(value) != JSON_OBJECT)
		return read_fail_mistyped(r, at, "an object", value);
	members = calloc((size_t)json_count(value) + 1, sizeof(*members));
	if (members == NULL)
		return -ENOMEM;
	for (item = json_first(value); json_exists(item); item = json_next(item), count++) {
		members[count] = (struct member){json_name(item, &size), count, item};
		if (size > 0 && strlen(members[count].name) == size)
			continue;
		free(members);
		return read_fail(r, at,
				 size == 0 ? "a name in it is empty"
					   : "a name in it holds a NUL character");
	}
	qsort(members, count, sizeof(*members), compare_members);
	for (uint32_t i = 0; i < count; i++) {
		if (i + 1 < count && strcmp(members[i].name, members[i + 1].name) == 0)
			continue;
		if (json_kind(members[i].value) != JSON_NULL)
			members[kept++] = members[i];
	}
	*ret = members;
	*ret_count = kept;
	return 0;
}

static int fill_map(struct reader *r, const struct member *members, uint32_t count,
		    const struct read_place *at, struct oci_pairs *ret)
{
	struct oci_pair *pairs = arena_array(r->arena, count, sizeof(*pairs));

	for (uint32_t i = 0; pairs != NULL && i < count; i++) {
		struct read_place here = {.up = at, .name = members[i].name, .is_key = true};
		int rc = read_text(r, members[i].value, &here, &pairs[i].value);

		if (rc < 0)
			return rc;
		pairs[i].key = arena_string(r->arena, here.name, strlen(here.name));
		if (pairs[i].key == NULL)
			return -ENOMEM;
	}
	if (pairs == NULL)
		return -ENOMEM;
	*ret = (struct oci_pairs){pairs, count};
	return 0;
}

static int read_map(struct reader *r, struct json_value value, const struct read_place *at,
		    struct oci_pairs *ret)
{
	struct member *members;
	uint32_t count;
	int rc = collect_members(r, value, at, &members, &count);

	if (rc < 0)
		return rc;
	rc = fill_map(r, members, count, at, ret);
	free(members);
	return rc;
}

static int fill_keyed(struct reader *r, enum read_level level, const struct member *members,
		      uint32_t count, const struct read_place *at, struct list *ret)
{
	char *items = arena_array(r->arena, count, levels[level].size);

	for (uint32_t i = 0; items != NULL && i < count; i++) {
		struct read_place here = {.up = at, .name = members[i].name, .is_key = true};
		char *item = items + (size_t)i * levels[level].size;
		const char *key = arena_string(r->arena, here.name, strlen(here.name));
		int rc = key == NULL ? -ENOMEM
				     : read_object(r, level, members[i].value, &here, item);

		if (rc < 0)
			return rc;
		*(const char **)(void *)item = key;
	}
	if (items == NULL)
		return -ENOMEM;
	ret->items = items;
	ret->count = count;
	return 0;
}

static int read_keyed(struct reader *r, enum read_level level, struct json_value value,
		      const struct read_place *at, struct list *ret)
{
	struct member *members;
	uint32_t count;
	int rc = collect_members(r, value, at, &members, &count);

	if (rc < 0)
		return rc;
	rc = fill_keyed(r, level, members, count, at, ret);
	free(members);
	return rc;
}

/* -- Objects ---------------------------------------------------------------------------------------------- */

/* table-like: a kind a case. The value is there, or the kind is one of those that want to know that it is not. */
static int read_value(struct reader *r, const struct row *row, struct json_value value,
		      const struct read_place *at, void *base)
{
	void *to = (char *)base + row->offset;

	switch ((enum kind)row->kind) {
	case KIND_NONE:
		return 0;
	case KIND_STRING:
	case KIND_PATH:
		return read_string(r, row, value, at, to);
	case KIND_BOOL:
		return read_bool(r, value, at, to);
	case KIND_UINT:
	case KIND_INT:
		return read_integer(r, row, value, at, to);
	case KIND_NUMBER:
	case KIND_AMOUNT:
	case KIND_LIMIT:
		return read_number(r, row, value, at, to);
	case KIND_CHOICE:
		return read_choice(r, value, at, to);
	case KIND_ENUM:
		return read_enum(r, row, value, at, to);
	case KIND_FLAGS:
		return read_flags(r, row, value, at, to);
	case KIND_STRINGS:
		return read_strings(r, value, at, to);
	case KIND_PATHS:
	case KIND_ARCHITECTURES:
		return read_strict_strings(r, row, value, at, to);
	case KIND_NUMBERS:
		return read_numbers(r, value, at, to);
	case KIND_MAP:
		return read_map(r, value, at, to);
	case KIND_OBJECT:
		return read_object(r, row->to, value, at, to);
	case KIND_LIST:
		return read_list(r, row->to, value, at, to);
	case KIND_KEYED:
		return read_keyed(r, row->to, value, at, to);
	case KIND_CAPABILITIES:
		return read_process_capabilities(r, value, at, to);
	case KIND_MOUNT_OPTIONS:
		return read_mounts_options(r, value, at, base);
	case KIND_NAMESPACES:
		return read_linux_namespaces(r, value, at);
	case KIND_RULE_TYPE:
		return read_resources_rule_type(r, value, at, base);
	case KIND_RULE_NUMBER:
		return read_resources_rule_number(r, value, at, to);
	case KIND_RULE_ACCESS:
		return read_resources_rule_access(r, value, at, base);
	case KIND_SWAPPINESS:
		return read_resources_swappiness(r, value, at, to);
	}
	return 0;
}

/* table-like: a level a case. What must hold between the fields of one object. */
static int check_level(struct reader *r, enum read_level level, const struct read_place *at,
		       void *base)
{
	switch (level) {
	case LEVEL_spec:
		return read_linux_check(r);
	case LEVEL_process:
		return read_process_check(r, at, base);
	case LEVEL_capabilities:
		return read_process_check_capabilities(r, base);
	case LEVEL_rlimit:
		return read_process_check_rlimit(r, at, base);
	case LEVEL_scheduler:
		return read_process_check_scheduler(r, base);
	case LEVEL_mount:
		return read_mounts_check(r, at, base);
	case LEVEL_id_map:
		return read_linux_check_map(r, at, base);
	case LEVEL_device:
		return read_linux_check_device(r, at, base);
	case LEVEL_device_rule:
		return read_resources_check_rule(r, at, base);
	case LEVEL_resources:
		return read_resources_check(r);
	case LEVEL_io_weight:
		return read_resources_check_weight(r, at, base);
	case LEVEL_hugepage:
		return read_resources_check_hugepage(r, at, base);
	case LEVEL_network_priority:
		return read_resources_check_priority(r, at, base);
	case LEVEL_rdma:
		return read_resources_check_rdma(r, at, base);
	case LEVEL_seccomp:
		return read_seccomp_check(r, base);
	case LEVEL_syscall:
		return read_seccomp_check_rule(r, at, base);
	default:
		return 0;
	}
}

static bool is_empty(struct json_value value)
{
	enum json_kind kind = json_kind(value);
	size_t size = 0;
	bool yes = true;

	return kind == JSON_NONE || kind == JSON_NULL ||
	       ((kind == JSON_ARRAY || kind == JSON_OBJECT) && json_count(value) == 0) ||
	       (json_string(value, &size) != NULL && size == 0) || (json_bool(value, &yes) && !yes);
}

/* Does the row's reader want to know of a missing value? */
static bool has_default(const struct row *row)
{
	return row->kind == KIND_RULE_TYPE || row->kind == KIND_RULE_NUMBER;
}

static int read_row(struct reader *r, const struct row *row, struct json_value value,
		    const struct read_place *at, void *base)
{
	if (row->state == REFUSED && !is_empty(value))
		return read_fail(r, at, "is refused: %s", refused_because(row));
	if (!json_exists(value)) {
		if (row->required)
			return read_fail(r, at, "is missing");
		if (!has_default(row))
			return 0;
	} else if (row->mark != NO_MARK) {
		*((bool *)base + row->mark) = true;
	}
	return read_value(r, row, value, at, base);
}

/* The members by their rows; what no row knows is noted. */
static int sort_members(struct reader *r, enum read_level level, struct json_value value,
			const struct read_place *at, struct json_value found[ROWS_MAX])
{
	const struct row *first = rows + levels[level].first;
	size_t count = (size_t)(levels[level + 1].first - levels[level].first);
	struct json_value item;

	invariant(count <= ROWS_MAX);
	for (item = json_first(value); json_exists(item); item = json_next(item)) {
		size_t size, i = 0;
		struct read_place here = READ_FIELD(at, json_name(item, &size));
		int rc;

		while (i < count &&
		       (strcmp(first[i].name, here.name) != 0 || strlen(here.name) != size))
			i++;
		if (i < count) {
			found[i] = json_kind(item) == JSON_NULL ? (struct json_value){0} : item;
			continue;
		}
		rc = read_fail_unknown(r, &here);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int read_object(struct reader *r, enum read_level level, struct json_value value,
		const struct read_place *at, void *base)
{
	struct json_value found[ROWS_MAX] = {0};
	size_t count = (size_t)(levels[level + 1].first - levels[level].first);
	int rc;

	if (json_kind(value) != JSON_OBJECT)
		return read_fail_mistyped(r, at, "an object", value);
	rc = sort_members(r, level, value, at, found);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct row *row = &rows[levels[level].first + i];
		struct read_place here = READ_FIELD(at, row->name);

		rc = read_row(r, row, found[i], &here, base);
	}
	return rc < 0 ? rc : check_level(r, level, at, base);
}
