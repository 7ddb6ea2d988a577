/* SPDX-License-Identifier: Apache-2.0 */
/* 2mm.c: D = alpha A B C + beta D; an element is one dot product: a column is walked innermost. */
#include "program.h"

enum { NI = 120, NJ = 130, NK = 140, NL = 150 };

static double a[NI][NK], b[NK][NJ], c[NJ][NL], d[NI][NL], tmp[NI][NJ];

static void fill(void)
{
	for (int i = 0; i < NI; i++)
		for (int k = 0; k < NK; k++)
			a[i][k] = (double)((i * k + 1) % NI) / NI;
	for (int k = 0; k < NK; k++)
		for (int j = 0; j < NJ; j++)
			b[k][j] = (double)(k * (j + 1) % NJ) / NJ;
	for (int j = 0; j < NJ; j++)
		for (int l = 0; l < NL; l++)
			c[j][l] = (double)((j * (l + 3) + 1) % NL) / NL;
	for (int i = 0; i < NI; i++)
		for (int l = 0; l < NL; l++)
			d[i][l] = (double)(i * (l + 2) % NK) / NK;
}

static NOINLINE void multiply_twice(double alpha, double beta)
{
	for (int i = 0; i < NI; i++)
		for (int j = 0; j < NJ; j++) {
			double sum = 0;

			for (int k = 0; k < NK; k++)
				sum += alpha * a[i][k] * b[k][j];
			tmp[i][j] = sum;
		}
	for (int i = 0; i < NI; i++)
		for (int l = 0; l < NL; l++) {
			double sum = d[i][l] * beta;

			for (int j = 0; j < NJ; j++)
				sum += tmp[i][j] * c[j][l];
			d[i][l] = sum;
		}
}

uint32_t run(uint32_t reps)
{
	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		multiply_twice(1.5, 1.2);
		FORGET();
	}
	return hash_f64s(2, &d[0][0], NI * NL);
}
