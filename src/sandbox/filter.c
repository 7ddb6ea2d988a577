/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c: the compiler behind filter.h.
 *
 * Three steps. Rules are sorted into one chain a number, strictest first, what cannot count left out. Numbers
 * are put together to ranges that get one and the same answer; a profile of 350 allowed calls has some sixty. Over the
 * ranges stands a binary search, with the tests of arguments at its leaves. So a call costs the logarithm of the number
 * of ranges, and one allowed without a look at its arguments ends without having loaded them, which is also what
 * lets newer kernels remember the answer and not run the program at all.
 *
 * Code is written from its end: a jump only goes forward, and then its target is known. Positions count from the end
 * too (0: the last instruction). A conditional jump reaches 255 instructions; where the target lies
 * further off, an answer is written once more, and anything else is reached by an unconditional jump put in between.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "sandbox/syscalls.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the halves of an argument");

#if defined(__x86_64__)
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#else
#error "which architecture does the kernel call this?"
#endif

enum {
	X32_FIRST = 0x40000000, /* nothing of an own architecture lies there */
	NONE = -1, /* the end of a chain */
	RULES_MOST = FILTER_MOST,
	REACH = 250, /* of a conditional jump, with room for what is put in between */
	ANSWERS = 8, /* how many different ones are remembered */
};

/* The rules for one number, in the order in which they are tried; then `otherwise`. */
struct chain {
	int16_t rule; /* into plan->rules; NONE: no test */
	uint32_t otherwise;
};

struct range {
	uint32_t begin; /* to the begin of the next */
	struct chain chain;
};

/* Where to go: to an answer, wherever one lies, or to a position. */
struct target {
	bool is_answer;
	uint32_t value;
};

struct compiler {
	const struct filter_plan *plan;
	struct sock_filter *code;
	uint32_t count; /* written so far, at code[FILTER_MOST - count ...] */
	bool is_full;
	int16_t next[RULES_MOST]; /* of the rule's chain */
	struct chain chains[SYSCALLS_MOST];
	struct range ranges[SYSCALLS_MOST + 4];
	uint32_t range_count;
	struct {
		uint32_t action, at;
	} answers[ANSWERS]; /* the latest place of each */
	uint32_t answer_count;
};

/* -- Rules to chains ------------------------------------------------------------------------------- */

/* The kernel's order: what is smaller as a signed number is stricter. */
static int32_t strictness(const struct filter_rule *rule)
{
	return (int32_t)(rule->action & SECCOMP_RET_ACTION_FULL);
}

static bool comes_before(const struct filter_rule *a, const struct filter_rule *b)
{
	if (a->first != b->first)
		return a->first;
	return !a->first && strictness(a) < strictness(b);
}

static void chain_add(struct compiler *c, struct chain *chain, int16_t added)
{
	const struct filter_rule *rules = c->plan->rules;
	int16_t *link = &chain->rule;

	while (*link != NONE && !comes_before(&rules[added], &rules[*link]))
		link = &c->next[*link];
	c->next[added] = *link;
	*link = added;
}

/* `settled`: a rule without arguments was there. */
static int make_chains(struct compiler *c)
{
	const struct filter_plan *plan = c->plan;
	bool settled[SYSCALLS_MOST] = {false};

	if (plan->rule_count > RULES_MOST)
		return -E2BIG;
	for (uint32_t i = 0; i < SYSCALLS_MOST; i++)
		c->chains[i] = (struct chain){.rule = NONE, .otherwise = plan->otherwise};
	for (uint32_t i = 0; i < plan->rule_count; i++) {
		const struct filter_rule *rule = &plan->rules[i];

		if (rule->number >= SYSCALLS_MOST)
			return -EINVAL;
		if (rule->arg_count == 0 && !settled[rule->number]) {
			settled[rule->number] = true;
			c->chains[rule->number].otherwise = rule->action;
		}
	}
	for (uint32_t i = 0; i < plan->rule_count; i++) {
		const struct filter_rule *rule = &plan->rules[i];

		if (rule->arg_count > 0 && (rule->first || !settled[rule->number]))
			chain_add(c, &c->chains[rule->number], (int16_t)i);
	}
	return 0;
}

/* -- Chains to ranges ------------------------------------------------------------------------------ */

