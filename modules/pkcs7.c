/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/pkcs7.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

#define SERIAL_MAX 64 /* in DER; RFC 5280 has 20 octets at most */

static void free_x509(X509 **x)
{
	X509_free(*x);
}

static void free_pkcs7(PKCS7 **p)
{
	PKCS7_free(*p);
}

static void free_bio(BIO **b)
{
	BIO_free(*b);
}

static void free_stack(STACK_OF(X509) * *s)
{
	sk_X509_free(*s);
}

/* NULL where it is none: as systemd does, one bad file hides no good one. */
static X509 *read_certificate(int dir_fd, const char *name)
{
	_free_ char *pem = malloc(PKCS7_CERTIFICATE_SIZE_MAX);
	ssize_t n = pem ? fs_read(dir_fd, name, pem, PKCS7_CERTIFICATE_SIZE_MAX) : -ENOMEM;
	_cleanup_(free_bio) BIO *bio = n > 0 ? BIO_new_mem_buf(pem, (int)n) : NULL;

	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

/* NOINTERN: the signer must be our certificate; NOVERIFY: and that is all it must be. */
static bool verify_one(X509 *cert, const char *text, const uint8_t *der, size_t der_size)
{
	const unsigned char *at = der;
	_cleanup_(free_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der_size);
	_cleanup_(free_bio) BIO *data = BIO_new_mem_buf(text, (int)strlen(text));
	_cleanup_(free_stack) STACK_OF(X509) *certs = sk_X509_new_null();

	/* bytes behind the signature would be bytes that nobody vouches for */
	if (!p7 || at != der + der_size || !data || !certs || !sk_X509_push(certs, cert) ||
	    !PKCS7_type_is_signed(p7))
		return false;
	return PKCS7_verify(p7, certs, NULL, data, NULL,
			    PKCS7_BINARY | PKCS7_NOINTERN | PKCS7_NOVERIFY) == 1;
}

int pkcs7_verify(const char *folder, const char *text, const uint8_t *der, size_t der_size,
		 char *ret_name, size_t ret_size, struct err *err)
{
	_closedir_ DIR *dir = opendir(folder);
	unsigned int n = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		const char *dot = strrchr(entry->d_name, '.');
		_cleanup_(free_x509) X509 *cert = NULL;

		if (!dot || strcmp(dot, ".crt") != 0)
			continue;
		if (n++ >= PKCS7_CERTIFICATES_MAX)
			return err_set(err, E_LIMIT, E2BIG, "%s: more than %d certificates", folder,
				       PKCS7_CERTIFICATES_MAX);
		cert = read_certificate(dirfd(dir), entry->d_name);
		if (cert && verify_one(cert, text, der, der_size))
			return text_copy(ret_name, ret_size, entry->d_name);
	}
	return err_set(err, E_SIG_UNTRUSTED, EKEYREJECTED, "none of %u certificates in %s made it",
		       n, folder);
}

int pkcs7_verify_by(const char *file, const char *text, const uint8_t *der, size_t der_size)
{
	_cleanup_(free_x509) X509 *cert = read_certificate(AT_FDCWD, file);

	return cert ? verify_one(cert, text, der, der_size) : -EINVAL;
}

/* Appends the contents of one element, without its tag and length. */
static int add_contents(const uint8_t *der, size_t size, uint8_t *ret, size_t ret_size,
			size_t *used)
{
	const uint8_t *at = der;
	int tag, class;
	long length;

	if (ASN1_get_object(&at, &length, &tag, &class, (long)size) & 0x80 || length <= 0)
		return -EINVAL;
	if ((size_t)length > ret_size - *used)
		return -E2BIG;
	memcpy(ret + *used, at, (size_t)length);
	*used += (size_t)length;
	return 0;
}

/* pkcs7_validate_trust() goes from the signer's certificate to who issued it, as far as they come. */
static bool leads_on(PKCS7 *p7)
{
	STACK_OF(X509) *certs = p7->d.sign->cert;

	for (int i = 0; i < sk_X509_num(certs); i++)
		if (X509_self_signed(sk_X509_value(certs, i), 0) != 1)
			return true;
	return false;
}

int pkcs7_signer_id(const uint8_t *der, size_t der_size, uint8_t *ret, size_t ret_size)
{
	const unsigned char *at = der;
	_cleanup_(free_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der_size);
	STACK_OF(PKCS7_SIGNER_INFO) *signers = p7 ? PKCS7_get_signer_info(p7) : NULL;
	const PKCS7_ISSUER_AND_SERIAL *signer;
	uint8_t serial[SERIAL_MAX], *end = serial;
	const uint8_t *issuer;
	size_t size, used = 0;
	int r;

	if (!p7 || at != der + der_size || sk_PKCS7_SIGNER_INFO_num(signers) != 1)
		return -EINVAL;
	if (leads_on(p7))
		return -ENOTSUP;
	signer = sk_PKCS7_SIGNER_INFO_value(signers, 0)->issuer_and_serial;
	if (i2d_ASN1_INTEGER(signer->serial, NULL) > SERIAL_MAX)
		return -E2BIG;
	r = i2d_ASN1_INTEGER(signer->serial, &end);
	if (r <= 0 || X509_NAME_get0_der(signer->issuer, &issuer, &size) != 1)
		return -EINVAL;
	r = add_contents(serial, (size_t)r, ret, ret_size, &used);
	if (r == 0)
		r = add_contents(issuer, size, ret, ret_size, &used);
	return r < 0 ? r : (int)used;
}
