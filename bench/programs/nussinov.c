/* SPDX-License-Identifier: Apache-2.0 */
/* nussinov.c: the best base pairing of an RNA strand by dynamic programming over its intervals. */
#include "program.h"

enum { LENGTH = 260 };

static int8_t strand[LENGTH]; /* bases 0..3; 0 pairs with 3, 1 with 2 */
static int32_t best[LENGTH][LENGTH];

static void fill(void)
{
	for (int i = 0; i < LENGTH; i++)
		strand[i] = (int8_t)((i * i + 3 * i + 1) % 7 & 3);
	for (int i = 0; i < LENGTH; i++)
		for (int j = 0; j < LENGTH; j++)
			best[i][j] = 0;
}

static inline int32_t larger(int32_t x, int32_t y)
{
	return x >= y ? x : y;
}

static NOINLINE void pair(void)
{
	for (int i = LENGTH - 1; i >= 0; i--)
		for (int j = i + 1; j < LENGTH; j++) {
			best[i][j] = larger(best[i][j], best[i][j - 1]);
			if (i + 1 < LENGTH)
				best[i][j] = larger(best[i][j], best[i + 1][j]);
			if (i + 1 < j)
				best[i][j] =
					larger(best[i][j],
					       best[i + 1][j - 1] + (strand[i] + strand[j] == 3));
			for (int k = i + 1; k < j; k++)
				best[i][j] = larger(best[i][j], best[i][k] + best[k + 1][j]);
		}
}

uint32_t run(uint32_t reps)
{
	uint32_t hash = 6;

	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		pair();
		FORGET();
	}
	for (int i = 0; i < LENGTH; i++)
		for (int j = i; j < LENGTH; j++)
			hash = hash_u32(hash, (uint32_t)best[i][j]);
	return hash;
}
