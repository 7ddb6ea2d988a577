/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci.c (fuzz): any bytes as config.json, as a process and as resources.
 *
 * Beyond the sanitizers: of what was accepted every string is read to its last byte and what spec.h promises is asked for;
 * a refusal must come with its sentence and leave the pointer alone.
 */
#include "oci/spec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sum; /* so that no reading is left out */

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void touch(const char *text)
{
	if (text != NULL)
		sum += strlen(text);
}

/* A string that is missing where it is empty. */
static void touch_given(const char *text)
{
	require(text == NULL || text[0] != '\0');
	touch(text);
}

static void touch_path(const char *text)
{
	require(text == NULL || text[0] == '/');
	touch(text);
}

static void touch_strings(const struct oci_strings *strings)
{
	for (uint32_t i = 0; i < strings->count; i++) {
		require(strings->items[i] != NULL);
		touch(strings->items[i]);
	}
	require(strings->items == NULL || strings->items[strings->count] == NULL);
}

static void touch_pairs(const struct oci_pairs *pairs)
{
	for (uint32_t i = 0; i < pairs->count; i++) {
		touch_given(pairs->items[i].key);
		touch(pairs->items[i].value);
	}
}

static void touch_maps(const struct oci_id_maps *uids, const struct oci_id_maps *gids)
{
	require((uids->count == 0) == (gids->count == 0));
	for (uint32_t i = 0; i < uids->count; i++)
		require(uids->items[i].size > 0);
	for (uint32_t i = 0; i < gids->count; i++)
		require((uint64_t)gids->items[i].outside + gids->items[i].size <= UINT32_MAX);
}

static void touch_process(const struct oci_process *process)
{
	const struct oci_capabilities *set = &process->capabilities;

	require(process->args.count > 0);
	touch_given(process->args.items[0]);
	touch_path(process->cwd);
	touch_strings(&process->args);
	touch_strings(&process->env);
	for (uint32_t i = 0; i < process->env.count; i++) {
		const char *equals = strchr(process->env.items[i], '=');

		require(equals != NULL && equals > process->env.items[i]);
	}
	touch_strings(&set->unknown);
	require((set->effective & ~set->permitted) == 0 && (set->ambient & ~set->inheritable) == 0);
	for (uint32_t i = 0; i < process->rlimit_count; i++)
		require(process->rlimits[i].soft <= process->rlimits[i].hard);
	for (uint32_t i = 0; i < process->user.group_count; i++)
		sum += process->user.groups[i];
	touch_given(process->apparmor);
	touch_given(process->selinux);
	touch_given(process->exec_cpus_initial);
	touch_given(process->exec_cpus_final);
	require(process->terminal || (process->rows == 0 && process->columns == 0));
}

static void touch_mounts(const struct oci_spec *spec)
{
	for (uint32_t i = 0; i < spec->mount_count; i++) {
		const struct oci_mount *mount = &spec->mounts[i];

		touch_path(mount->destination);
		touch_given(mount->type);
		touch_given(mount->source);
		touch_strings(&mount->data);
		touch_maps(&mount->uids, &mount->gids);
		require((mount->set & mount->clear) == 0);
		require((mount->set_recursive & mount->clear_recursive) == 0);
	}
}

static void touch_resources(const struct oci_resources *res)
{
	const struct oci_throttles *throttles[] = {&res->read_bps, &res->write_bps, &res->read_iops,
						   &res->write_iops};

	for (uint32_t i = 0; i < res->device_count; i++)
		require(strchr("abc", res->devices[i].type) != NULL && res->devices[i].major >= -1);
	for (uint32_t i = 0; i < res->io_weight_count; i++)
		sum += res->io_weights[i].major;
	for (size_t k = 0; k < sizeof(throttles) / sizeof(throttles[0]); k++) {
		for (uint32_t i = 0; i < throttles[k]->count; i++)
			sum += throttles[k]->items[i].rate;
	}
	for (uint32_t i = 0; i < res->hugepage_count; i++)
		touch_given(res->hugepages[i].size);
	for (uint32_t i = 0; i < res->network_priority_count; i++)
		touch_given(res->network_priorities[i].name);
	for (uint32_t i = 0; i < res->rdma_count; i++)
		touch_given(res->rdma[i].device);
	touch_given(res->cpus);
	touch_given(res->mems);
	touch_pairs(&res->unified);
	for (uint32_t i = 0; i < res->unified.count; i++)
		require(strchr(res->unified.items[i].key, '/') == NULL);
}

