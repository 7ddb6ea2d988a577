/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/terms.h"

#include <errno.h>
#include <string.h>

/* Then the texts in the order of these sizes, NULs counted: 0 is none. */
struct wire {
	uint64_t limits[LIMITS];
	uint64_t features;
	uint32_t threads, landlock;
	uint32_t invoke, argv0, allow, listen;
	uint8_t has_threads, reactor, dumps, reserved[5];
};

void terms_init(struct terms *terms)
{
	struct config config;

	config_init(&config);
	*terms = (struct terms){
		.limits = {CONFIG_NONE, CONFIG_NONE, CONFIG_NONE, config.limits_stack,
			   config.limits_grace},
		.landlock = config.policy_landlock,
	};
}

const char *terms_first(const struct terms_list *list)
{
	return list->size > 0 ? list->text : NULL;
}

const char *terms_next(const struct terms_list *list, const char *text)
{
	text += strlen(text) + 1;
	return text < list->text + list->size ? text : NULL;
}

static uint32_t size_of(const char *text)
{
	return text != NULL ? (uint32_t)strlen(text) + 1 : 0;
}

int terms_write(const struct terms *terms, struct buf *ret)
{
	struct wire wire = {
		.features = terms->features,
		.threads = terms->threads,
		.landlock = terms->landlock,
		.invoke = size_of(terms->invoke),
		.argv0 = size_of(terms->argv0),
		.allow = terms->allow.size,
		.listen = terms->listen.size,
		.has_threads = terms->has_threads,
		.reactor = terms->reactor,
		.dumps = terms->dumps,
	};

	memcpy(wire.limits, terms->limits, sizeof(wire.limits));
	if (buf_put(ret, &wire, sizeof(wire)) == NULL ||
	    (wire.invoke > 0 && buf_put(ret, terms->invoke, wire.invoke) == NULL) ||
	    (wire.argv0 > 0 && buf_put(ret, terms->argv0, wire.argv0) == NULL) ||
	    (wire.allow > 0 && buf_put(ret, terms->allow.text, wire.allow) == NULL) ||
	    (wire.listen > 0 && buf_put(ret, terms->listen.text, wire.listen) == NULL))
		return -ENOMEM;
	return 0;
}

/* The next text; NULL: none. */
static const char *take(const char **at, uint32_t size)
{
	const char *text = size > 0 ? *at : NULL;

	*at += size;
	return text;
}

int terms_read(struct terms *ret, const char *bytes, size_t size, struct err *err)
{
	struct wire wire;
	const char *at;

	terms_init(ret);
	if (size == 0)
		return 0;
	if (size < sizeof(wire))
		return err_set(err, -EINVAL, "the plan is cut off");
	memcpy(&wire, bytes, sizeof(wire));
	if (sizeof(wire) + wire.invoke + wire.argv0 + wire.allow + wire.listen != size ||
	    (size > sizeof(wire) && bytes[size - 1] != '\0'))
		return err_set(err, -EINVAL, "the plan is another version's");
	memcpy(ret->limits, wire.limits, sizeof(ret->limits));
	ret->features = wire.features;
	ret->threads = wire.threads;
	ret->landlock = (enum config_word)wire.landlock;
	ret->has_threads = wire.has_threads;
	ret->reactor = wire.reactor;
	ret->dumps = wire.dumps;
	at = bytes + sizeof(wire);
	ret->invoke = take(&at, wire.invoke);
	ret->argv0 = take(&at, wire.argv0);
	ret->allow = (struct terms_list){take(&at, wire.allow), wire.allow};
	ret->listen = (struct terms_list){take(&at, wire.listen), wire.listen};
	return 0;
}
