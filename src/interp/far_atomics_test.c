/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_atomics_test.c: each atomic access in all the places and forms it can be written in, against the usual one: memory
 * 0 with 32-bit addresses and immediates of one byte. The specification's suites have only that one. What comes back,
 * what the memory holds then, why it traps, and that the instruction behind it is the next must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "interp/test_machine.h"
#include "wasm/code_bytes.h"
#include "wasm/opcode.h"

/* The memory an access goes to is of one page; what lies around it must not be touched. */
struct form {
	const char *name;
	uint8_t memory; /* the index */
	bool by_name; /* it is written though it is 0 */
	bool is64, shared;
	bool pads_flags, pads_offset;
};

static const struct form forms[] = {
	{.name = "near"},
	{.name = "near, shared", .shared = true},
	{.name = "memory 0 by name", .by_name = true},
	{.name = "near, padded", .pads_flags = true, .pads_offset = true},
	{.name = "memory 0 by name, padded", .by_name = true, .pads_flags = true},
	{.name = "memory 1", .memory = 1},
	{.name = "memory 1, shared", .memory = 1, .shared = true},
	{.name = "memory 1, padded", .memory = 1, .pads_flags = true, .pads_offset = true},
	{.name = "64 bits", .is64 = true},
	{.name = "64 bits, shared", .is64 = true, .shared = true},
	{.name = "64 bits, flags in two bytes", .is64 = true, .pads_flags = true},
	{.name = "64 bits, padded", .is64 = true, .pads_flags = true, .pads_offset = true},
	{.name = "64 bits, by name", .is64 = true, .by_name = true},
	{.name = "64 bits, by name, padded", .is64 = true, .by_name = true, .pads_flags = true},
	{.name = "memory 1, 64 bits", .memory = 1, .is64 = true},
	{.name = "memory 1, 64 bits, padded", .memory = 1, .is64 = true, .pads_flags = true},
};

enum { WRAP = 0xa7, EXTEND_U = 0xad };

static void put_memories(struct buf *bytes, const struct form *f)
{
	uint8_t limits = (uint8_t)(1 | (f->shared ? 2 : 0) | (f->is64 ? 4 : 0));
	struct buf section = {0};

	BYTES(&section, (uint8_t)(f->memory + 1));
	for (uint8_t i = 0; i < f->memory; i++)
		BYTES(&section, 0,
		      3); /* three pages: what is out of bounds is so by the right size */
	BYTES(&section, limits, 1, 1);
	bytes_section(bytes, 5, &section);
}

static void put_memarg(struct buf *code, const struct form *f, uint32_t width, uint8_t offset)
{
	bool named = f->memory != 0 || f->by_name;
	uint8_t flags = (uint8_t)(__builtin_ctz(width) | (named ? 0x40 : 0));

	if (f->pads_flags)
		BYTES(code, flags | 0x80, 0);
	else
		BYTES(code, flags);
	if (named)
		BYTES(code, f->memory);
	if (f->pads_offset)
		BYTES(code, offset | 0x80, 0x80, 0);
	else
		BYTES(code, offset);
}

/* (address, a, b) as i64s: the access with its operands; what it gives, as an i64. */
static void put_code(struct buf *code, const struct form *f, uint32_t opcode, uint8_t offset)
{
	const struct opcode_info *info = &opcode_info[opcode];

	BYTES(code, 1, 1, I64);
	for (uint8_t i = 0; i < info->pops; i++) {
		BYTES(code, GET(i));
		if (i == 0 ? !f->is64 : info->type[i] == TYPE_I32)
			BYTES(code, WRAP);
	}
	BYTES(code, 0xfe, (uint8_t)(opcode - OPCODE_BASE_FE));
	put_memarg(code, f, info->width, offset);
	if (info->result == TYPE_I32)
		BYTES(code, EXTEND_U);
	if (info->result != 0)
		BYTES(code, SET(3));
	BYTES(code, GET(3), END);
}

static void put_module(struct buf *bytes, const struct form *f, uint32_t opcode, uint8_t offset)
{
	struct buf code = {0}, section = {0};

	BYTES(bytes, MODULE(SECTION(1, 1, FUNC_TYPE(3, I64, I64, I64, 1, I64)), SECTION(3, 1, 0)));
	put_memories(bytes, f);
	put_code(&code, f, opcode, offset);
	BYTES(&section, 1);
	bytes_counted(&section, &code);
	bytes_section(bytes, 10, &section);
}

/* -- Runs ------------------------------------------------------------------------------------ */

struct access {
	uint64_t address;
	uint8_t offset;
	uint64_t a, b;
};

#define A UINT64_C(0x8182838485868788)