static void touch_seccomp(const struct oci_seccomp *seccomp)
{
	touch_strings(&seccomp->architectures);
	touch_path(seccomp->listener);
	touch_given(seccomp->listener_metadata);
	for (uint32_t i = 0; i < seccomp->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->rules[i];
		uint32_t seen = 0;

		require(rule->names.count > 0);
		touch_strings(&rule->names);
		for (uint32_t j = 0; j < rule->arg_count; j++) {
			require(rule->args[j].index < 6 && (seen >> rule->args[j].index & 1) == 0);
			seen |= 1u << rule->args[j].index;
		}
	}
}

static void touch_linux(const struct oci_spec *spec)
{
	for (int kind = 0; kind < OCI_NS_COUNT; kind++) {
		require(spec->namespaces[kind].wanted || spec->namespaces[kind].path == NULL);
		touch_path(spec->namespaces[kind].path);
	}
	touch_maps(&spec->uids, &spec->gids);
	for (uint32_t i = 0; i < spec->device_count; i++) {
		touch_path(spec->devices[i].path);
		require((spec->devices[i].mode & ~07777u) == 0);
	}
	touch_pairs(&spec->sysctls);
	for (uint32_t i = 0; i < spec->sysctls.count; i++)
		require(strstr(spec->sysctls.items[i].key, "/../") == NULL &&
			spec->sysctls.items[i].key[0] != '/');
	touch_strings(&spec->masked_paths);
	touch_strings(&spec->readonly_paths);
	touch_given(spec->cgroup);
	touch_given(spec->mount_label);
}

static void touch_spec(const struct oci_spec *spec)
{
	const char *function;

	touch_given(spec->version);
	touch_given(spec->root);
	touch_given(spec->hostname);
	touch_given(spec->domainname);
	touch_mounts(spec);
	for (int kind = 0; kind < OCI_HOOK_COUNT; kind++) {
		for (uint32_t i = 0; i < spec->hooks[kind].count; i++) {
			touch_path(spec->hooks[kind].items[i].path);
			touch_strings(&spec->hooks[kind].items[i].args);
			touch_strings(&spec->hooks[kind].items[i].env);
		}
	}
	touch_pairs(&spec->annotations);
	for (uint32_t i = 0; i < spec->annotations.count; i++)
		require(oci_annotation(spec, spec->annotations.items[i].key) ==
			spec->annotations.items[i].value);
	touch_linux(spec);
	touch_seccomp(&spec->seccomp);
	touch_strings(&spec->unknown);
	if (spec->has_process) {
		touch_process(&spec->process);
		require(oci_entry_path(spec->process.args.items[0], &function) <=
			strlen(spec->process.args.items[0]));
		touch(function);
	}
	touch_resources(&spec->resources);
	sum += (size_t)oci_handler(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const parsers[])(struct oci_spec **, const char *, size_t, struct err *) = {
		oci_spec_parse, oci_process_parse, oci_resources_parse};

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		struct oci_spec *spec = NULL;
		struct err err = {""};
		int rc = parsers[i](&spec, (const char *)data, size, &err);

		require(rc <= 0 && (rc == 0) == (spec != NULL));
		require(rc == 0 || err.text[0] != '\0');
		if (rc == 0)
			touch_spec(spec);
		oci_spec_free(spec);
	}
	return 0;
}
