/* SPDX-License-Identifier: Apache-2.0 */
/* exit.h: the exit codes of the command line, from their table. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum {
#define EXIT(id, code, meaning) EXIT_##id = (code),
#include "cli/exits.def"
#undef EXIT
};

#endif
