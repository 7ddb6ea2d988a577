/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_filter_gen.c: a program of the build: guest_calls.def to C text with the compiled filter (guest_filter.inc).
 *
 * So that a container's start does not compile what is the same for all. What differs is the process's own number; the
 * instructions that hold it are listed, and get it when the filter is installed.
 */
#include <stdio.h>

#include "base/base.h"
#include "sandbox/filter.h"
#include "sandbox/guest_calls.h"
#include "sandbox/syscalls.h"

static struct sock_filter code[FILTER_MOST];
static struct filter_rule rules[ARRAY_SIZE(guest_rows)];

static uint32_t make_rules(void)
{
	uint32_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(guest_rows); i++) {
		const struct guest_row *row = &guest_rows[i];
		int number = row->name != NULL ? syscalls_find(row->name, NULL) : -1;

		/* Other CPUs lack some. */
		if (number < 0)
			continue;
		rules[count++] = (struct filter_rule){.number = (uint32_t)number,
						      .action = row->action,
						      .args = row->args,
						      .arg_count = row->arg_count};
	}
	return count;
}

static uint32_t newest_known(void)
{
	uint32_t newest = SYSCALLS_MOST - 1;

	while (syscalls_name((int)newest) == NULL)
		newest--;
	return newest;
}

int main(void)
{
	struct filter_plan plan = {
		.rules = rules,
		.rule_count = make_rules(),
		.otherwise = SECCOMP_RET_ERRNO | EPERM,
		.foreign = SECCOMP_RET_KILL_PROCESS,
		.newest = newest_known(),
	};
	int count = filter_compile(code, &plan);

	if (count < 0) {
		fprintf(stderr, "guest_calls.def: the filter has too many instructions\n");
		return 1;
	}
	printf("/* Made from guest_calls.def by guest_filter_gen.c. */\n");
	printf("static const struct sock_filter guest_code[] = {\n");
	for (int i = 0; i < count; i++)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
	printf("};\n\n/* Which of them compare with the process's own number. */\n");
	printf("static const uint16_t guest_self[] = {");
	for (int i = 0; i < count; i++)
		if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && code[i].k == SELF)
			printf("%d, ", i);
	printf("};\n");
	return ferror(stdout) != 0 || fflush(stdout) != 0;
}
