/* SPDX-License-Identifier: Apache-2.0 */
/* cholesky.c: the lower factor of a symmetric positive definite matrix, in place. */
#include "program.h"

enum { SIZE = 240 };

static double a[SIZE][SIZE];

/* Positive definite because the diagonal outweighs its row. */
static void fill(void)
{
	for (int i = 0; i < SIZE; i++) {
		for (int j = 0; j < SIZE; j++)
			a[i][j] = 1.0 / (1 + (i > j ? i - j : j - i));
		a[i][i] += SIZE / 8;
	}
}

static NOINLINE void factor(void)
{
	for (int i = 0; i < SIZE; i++) {
		for (int j = 0; j < i; j++) {
			for (int k = 0; k < j; k++)
				a[i][j] -= a[i][k] * a[j][k];
			a[i][j] /= a[j][j];
		}
		for (int k = 0; k < i; k++)
			a[i][i] -= a[i][k] * a[i][k];
		a[i][i] = __builtin_sqrt(a[i][i]);
	}
}

uint32_t run(uint32_t reps)
{
	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		factor();
		FORGET();
	}
	return hash_f64s(5, &a[0][0], SIZE * SIZE);
}
