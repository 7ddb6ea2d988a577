/* SPDX-License-Identifier: Apache-2.0 */
/* image_run.h: a container that no bundle on the disk describes: of an image, or of a module in a cage. */
#ifndef CLI_IMAGE_RUN_H
#define CLI_IMAGE_RUN_H

#include "cli/contained.h"
#include "cli/guest.h"

/* `contained`: what of the plan goes along with any container; an exit code, of the guest if it ran. */
int image_run(struct guest_plan *plan, struct contained_plan *contained);
int image_run_file(struct guest_plan *plan, struct contained_plan *contained);

#endif
