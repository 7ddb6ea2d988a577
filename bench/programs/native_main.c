/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_main.c: run a benchmark program natively.
 *
 * Usage: PROGRAM REPS. Prints nanoseconds of all repetitions and the checksum, as every in-process
 * driver here does. One untimed repetition goes first: it touches the pages.
 */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	uint32_t reps = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
	uint64_t start;
	uint32_t sum;

	run(1);
	start = now();
	sum = run(reps);
	printf("%llu %u\n", (unsigned long long)(now() - start), sum);
	return 0;
}
