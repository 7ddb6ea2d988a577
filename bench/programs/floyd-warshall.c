/* SPDX-License-Identifier: Apache-2.0 */
/* floyd-warshall.c: all shortest paths of a dense graph with integer lengths. */
#include "program.h"

enum { NODES = 160, FAR = 999 };

static int32_t path[NODES][NODES];

static void fill(void)
{
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++) {
			path[i][j] = i * j % 7 + 1;
			if ((i + j) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0)
				path[i][j] = FAR;
		}
}

static NOINLINE void shortest(void)
{
	for (int k = 0; k < NODES; k++)
		for (int i = 0; i < NODES; i++)
			for (int j = 0; j < NODES; j++)
				path[i][j] = path[i][j] < path[i][k] + path[k][j]
						     ? path[i][j]
						     : path[i][k] + path[k][j];
}

uint32_t run(uint32_t reps)
{
	uint32_t hash = 4;

	if (reps == 0)
		return 0;
	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		shortest();
		FORGET();
	}
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++)
			hash = hash_u32(hash, (uint32_t)path[i][j]);
	return hash;
}
