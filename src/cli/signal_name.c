/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signal_name.h"

#include "base/base.h"
#include "base/text.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROW(name) {#name, SIG##name}

static const struct {
	char name[8];
	int number;
} names[] = {
	ROW(HUP),  ROW(INT),    ROW(QUIT), ROW(ILL),   ROW(TRAP), ROW(ABRT), ROW(BUS),  ROW(FPE),
	ROW(KILL), ROW(USR1),   ROW(SEGV), ROW(USR2),  ROW(PIPE), ROW(ALRM), ROW(TERM), ROW(STKFLT),
	ROW(CHLD), ROW(CONT),   ROW(STOP), ROW(TSTP),  ROW(TTIN), ROW(TTOU), ROW(URG),  ROW(XCPU),
	ROW(XFSZ), ROW(VTALRM), ROW(PROF), ROW(WINCH), ROW(IO),   ROW(PWR),  ROW(SYS),
};

/* The kernel's own numbers: libc keeps the first ones of SIGRTMIN for itself. */
enum { FIRST_REALTIME = 34, LAST = 64 };

static int realtime(const char *name)
{
	uint64_t more = 0;

	if (strncasecmp(name, "RTMIN", 5) != 0)
		return -1;
	if (name[5] == '+' ? !text_parse_u64(name + 6, &more) : name[5] != '\0')
		return -1;
	return more <= LAST - FIRST_REALTIME ? FIRST_REALTIME + (int)more : -1;
}

int signal_name_number(const char *name)
{
	uint64_t number;

	if (text_parse_u64(name, &number))
		return number >= 1 && number <= LAST ? (int)number : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].number;
	return realtime(name);
}
