/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello.c: what the images of the interoperation table run, as a guest and native: says which of the two it is, and what of the
 * image's config reached it, so that a line of output proves what was run and how.
 */
#include <stdio.h>
#include <stdlib.h>

#ifdef __wasm__
#define KIND "wasm"
#else
#define KIND "native"
#endif

int main(int argc, char **argv)
{
	const char *shape = getenv("SHAPE");

	printf("hello from %s, argument %s, variable %s\n", KIND, argc > 1 ? argv[1] : "none",
	       shape != NULL ? shape : "none");
	return 0;
}