static const struct access accesses[] = {
	{16, 0, A, ~A},
	{8, 8, 0, 0},
	{16, 0, 0x1122334455667788, 0x0123456789abcdef},
	{16, 0, 0x55667788,
	 0x89abcdef}, /* as much as 4 bytes hold, and 2 and 1: cmpxchg finds it */
	{16, 0, 0x7788, 0xcdef},
	{16, 0, 0x88, 0xef},
	{16, 0, 0x55667789, 1},
	{17, 0, A, ~A},
	{16, 1, A, ~A},
	{15, 1, A, 1},
	{18, 0, A, 1},
	{20, 0, A, 1},
	{65528, 0, A, 1},
	{65532, 0, A, 1},
	{65534, 0, A, 1},
	{65535, 0, A, 1},
	{65535, 1, A, 1},
	{65528, 8, A, 1},
	{0xffffffff, 0, A, 1},
	{0xfffffff8, 8, A, 1},
};

struct outcome {
	enum trap trap;
	uint64_t result;
	uint8_t page[65536];
};

/* Only the address counts 64 bits, so that of a 32-bit form is what it is in the other. */
static void run(const struct form *f, uint32_t opcode, const struct access *access, bool fuel,
		struct outcome *ret)
{
	static const uint64_t content = 0x1122334455667788;
	slot slots[3] = {access->address, access->a, access->b};
	struct instance *instance;
	struct buf bytes = {0};
	struct machine m;
	uint8_t *base;

	machine_open(&m, fuel);
	put_module(&bytes, f, opcode, access->offset);
	instance = machine_load(&m, bytes.data, bytes.size);
	base = instance->memories[f->memory]->base;
	memcpy(base + 16, &content, sizeof(content));
	memcpy(base + 65528, &content, sizeof(content));
	ret->trap = machine_call(instance, 0, slots, 3, 1);
	ret->result = ret->trap == TRAP_NONE ? slots[0] : 0;
	memcpy(ret->page, base, sizeof(ret->page));
	buf_deinit(&bytes);
	machine_close(&m);
}

static void compare(const struct form *f, uint32_t opcode, const struct access *access,
		    const struct outcome *wanted, bool fuel)
{
	static struct outcome found;
	enum trap trap = wanted->trap;

	/* Who waits where nobody can notify is told. */
	if (trap == TRAP_EXPECTED_SHARED && f->shared)
		return;
	run(f, opcode, access, fuel, &found);
	if (found.trap != trap || found.result != wanted->result ||
	    memcmp(found.page, wanted->page, sizeof(found.page)) != 0)
		fail_msg("%s at %llu + %u, %s: %s %llx, should be %s %llx", opcode_text(opcode),
			 (unsigned long long)access->address, access->offset, f->name,
			 trap_text(found.trap), (unsigned long long)found.result, trap_text(trap),
			 (unsigned long long)wanted->result);
}

static void each_access_in_each_form(void **state)
{
	static struct outcome wanted;
	unsigned rows = 0;

	(void)state;
	for (uint32_t opcode = OPCODE_BASE_FE; opcode < OPCODE_SPACE; opcode++) {
		if (opcode_info[opcode].imm != IMM_MEMARG)
			continue;
		rows++;
		for (size_t k = 0; k < ARRAY_SIZE(accesses); k++) {
			run(&forms[0], opcode, &accesses[k], false, &wanted);
			for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
				compare(&forms[i], opcode, &accesses[k], &wanted, i % 2 != 0);
		}
	}
	assert_int_equal(rows, 66);
}

/* Beyond what 32 bits can say there is no near form to compare with. */
static void addresses_over_32_bits(void **state)
{
	static const struct {
		uint64_t address;
		enum trap trap;
	} far[] = {
		{UINT64_C(1) << 32, TRAP_OUT_OF_BOUNDS_MEMORY},
		{(UINT64_C(1) << 32) + 1, TRAP_UNALIGNED_ATOMIC},
		{UINT64_MAX, TRAP_UNALIGNED_ATOMIC},
		{UINT64_MAX - 7, TRAP_OUT_OF_BOUNDS_MEMORY},
	};
	static const uint32_t opcodes[] = {OP_I32_ATOMIC_LOAD,      OP_I64_ATOMIC_STORE,
					   OP_I32_ATOMIC_RMW_ADD,   OP_I64_ATOMIC_RMW_CMPXCHG,
					   OP_MEMORY_ATOMIC_NOTIFY, OP_MEMORY_ATOMIC_WAIT32};
	static struct outcome found;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		for (size_t k = 0; forms[i].is64 && k < ARRAY_SIZE(far) * ARRAY_SIZE(opcodes);
		     k++) {
			struct access access = {.address = far[k % ARRAY_SIZE(far)].address};

			run(&forms[i], opcodes[k / ARRAY_SIZE(far)], &access, k & 1, &found);
			assert_int_equal(found.trap, far[k % ARRAY_SIZE(far)].trap);
			access.offset = 8; /* where the sum leaves 64 bits it must not come back */
			access.address = UINT64_MAX - 7;
			run(&forms[i], opcodes[k / ARRAY_SIZE(far)], &access, k & 1, &found);
			assert_int_equal(found.trap, TRAP_OUT_OF_BOUNDS_MEMORY);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_access_in_each_form),
		cmocka_unit_test(addresses_over_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
