/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the program `skiff` plays the role of the name it is called by.
 *
 * A copy or link under a name that is not in the table plays the first role, so that a renamed
 * skiff is still a skiff. Roles are rows of roles.def; the function of a role is name_main().
 */
#include <stddef.h>
#include <string.h>

#define ROLE(name, function) int function(char **args);
#include "cli/roles.def"
#undef ROLE

struct role {
	const char *name;
	int (*main)(char **args); /* args: without the name, ends with NULL */
};

static const struct role roles[] = {
#define ROLE(name, function) {name, function},
#include "cli/roles.def"
#undef ROLE
};

static const struct role *find_role(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, name) == 0)
			return &roles[i];
	return &roles[0];
}

int main(int argc, char **argv)
{
	if (argc == 0) /* execve() allows it */
		return roles[0].main(argv);
	return find_role(argv[0])->main(argv + 1);
}
