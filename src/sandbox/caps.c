/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.c: capabilities by the kernel's own calls; libcap would be more code than these few.
 *
 * How many there are is asked of the kernel as we go along: a number it does not know is the end of them.
 */
#include "sandbox/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPS_MOST = 64 };

struct halves {
	struct __user_cap_data_struct items[2];
};

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

static uint64_t join(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

int caps_get_own(struct oci_capabilities *ret, struct err *err)
{
	struct __user_cap_header_struct head = header();
	struct halves data;

	if (syscall(SYS_capget, &head, data.items) < 0)
		return err_set(err, -errno, "read the capabilities: %s", strerror(errno));
	*ret = (struct oci_capabilities){
		.given = true,
		.effective = join(data.items[0].effective, data.items[1].effective),
		.permitted = join(data.items[0].permitted, data.items[1].permitted),
		.inheritable = join(data.items[0].inheritable, data.items[1].inheritable),
	};
	return 0;
}

int caps_get(struct oci_capabilities *ret, struct err *err)
{
	struct oci_capabilities caps;
	int error = caps_get_own(&caps, err);

	if (error < 0)
		return error;
	for (int i = 0; i < CAPS_MOST; i++) {
		int there = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (there < 0)
			break;
		if (there > 0)
			caps.bounding |= CAPS_ONE(i);
		/* An ambient one is in both of these. */
		if ((caps.permitted & caps.inheritable & CAPS_ONE(i)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) > 0)
			caps.ambient |= CAPS_ONE(i);
	}
	*ret = caps;
	return 0;
}

int caps_bound(uint64_t keep, struct err *err)
{
	for (int i = 0; i < CAPS_MOST; i++) {
		if ((keep & CAPS_ONE(i)) != 0 || prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break;
		return err_set(err, -errno, "drop capability %d: %s", i, strerror(errno));
	}
	return 0;
}

static int set_ambient(uint64_t wanted, struct err *err)
{
	/* A kernel before 4.3 has no such set. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return wanted == 0 ? 0
				   : err_set(err, -errno, "clear the ambient capabilities: %s",
					     strerror(errno));
	for (int i = 0; i < CAPS_MOST; i++)
		if ((wanted & CAPS_ONE(i)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return err_set(err, -errno, "make capability %d ambient: %s", i,
				       strerror(errno));
	return 0;
}

int caps_set(const struct oci_capabilities *caps, struct err *err)
{
	struct __user_cap_header_struct head = header();
	struct halves data;

	for (int i = 0; i < 2; i++)
		data.items[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps->effective >> (32 * i)),
			.permitted = (uint32_t)(caps->permitted >> (32 * i)),
			.inheritable = (uint32_t)(caps->inheritable >> (32 * i)),
		};
	if (syscall(SYS_capset, &head, data.items) < 0)
		return err_set(err, -errno, "set the capabilities: %s", strerror(errno));
	return set_ambient(caps->ambient & caps->permitted & caps->inheritable, err);
}
