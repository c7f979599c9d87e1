/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* The certificates of the initrd, and those that its extension images have brought. */
#define CERTIFICATES "/etc/verity.d"
#define CERTIFICATES_EXTENSION "/run/lintel/verity.d"

#define PKCS7_CERTIFICATES_MAX 32
#define PKCS7_CERTIFICATE_SIZE_MAX 65536

/*
 * Whether one of the certificates in folder (*.crt, PEM) made the detached signature over text.
 * A certificate is trusted because it lies there, in the signed initrd: no chain, no expiry, and
 * certificates inside the signature count for nothing. 0 and the file's name, or -EKEYREJECTED
 * with E_SIG_UNTRUSTED.
 */
int pkcs7_verify(const char *folder, const char *text, const uint8_t *der, size_t der_size,
		 char *ret_name, size_t ret_size, struct err *err);

/*
 * Whether the certificate in one file (PEM) made it, by the same rules: 1 or 0; -EINVAL where the
 * file holds no certificate.
 */
int pkcs7_verify_by(const char *file, const char *text, const uint8_t *der, size_t der_size);

/*
 * What the kernel would look for in its keyrings: serial number and issuer of the one signer. Its
 * size; or -EINVAL where the signature is malformed, -E2BIG where there is no room, -ENOTSUP where
 * a certificate inside leads on to another issuer.
 */
int pkcs7_signer_id(const uint8_t *der, size_t der_size, uint8_t *ret, size_t ret_size);
