/* SPDX-License-Identifier: Apache-2.0 */
/* jacobi-2d.c: relaxation of a plane by its five-point neighbourhood, between two buffers. */
#include "program.h"

enum { SIDE = 200, STEPS = 40 };

static double plane[2][SIDE][SIDE];

static void fill(void)
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			plane[0][i][j] = ((double)i * (j + 2) + 2) / SIDE;
			plane[1][i][j] = ((double)i * (j + 3) + 3) / SIDE;
		}
}

static void relax(double (*to)[SIDE], double (*from)[SIDE])
{
	for (int i = 1; i < SIDE - 1; i++)
		for (int j = 1; j < SIDE - 1; j++)
			to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] +
					  from[i + 1][j] + from[i - 1][j]);
}

static NOINLINE void jacobi(void)
{
	for (int t = 0; t < STEPS; t++) {
		relax(plane[1], plane[0]);
		relax(plane[0], plane[1]);
	}
}

uint32_t run(uint32_t reps)
{
	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		jacobi();
		FORGET();
	}
	return hash_f64s(3, &plane[0][0][0], SIDE * SIDE);
}
