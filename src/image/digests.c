/* SPDX-License-Identifier: Apache-2.0 */
#include "image/digests.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

/* Anybody may choose digests, and make them fall together: then it is slow, and limited by what index.json holds. */
static size_t place(const struct oci_digest *digest)
{
	uint64_t hash = 1469598103934665603u;

	for (const char *c = digest->text; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

/* Its slot, or the free one it would have. */
static struct oci_digest *find(const struct digests *set, const struct oci_digest *digest)
{
	size_t i = place(digest);

	while (set->slots[i & (set->room - 1)].text[0] != '\0' &&
	       !oci_digest_is(&set->slots[i & (set->room - 1)], digest))
		i++;
	return &set->slots[i & (set->room - 1)];
}

static int grow(struct digests *set)
{
	struct digests more = {.room = set->room == 0 ? ROOM_FIRST : set->room * 2,
			       .count = set->count};

	more.slots = calloc(more.room, sizeof(*more.slots));
	if (more.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i].text[0] != '\0')
			*find(&more, &set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = more;
	return 0;
}

int digests_add(struct digests *set, const struct oci_digest *digest)
{
	struct oci_digest *slot;

	if (set->count * 2 >= set->room && grow(set) != 0)
		return -ENOMEM;
	slot = find(set, digest);
	if (slot->text[0] != '\0')
		return 0;
	*slot = *digest;
	set->count++;
	return 1;
}

bool digests_has(const struct digests *set, const struct oci_digest *digest)
{
	return set->room > 0 && find(set, digest)->text[0] != '\0';
}

void digests_deinit(struct digests *set)
{
	free(set->slots);
	*set = (struct digests){0};
}
