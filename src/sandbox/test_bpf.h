/* SPDX-License-Identifier: Apache-2.0 */
/* test_bpf.h: for tests: the part of classic BPF that seccomp filters are made of, checked as the kernel does and run. */
#ifndef SANDBOX_TEST_BPF_H
#define SANDBOX_TEST_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Would the kernel take it? */
static bool bpf_check(const struct sock_filter *code, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sock_filter *at = &code[i];
		uint64_t rest = count - i - 1;

		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (at->k % 4 != 0 || at->k >= sizeof(struct seccomp_data))
				return false;
			break;
		case BPF_JMP | BPF_JA:
			if (at->k >= rest)
				return false;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			if (at->jt >= rest || at->jf >= rest)
				return false;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
		case BPF_RET | BPF_K:
			break;
		default:
			return false;
		}
	}
	return count > 0 && count <= BPF_MAXINSNS && code[count - 1].code == (BPF_RET | BPF_K);
}

static bool bpf_test(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGE:
		return a >= k;
	case BPF_JGT:
		return a > k;
	default:
		return (a & k) != 0;
	}
}

/* Of a checked program; *steps grows by the number of instructions. */
static uint32_t bpf_run(const struct sock_filter *code, const struct seccomp_data *data,
			uint64_t *steps)
{
	uint32_t a = 0, at = 0;

	for (;;) {
		const struct sock_filter *now = &code[at++];

		++*steps;
		switch (BPF_CLASS(now->code)) {
		case BPF_LD:
			memcpy(&a, (const uint8_t *)data + now->k, sizeof(a));
			break;
		case BPF_ALU:
			a &= now->k;
			break;
		case BPF_RET:
			return now->k;
		default:
			if (BPF_OP(now->code) == BPF_JA)
				at += now->k;
			else
				at += bpf_test(now->code, a, now->k) ? now->jt : now->jf;
		}
	}
}

#endif
