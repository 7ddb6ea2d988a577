/* SPDX-License-Identifier: Apache-2.0 */
/*
 * older KERNEL COMMAND...: executes a command that finds the system calls of an older kernel only.
 *
 * All that came later answer ENOSYS, by a filter that its children inherit. Since 5.1 new calls are numbered alike on
 * all architectures and in the order they came, so the first missing number says which kernel it is. What is no call of its
 * own (a flag, a file in /proc, a file system) stays.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned first_missing;
} kernels[] = {
	{"4.18", 424}, /* pidfd_send_signal: and the new mount calls, pidfd_open, clone3, ... */
	{"5.4", 436}, /* close_range: and openat2, faccessat2, ... */
	{"5.10", 441}, /* epoll_pwait2: and mount_setattr, Landlock, ... */
};

static int hide_from(unsigned number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, number, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1u << 30, 1, 0), /* x32 is another table */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		if (strcmp(argv[1], kernels[i].name) != 0)
			continue;
		if (hide_from(kernels[i].first_missing) < 0) {
			printf("skipped: a filter: %s\n", strerror(errno));
			return 77;
		}
		execvp(argv[2], argv + 2);
		fprintf(stderr, "older: %s: %s\n", argv[2], strerror(errno));
		return 127;
	}
	fputs("usage: older 4.18|5.4|5.10 COMMAND...\n", stderr);
	return 2;
}
