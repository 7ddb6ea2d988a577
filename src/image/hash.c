/* SPDX-License-Identifier: Apache-2.0 */
#include "image/hash.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "base/sha256.h"

int hash_begin(struct hash *hash, const struct oci_digest *like)
{
	bool longer = like != NULL && strncmp(like->text, "sha512:", 7) == 0;

	*hash = (struct hash){.context = EVP_MD_CTX_new(), .kind = longer ? "sha512" : "sha256"};
	if (hash->context != NULL &&
	    EVP_DigestInit_ex(hash->context, longer ? EVP_sha512() : EVP_sha256(), NULL) == 1)
		return 0;
	hash_drop(hash);
	return -ENOMEM;
}

void hash_take(struct hash *hash, const void *bytes, size_t size)
{
	invariant(EVP_DigestUpdate(hash->context, bytes, size) == 1);
}

void hash_end(struct hash *hash, struct oci_digest *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	int end;

	invariant(EVP_DigestFinal_ex(hash->context, digest, &size) == 1);
	*ret = (struct oci_digest){""};
	end = snprintf(ret->text, sizeof(ret->text), "%s:", hash->kind);
	for (unsigned i = 0; i < size; i++)
		end += snprintf(ret->text + end, sizeof(ret->text) - (size_t)end, "%02x",
				(unsigned)digest[i]);
	hash_drop(hash);
}

void hash_drop(struct hash *hash)
{
	EVP_MD_CTX_free(hash->context);
	hash->context = NULL;
}

void hash_of(const void *bytes, size_t size, struct oci_digest *ret)
{
	uint8_t digest[SHA256_SIZE];
	char text[SHA256_TEXT];

	sha256(bytes, size, digest);
	sha256_text(digest, text);
	*ret = (struct oci_digest){""};
	snprintf(ret->text, sizeof(ret->text), "sha256:%s", text);
}
