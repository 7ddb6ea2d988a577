/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace.h"

#include "command/out.h"
#include "skiff.h"

#include <unistd.h>

static void put_frame(struct out *out, uint32_t i, const struct skiff_frame *frame)
{
	out_format(out, "  #%-3u", i);
	if (frame->offset != 0)
		out_format(out, "0x%04zx  ", frame->offset);
	else
		out_text(out, "host    ");
	if (frame->function.size != 0)
		out_name(out, frame->function.bytes, frame->function.size);
	else
		out_format(out, "function %u", frame->index);
	out_text(out, "\n");
}

void trace_say(const char *reason, const struct skiff_trap *trap)
{
	struct skiff_frame frame;
	struct out out;
	uint32_t i = 0;

	out_init(&out, STDERR_FILENO);
	out_text(&out, "skiff: ");
	if (reason == NULL)
		out_text(&out, "trap: ");
	for (const char *text = reason != NULL ? reason : skiff_trap_text(trap); *text != '\0';
	     text++)
		out_bytes(&out, *text >= 0x20 ? text : "?", 1);
	out_text(&out, "\n");
	for (; skiff_trap_frame(trap, i, &frame); i++)
		put_frame(&out, i, &frame);
	if (skiff_trap_depth(trap) > i)
		out_format(&out, "  ... and %llu frames more\n",
			   (unsigned long long)(skiff_trap_depth(trap) - i));
	out_flush(&out); /* a failure has nowhere to be told */
}
