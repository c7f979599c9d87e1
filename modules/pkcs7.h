/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The certificates of the initrd, and those that its extension images have brought. */
#define CERTIFICATES "/etc/verity.d"
#define CERTIFICATES_EXTENSION "/run/lintel/verity.d"

struct pkcs7_st; /* OpenSSL's PKCS7, X509 */
struct x509_st;

#define PKCS7_CERTIFICATES_MAX 32
#define PKCS7_CERTIFICATE_SIZE_MAX 65536

/* Of one folder (*.crt, PEM), which is read when the first signature is asked about. */
struct pkcs7_certificates {
	const char *folder;
	bool read, more; /* more: than PKCS7_CERTIFICATES_MAX */
	unsigned int n;
	struct x509_st *list[PKCS7_CERTIFICATES_MAX]; /* NULL: the file holds none */
	char names[PKCS7_CERTIFICATES_MAX][256];
};

/* Frees what was read; the folder would be read again. A child of /init ends instead. */
void pkcs7_forget(struct pkcs7_certificates *of);

/*
 * A signature in DER; NULL where it is malformed, or has bytes behind it: those nobody vouches for. The
 * caller frees it. All below take NULL for one that nobody made.
 */
struct pkcs7_st *pkcs7_parse(const uint8_t *der, size_t size);
void pkcs7_free(struct pkcs7_st **signature);

/*
 * Whether one of the certificates made the detached signature over text.
 * A certificate is trusted because it lies there, in the signed initrd: no chain, no expiry, and
 * certificates inside the signature count for nothing. 0 and the file's name, or -EKEYREJECTED
 * with E_SIG_UNTRUSTED.
 */
int pkcs7_verify(struct pkcs7_certificates *of, const char *text, struct pkcs7_st *signature,
		 char *ret_name, size_t ret_size, struct err *err);

/*
 * Whether the certificate in one file (PEM) made it, by the same rules: 1 or 0; -EINVAL where the
 * file holds no certificate.
 */
int pkcs7_verify_by(const char *file, const char *text, struct pkcs7_st *signature);

/*
 * What the kernel would look for in its keyrings: serial number and issuer of the one signer. Its
 * size; or -EINVAL where the signature is malformed, -E2BIG where there is no room, -ENOTSUP where
 * a certificate inside leads on to another issuer.
 */
int pkcs7_signer_id(struct pkcs7_st *signature, uint8_t *ret, size_t ret_size);
