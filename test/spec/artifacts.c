/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"

static int write_and_open(struct skiff_module **ret, struct skiff_engine *engine,
			  const struct image *image, const struct artifact_id *id, struct err *err)
{
	int fd = memfd_create("artifact", MFD_CLOEXEC);
	struct artifact artifact;
	int error;

	if (fd < 0)
		return err_set(err, -errno, "no file in memory");
	error = artifact_write(fd, image, id, err);
	if (error != 0) {
		close(fd);
		return error;
	}
	error = artifact_open(&artifact, fd, err);
	if (error == 0 && !artifact_fits(&artifact, id, err)) {
		artifact_close(&artifact);
		error = -EINVAL;
	}
	/* What opening refuses of an artifact just written is no verdict on the module. */
	return error == 0 ? module_of_artifact(ret, engine, &artifact, err) : -EIO;
}

int artifacts_open(struct skiff_module **ret, struct skiff_engine *engine, const char *path,
		   struct skiff_error *err)
{
	struct artifact_id id;
	struct image *image;
	struct stat state;
	int fd, error;

	error = module_file_open(path, &fd, &state, err_in(err));
	if (error != 0)
		return error;
	error = artifact_image(&image, &id, engine, fd, &state, err_in(err));
	close(fd);
	if (error != 0)
		return error;
	error = write_and_open(ret, engine, image, &id, err_in(err));
	image_free(image);
	return error;
}
