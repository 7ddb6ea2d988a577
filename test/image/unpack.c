/* SPDX-License-Identifier: Apache-2.0 */
/* image-unpack ROOT LAYER...: unpacks layers, one over the other, for test/image/layers.py: a line each, and what was left out. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "image/layer.h"

int main(int argc, char **argv)
{
	struct layer_limits left;
	struct oci_digest diff;
	struct err err = {""};
	int root = argc < 3 ? -1 : open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (root < 0) {
		fputs("usage: image-unpack ROOT LAYER...\n", stderr);
		return 2;
	}
	error = layer_limits_read(&left, &err);
	for (int i = 2; i < argc && error == 0; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);

		error = layer_unpack(fd, IMAGE_LAYER_TAR_GZIP, root, &left, &diff, &err);
		close(fd);
		if (error == 0)
			printf("%s\n", diff.text);
	}
	if (error < 0)
		printf("%d: %s\n", error, err.text);
	printf("left out: %llu\n", (unsigned long long)left.left_out);
	return error < 0;
}
