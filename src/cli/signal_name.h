/* SPDX-License-Identifier: Apache-2.0 */
/* signal_name.h: signals by name. */
#ifndef CLI_SIGNAL_NAME_H
#define CLI_SIGNAL_NAME_H

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3"; -1: none of these. */
int signal_name_number(const char *name);

#endif
