/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.h: config.json texts for the tests, written with ' for " and whole with as little as need be. */
#ifndef OCI_TEST_TEXT_H
#define OCI_TEST_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "oci/spec.h"

#define WHOLE(rest) "{'ociVersion':'1.2.0','root':{'path':'rootfs'}" rest "}"
#define PROCESS(rest) WHOLE(",'process':{'cwd':'/','args':['a']" rest "}")
#define MOUNT(rest) WHOLE(",'mounts':[{'destination':'/m'" rest "}]")
#define LINUX(rest) WHOLE(",'linux':{" rest "}")
#define RESOURCES(rest) LINUX("'resources':{" rest "}")
#define SECCOMP(rest) LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'" rest "}")
#define RULE(rest) SECCOMP(",'syscalls':[{'names':['read'],'action':'SCMP_ACT_ERRNO'" rest "}]")
#define USER_NS "'namespaces':[{'type':'user'}],"
#define RANGE(inside, outside, size) \
	"{'containerID':" #inside ",'hostID':" #outside ",'size':" #size "}"

typedef int test_parse_fn(struct oci_spec **ret, const char *text, size_t size, struct err *err);

static inline void test_quote(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text[i] = text[i] == '\'' ? '"' : text[i];
}

/* No byte behind the text that a sanitizer would not see. */
static inline int test_parse(test_parse_fn *parse, struct oci_spec **ret, const char *text,
			     struct err *err)
{
	size_t size = strlen(text);
	char *copy = malloc(size > 0 ? size : 1);
	int rc;

	memcpy(copy, text, size);
	test_quote(copy, size);
	rc = parse(ret, copy, size, err);
	free(copy);
	return rc;
}

#endif
