/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool put(struct buf *text, const char *bytes)
{
	return buf_put(text, bytes, strlen(bytes)) != NULL;
}

static bool put_string(struct buf *text, const char *value)
{
	char escape[8];
	bool fits = put(text, "\"");

	for (const char *c = value; fits && *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", *c);
			fits = put(text, escape);
		} else if ((unsigned char)*c < ' ') {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*c);
			fits = put(text, escape);
		} else {
			fits = buf_put(text, c, 1) != NULL;
		}
	}
	return fits && put(text, "\"");
}

static bool put_member(struct buf *text, const char *before, const char *key, const char *value)
{
	return put(text, before) && put_string(text, key) && put(text, ":") &&
	       put_string(text, value);
}

static bool put_annotations(struct buf *text, const struct oci_pairs *pairs)
{
	if (pairs->count == 0)
		return true;
	if (!put(text, ",\"annotations\":{"))
		return false;
	for (uint32_t i = 0; i < pairs->count; i++)
		if (!put_member(text, i > 0 ? "," : "", pairs->items[i].key, pairs->items[i].value))
			return false;
	return put(text, "}");
}

int oci_state_put(const struct oci_state *state, struct buf *text)
{
	char pid[32];

	snprintf(pid, sizeof(pid), ",\"pid\":%d", (int)state->pid);
	if (put_member(text, "{", "ociVersion", "1.2.0") &&
	    put_member(text, ",", "id", state->id) &&
	    put_member(text, ",", "status", state->status) && (state->pid == 0 || put(text, pid)) &&
	    put_member(text, ",", "bundle", state->bundle) &&
	    put_annotations(text, state->annotations) && put(text, "}\n"))
		return 0;
	return -ENOMEM;
}
