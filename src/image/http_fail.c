/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fail.c: what went wrong, as libcurl has it, as a sentence; and whether it may go better the next time.
 *
 * Again means: this was the network's doing, or a server's that is not well. Whoever could not be reached at all, at the first
 * request, was most likely named wrongly.
 */
#include "image/http_parts.h"

#include <errno.h>
#include <string.h>

static int fail_tls(const struct http_failure *failure, struct http_answer *answer,
		    const char *host, struct err *err)
{
	switch (failure->code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(
			err, -EACCES,
			"%s: its certificate is not trusted (%s); --cacert FILE names whoever "
			"vouches for it",
			host, failure->detail);
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, -EINVAL, "%s: the certificates of --cacert cannot be read",
			       host);
	default:
		answer->insecure = true;
		return err_set(
			err, -EPROTO,
			"%s: no TLS connection (%s); --plain-http is for registries without TLS",
			host, failure->detail);
	}
}

static int fail_stalled(const struct http_failure *failure, struct http_answer *answer,
			const char *host, struct err *err)
{
	answer->again = true;
	return err_set(err, -ETIMEDOUT, "%s: nothing came for %u.%u s", host, failure->stall / 1000,
		       failure->stall % 1000 / 100);
}

static int fail_connect(const struct http *http, const struct http_failure *failure,
			struct http_answer *answer, const char *host, struct err *err)
{
	answer->again = atomic_load(&http->reached);
	answer->insecure = true;
	if (failure->code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, -ETIMEDOUT, "%s: no connection within %u.%u s", host,
			       http->options.connect / 1000, http->options.connect % 1000 / 100);
	return err_set(err, -ECONNREFUSED, "%s: no connection: %s", host,
		       failure->os_error != 0 ? strerror(failure->os_error) : failure->detail);
}

/* Where it is the way to https, http may have another. */
static int fail_tunnel(const struct http_failure *failure, struct http_answer *answer,
		       const char *host, struct err *err)
{
	answer->again = failure->tunnel >= 500;
	answer->insecure = true;
	return err_set(err, -ECONNREFUSED, "%s: the proxy does not lead there: it says %ld", host,
		       failure->tunnel);
}

int http_fail(const struct http *http, const struct http_failure *failure,
	      struct http_answer *answer, struct err *err)
{
	char host[256];

	url_shown(&answer->url, host);
	if (failure->stalled)
		return fail_stalled(failure, answer, host, err);
	if (failure->tunnel != 0 && failure->tunnel / 100 != 2)
		return fail_tunnel(failure, answer, host, err);
	switch (failure->code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, -ECANCELED, "stopped");
	case CURLE_COULDNT_RESOLVE_HOST:
		answer->insecure = true; /* a proxy for http may know it */
		return err_set(err, -EHOSTUNREACH, "%s: the name of the host is not known",
			       answer->url.host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(err, -EHOSTUNREACH, "the name of the proxy is not known (%s)",
			       failure->detail);
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return fail_connect(http, failure, answer, host, err);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CONNECT_ERROR:
		return fail_tls(failure, answer, host, err);
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		answer->again = true;
		answer->insecure = failure->code == CURLE_GOT_NOTHING;
		return err_set(err, -ECONNRESET, "%s: the connection ended early (%s)", host,
			       failure->detail);
	case CURLE_OUT_OF_MEMORY:
		/* libcurl has one name for both. */
		return err_set(err, -ENOMEM,
			       "%s: a line of its head is too long, or memory is short", host);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(err, -EPROTO, "%s: this is no answer by HTTP (%s)", host,
			       failure->detail);
	default:
		return err_set(err, -EPROTO, "%s: %s", host, failure->detail);
	}
}
