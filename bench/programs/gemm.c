/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c: C = beta C + alpha A B on dense doubles; the row of B is walked innermost. */
#include "program.h"

enum { ROWS = 160, COLS = 180, INNER = 200 };

static double a[ROWS][INNER], b[INNER][COLS], c[ROWS][COLS];

static void fill(void)
{
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < INNER; k++)
			a[i][k] = (double)((i * (k + 1)) % INNER) / INNER;
	for (int k = 0; k < INNER; k++)
		for (int j = 0; j < COLS; j++)
			b[k][j] = (double)((k * (j + 2)) % COLS) / COLS;
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < COLS; j++)
			c[i][j] = (double)((i * j + 1) % ROWS) / ROWS;
}

static NOINLINE void gemm(double alpha, double beta)
{
	for (int i = 0; i < ROWS; i++) {
		for (int j = 0; j < COLS; j++)
			c[i][j] *= beta;
		for (int k = 0; k < INNER; k++)
			for (int j = 0; j < COLS; j++)
				c[i][j] += alpha * a[i][k] * b[k][j];
	}
}

uint32_t run(uint32_t reps)
{
	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		gemm(1.5, 1.2);
		FORGET();
	}
	return hash_f64s(1, &c[0][0], ROWS * COLS);
}
