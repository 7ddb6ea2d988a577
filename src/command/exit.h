/* SPDX-License-Identifier: Apache-2.0 */
/* exit.h: the exit codes of the command line, from their table. */
#ifndef COMMAND_EXIT_H
#define COMMAND_EXIT_H

enum {
#define EXIT(id, code, meaning) EXIT_##id = (code),
#include "command/exits.def"
#undef EXIT
	EXIT_SIGNAL = 128, /* plus the number of the signal that ended it */
};

#endif
