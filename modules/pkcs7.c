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

PKCS7 *pkcs7_parse(const uint8_t *der, size_t size)
{
	const unsigned char *at = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)size);

	if (p7 && at == der + size)
		return p7;
	PKCS7_free(p7);
	return NULL;
}

void pkcs7_free(PKCS7 **signature)
{
	PKCS7_free(*signature);
}

/* NOINTERN: the signer must be our certificate; NOVERIFY: and that is all it must be. */
static bool verify_one(X509 *cert, const char *text, PKCS7 *p7)
{
	_cleanup_(free_bio) BIO *data = BIO_new_mem_buf(text, (int)strlen(text));
	_cleanup_(free_stack) STACK_OF(X509) *certs = sk_X509_new_null();

	if (!p7 || !data || !certs || !sk_X509_push(certs, cert) || !PKCS7_type_is_signed(p7))
		return false;
	return PKCS7_verify(p7, certs, NULL, data, NULL,
			    PKCS7_BINARY | PKCS7_NOINTERN | PKCS7_NOVERIFY) == 1;
}

static void read_folder(struct pkcs7_certificates *of)
{
	_closedir_ DIR *dir = opendir(of->folder);

	of->read = dir != NULL;
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".crt") != 0)
			continue;
		of->more = of->n == PKCS7_CERTIFICATES_MAX;
		if (of->more)
			return;
		text_copy(of->names[of->n], sizeof(of->names[0]), entry->d_name);
		of->list[of->n++] = read_certificate(dirfd(dir), entry->d_name);
	}
}

void pkcs7_forget(struct pkcs7_certificates *of)
{
	for (unsigned int i = 0; i < of->n; i++)
		X509_free(of->list[i]);
	of->n = 0;
	of->read = of->more = false;
}

int pkcs7_verify(struct pkcs7_certificates *of, const char *text, PKCS7 *signature, char *ret_name,
		 size_t ret_size, struct err *err)
{
	if (!of->read)
		read_folder(of);
	for (unsigned int i = 0; i < of->n; i++)
		if (of->list[i] && verify_one(of->list[i], text, signature))
			return text_copy(ret_name, ret_size, of->names[i]);
	if (of->more)
		return err_set(err, E_LIMIT, E2BIG, "%s: more than %d certificates", of->folder,
			       PKCS7_CERTIFICATES_MAX);
	return err_set(err, E_SIG_UNTRUSTED, EKEYREJECTED, "none of %u certificates in %s made it",
		       of->n, of->folder);
}

int pkcs7_verify_by(const char *file, const char *text, PKCS7 *signature)
{
	_cleanup_(free_x509) X509 *cert = read_certificate(AT_FDCWD, file);

	return cert ? verify_one(cert, text, signature) : -EINVAL;
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

int pkcs7_signer_id(PKCS7 *p7, uint8_t *ret, size_t ret_size)
{
	STACK_OF(PKCS7_SIGNER_INFO) *signers = p7 ? PKCS7_get_signer_info(p7) : NULL;
	const PKCS7_ISSUER_AND_SERIAL *signer;
	uint8_t serial[SERIAL_MAX], *end = serial;
	const uint8_t *issuer;
	size_t size, used = 0;
	int r;

	if (!p7 || sk_PKCS7_SIGNER_INFO_num(signers) != 1)
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
