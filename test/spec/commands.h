/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h: one function per command of the suite.
 *
 * Each judges its command and nothing else; the table in commands.c is all the types there are.
 */
#ifndef SPEC_COMMANDS_H
#define SPEC_COMMANDS_H

#include "base/json.h"
#include "script.h"
#include "verdict.h"

/* A command without commands in it. *verdict is passed at first. */
void commands_judge(struct script *script, struct json_value command, struct verdict *verdict);

#endif