static void range_add(struct compiler *c, uint32_t begin, struct chain chain)
{
	const struct chain *last = c->range_count > 0 ? &c->ranges[c->range_count - 1].chain : NULL;

	if (last != NULL && last->rule == NONE && chain.rule == NONE &&
	    last->otherwise == chain.otherwise)
		return;
	c->ranges[c->range_count++] = (struct range){.begin = begin, .chain = chain};
}

static struct chain always(uint32_t action)
{
	return (struct chain){.rule = NONE, .otherwise = action};
}

static void make_ranges(struct compiler *c)
{
	const struct filter_plan *plan = c->plan;
	const uint32_t unknown = SECCOMP_RET_ERRNO | ENOSYS;
	bool ends = plan->newest != UINT32_MAX;

	for (uint32_t i = 0; i < SYSCALLS_MOST; i++)
		range_add(c, i, ends && i > plan->newest ? always(unknown) : c->chains[i]);
	range_add(c, SYSCALLS_MOST, always(ends ? unknown : plan->otherwise));
	range_add(c, X32_FIRST, always(plan->foreign));
	/* No call at all: how a debugger lets one be skipped. */
	range_add(c, UINT32_MAX, always(plan->otherwise));
}

/* -- Ranges to code -------------------------------------------------------------------------------- */

static uint32_t put(struct compiler *c, uint16_t op, uint8_t yes, uint8_t no, uint32_t k)
{
	if (c->count == FILTER_MOST) {
		c->is_full = true;
		return c->count;
	}
	c->code[FILTER_MOST - ++c->count] = (struct sock_filter){op, yes, no, k};
	return c->count - 1;
}

/* How many instructions lie between the next one written and that at a position. */
static uint32_t distance(const struct compiler *c, uint32_t position)
{
	return c->count - position - 1;
}

static uint32_t put_answer(struct compiler *c, uint32_t action)
{
	uint32_t i = 0;

	while (i < c->answer_count && c->answers[i].action != action)
		i++;
	if (i < c->answer_count && distance(c, c->answers[i].at) <= REACH)
		return c->answers[i].at;
	if (i == ANSWERS)
		i = action % ANSWERS;
	else if (i == c->answer_count)
		c->answer_count++;
	c->answers[i].action = action;
	c->answers[i].at = put(c, BPF_RET | BPF_K, 0, 0, action);
	return c->answers[i].at;
}

/* A position within reach that leads to the target. */
static uint32_t place(struct compiler *c, struct target target)
{
	if (target.is_answer)
		return put_answer(c, target.value);
	if (distance(c, target.value) <= REACH)
		return target.value;
	return put(c, BPF_JMP | BPF_JA, 0, 0, distance(c, target.value));
}

static struct target put_jump(struct compiler *c, uint16_t test, uint32_t k, struct target yes,
			      struct target no)
{
	uint32_t no_at = place(c, no), yes_at = place(c, yes);
	uint32_t at = put(c, (uint16_t)(BPF_JMP | BPF_K | test), (uint8_t)distance(c, yes_at),
			  (uint8_t)distance(c, no_at), k);

	return (struct target){.value = at};
}

static struct target answer(uint32_t action)
{
	return (struct target){.is_answer = true, .value = action};
}

/* Load one half of an argument before what was written last. */
static struct target put_load(struct compiler *c, uint32_t index, bool high)
{
	uint32_t offset = (uint32_t)offsetof(struct seccomp_data, args) + index * 8 + high * 4;

	return (struct target){.value = put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)};
}

/* "Are these bits of the argument this value": a half nothing is asked of is not loaded. */
static struct target put_masked(struct compiler *c, const struct oci_seccomp_arg *arg,
				struct target yes, struct target no)
{
	uint64_t mask = arg->op == OCI_OP_MASKED_EQ ? arg->value : UINT64_MAX;
	uint64_t value = arg->op == OCI_OP_MASKED_EQ ? arg->value_two & mask : arg->value;
	struct target at = yes;

	for (int high = 0; high < 2; high++) {
		uint32_t half = (uint32_t)(mask >> (high * 32));

		if (half == 0)
			continue;
		at = put_jump(c, BPF_JEQ, (uint32_t)(value >> (high * 32)), at, no);
		if (half != UINT32_MAX)
			put(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, half);
		at = put_load(c, arg->index, high);
	}
	return at;
}

