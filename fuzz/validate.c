/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate.c (fuzz): any bytes as function bodies, so that the validator is not all the time kept from its work by what
 * is around them.
 *
 * They are choices of which a module is woven (weave.h); the first two say whether a feature is switched off, or all is done twice. Beyond
 * what look.h requires: the disassembly names the instructions the module was woven of, each where it was put, whatever
 * the validator has made of them; and a second time the text is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "look.h"
#include "wasm/feature.h"
#include "wasm/opcode.h"
#include "weave.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look_into_text(const struct buf *module, uint64_t features, char **ret_text)
{
	size_t length;
	FILE *out = open_memstream(ret_text, &length);
	bool accepted;

	require(out != NULL);
	accepted = look(module->data, module->size, features, out);
	require(fclose(out) == 0);
	return accepted;
}

/* Lines like "0x00002f:   local.get 0", in the order of the code; functions have heads of their own. */
static void compare(const char *text, const struct buf *instructions)
{
	uint32_t count = (uint32_t)BUF_COUNT(instructions, struct woven), found = 0;

	for (; text != NULL && found < count; text = strchr(text, '\n'), text += text != NULL) {
		const struct woven *i = BUF_ITEM(instructions, struct woven, found);
		const char *name = opcode_text(i->opcode);
		char *end;

		if (strncmp(text, "0x", 2) != 0 || strtoul(text, &end, 16) < i->offset)
			continue;
		require(strtoul(text, &end, 16) == i->offset && *end == ':');
		end += 1 + strspn(end + 1, " ");
		/* "ref.test null" has the second word in its operand. */
		require(strncmp(end, name, strcspn(name, " ")) == 0);
		found++;
	}
	require(found == count);
}

static void look_well(const struct buf *module, const struct buf *instructions, uint64_t features,
		      bool twice)
{
	char *first = NULL, *second = NULL;

	if (look_into_text(module, features, &first)) {
		compare(first, instructions);
		require(!twice || look_into_text(module, features, &second));
		require(!twice || strcmp(first, second) == 0);
	}
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf module = {0}, instructions = {0};
	uint64_t features = feature_default();

	if (size < 3)
		return 0;
	if (data[0] % 16 == 15)
		features &= ~FEATURE_BIT(1 + data[1] % (FEATURE_COUNT - 1));
	weave(&module, &instructions, data + 2, size - 2);
	look_well(&module, &instructions, features, data[0] % 16 == 14);
	buf_deinit(&module);
	buf_deinit(&instructions);
	return 0;
}
