/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h: every bound the engine puts on a module, in one place.
 *
 * The specification allows an implementation to refuse what is larger than it can handle. These are
 * the numbers web engines agree on (the JavaScript interface of WebAssembly, "Limits"), so a module that
 * runs there is not refused here; where ours differ the comment says why.
 */
#ifndef WASM_LIMITS_H
#define WASM_LIMITS_H

enum {
	LIMIT_MODULE_BYTES = 1 << 30,
	LIMIT_TYPES = 1000000,
	LIMIT_REC_GROUP = 1000000,
	LIMIT_SUBTYPE_DEPTH = 63,
	LIMIT_FUNCTIONS = 1000000,
	LIMIT_IMPORTS = 1000000,
	LIMIT_EXPORTS = 1000000,
	LIMIT_GLOBALS = 1000000,
	LIMIT_TAGS = 1000000,
	LIMIT_DATAS = 100000,
	LIMIT_ELEMENTS = 10000000, /* segments, and entries of one */
	LIMIT_TABLES = 100000,
	LIMIT_MEMORIES = 100,
	LIMIT_TABLE_ENTRIES = 10000000, /* of one table, at run time */
	LIMIT_PARAMS = 1000,
	LIMIT_RESULTS = 1000,
	LIMIT_FIELDS = 10000,
	LIMIT_BODY_BYTES = 7654321,
	LIMIT_LOCALS = 50000,
	LIMIT_BR_TABLE = 65520,
	LIMIT_CATCHES = 65520, /* of a try_table */
	/* Ours: a frame counts its slots in 16 bits, and must fit the stack with room to spare. */
	LIMIT_FRAME_SLOTS = 65535,
	LIMIT_NESTING = 65535,
	LIMIT_LOCAL_MAPS =
		1 << 25, /* entries, of all functions: two bytes a local, maybe never used */
	LIMIT_FIXED_ELEMENTS = 10000, /* of array.new_fixed */
	LIMIT_CONST_STACK = 10240, /* values a constant expression may hold */

	PAGE_BYTES = 65536,
	LIMIT_PAGES32 = 65536,
};
#define LIMIT_PAGES64 (UINT64_C(1) << 48)
/* Ours: what a 64-bit memory may have at run time, 1 TiB: its page tables alone are more than most have. */
#define LIMIT_PAGES64_MADE (UINT64_C(1) << 24)

#endif