/* `test` is JGE or JGT: the low halves decide where the high ones are equal. */
static struct target put_order(struct compiler *c, const struct oci_seccomp_arg *arg, uint16_t test,
			       struct target yes, struct target no)
{
	uint32_t high = (uint32_t)(arg->value >> 32);
	struct target at = put_jump(c, test, (uint32_t)arg->value, yes, no);

	at = put_load(c, arg->index, false);
	at = put_jump(c, BPF_JEQ, high, at, no);
	put_jump(c, BPF_JGT, high, yes, at);
	return put_load(c, arg->index, true);
}

static struct target put_test(struct compiler *c, const struct oci_seccomp_arg *arg,
			      struct target yes, struct target no)
{
	switch (arg->op) {
	case OCI_OP_NE:
		return put_masked(c, arg, no, yes);
	case OCI_OP_LT:
		return put_order(c, arg, BPF_JGE, no, yes);
	case OCI_OP_LE:
		return put_order(c, arg, BPF_JGT, no, yes);
	case OCI_OP_GE:
		return put_order(c, arg, BPF_JGE, yes, no);
	case OCI_OP_GT:
		return put_order(c, arg, BPF_JGT, yes, no);
	case OCI_OP_EQ:
	case OCI_OP_MASKED_EQ:
		break;
	}
	return put_masked(c, arg, yes, no);
}

/* The tests of one number. Chains are short, and written from their end: each step looks for its rule anew. */
static struct target put_chain(struct compiler *c, const struct chain *chain)
{
	struct target at = answer(chain->otherwise);
	uint32_t left = 0;

	for (int16_t i = chain->rule; i != NONE; i = c->next[i])
		left++;
	while (left-- > 0 && !c->is_full) {
		const struct filter_rule *rule;
		struct target no = at;
		int16_t i = chain->rule;

		for (uint32_t steps = left; steps > 0; steps--)
			i = c->next[i];
		rule = &c->plan->rules[i];
		at = answer(rule->action);
		for (uint32_t arg = rule->arg_count; arg-- > 0;)
			at = put_test(c, &rule->args[arg], at, no);
	}
	return at;
}

/* One number between two ranges of the same answer: one comparison in place of two. */
static bool is_island(const struct range *r)
{
	return r[0].chain.rule == NONE && r[2].chain.rule == NONE &&
	       r[0].chain.otherwise == r[2].chain.otherwise && r[2].begin == r[1].begin + 1;
}

/* The search through the ranges from `begin` to before `end`. It calls itself at most ten deep: log2 of the ranges. */
static struct target put_search(struct compiler *c, uint32_t begin, uint32_t end)
{
	const struct range *ranges = c->ranges;
	uint32_t middle = begin + (end - begin) / 2;
	struct target left, right;

	if (end - begin == 1)
		return put_chain(c, &ranges[begin].chain);
	if (end - begin == 3 && is_island(&ranges[begin]))
		return put_jump(c, BPF_JEQ, ranges[begin + 1].begin,
				put_chain(c, &ranges[begin + 1].chain),
				answer(ranges[begin].chain.otherwise));
	right = put_search(c, middle, end);
	left = put_search(c, begin, middle);
	return put_jump(c, BPF_JGE, ranges[middle].begin, right, left);
}

/* What every call goes through first. */
static void put_entry(struct compiler *c, struct target search)
{
	struct target at = search;

	if (at.is_answer || at.value != c->count - 1)
		at.value = put(c, BPF_JMP | BPF_JA, 0, 0, distance(c, place(c, search)));
	at = (struct target){
		.value = put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr))};
	put_jump(c, BPF_JEQ, ARCHITECTURE, at, answer(c->plan->foreign));
	put(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
}

int filter_compile(struct sock_filter code[FILTER_MOST], const struct filter_plan *plan)
{
	struct compiler c;
	int error;

	/* Not as a whole: most of it is never looked at. */
	c.plan = plan;
	c.code = code;
	c.count = c.range_count = c.answer_count = 0;
	c.is_full = false;
	error = make_chains(&c);
	if (error < 0)
		return error;
	make_ranges(&c);
	put_entry(&c, put_search(&c, 0, c.range_count));
	if (c.is_full)
		return -E2BIG;
	memmove(code, code + FILTER_MOST - c.count, c.count * sizeof(*code));
	return (int)c.count;
}
