/* SPDX-License-Identifier: Apache-2.0 */
/* self.h: this program in memory, as its program headers tell it. */
#ifndef BASE_SELF_H
#define BASE_SELF_H

/*
 * What was only to be written while the program was relocated (tables of functions, above all) can no more be written to. A
 * static program has no loader that would have seen to it.
 */
void self_seal(void);

#endif
