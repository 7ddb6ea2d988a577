/* SPDX-License-Identifier: Apache-2.0 */
#include "image/platform.h"

#include "command/exit.h"
#include "command/say.h"

bool platform_option(struct options *o, struct image_wish *ret, char room[static 128])
{
	struct err err;

	if (image_wish_parse(ret, o->value, room, &err) == 0)
		return true;
	o->code = say(EXIT_USAGE, NULL, "option '--%s': %s", o->name, err.text);
	return false;
}
