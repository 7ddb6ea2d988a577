/* SPDX-License-Identifier: Apache-2.0 */
/* fds.h: the descriptors of a process, all at once. */
#ifndef BASE_FDS_H
#define BASE_FDS_H

/* Those from `first` on are closed by the next exec. Before Linux 5.9 it takes a /proc. Between a fork and an exec, too. */
void fds_close_on_exec(int first);
/*
 * Those from `first` on that an exec would leave open are closed. Ours are none of them: they came from whoever started us, who may
 * wait until nobody has them any more. It takes a /proc.
 */
void fds_close_inherited(int first);
/* All but one are closed. Before Linux 5.9 it takes a /proc, or it reaches the first thousand. */
void fds_close_but(int keep);

#endif
