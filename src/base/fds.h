/* SPDX-License-Identifier: Apache-2.0 */
/* fds.h: the descriptors of a process, all at once. */
#ifndef BASE_FDS_H
#define BASE_FDS_H

/* Those from `first` on are closed by the next exec. Before Linux 5.9 it takes a /proc. Between a fork and an exec, too. */
void fds_close_on_exec(int first);
/* All but one are closed. Before Linux 5.9 it takes a /proc, or it reaches the first thousand. */
void fds_close_but(int keep);

#endif
