/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures of root hashes, made here with keys that live for one test. */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/pkcs7.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DER_MAX 8192

struct signer {
	EVP_PKEY *key;
	X509 *cert;
};

static struct signer ours, theirs;
static char folder[64];
static char name[64];
static struct err err;

/* Both signers have one subject and serial: only the key tells them apart. */
static void make_signer(struct signer *signer)
{
	X509_NAME *subject;

	if (signer->cert)
		return;
	subject = X509_NAME_new();
	signer->key = EVP_RSA_gen(2048);
	signer->cert = X509_new();
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"image", -1,
				   -1, 0);
	X509_set_version(signer->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(signer->cert), 7);
	X509_set_subject_name(signer->cert, subject);
	X509_set_issuer_name(signer->cert, subject);
	X509_gmtime_adj(X509_getm_notBefore(signer->cert), -7200);
	X509_gmtime_adj(X509_getm_notAfter(signer->cert), -3600); /* expired: of no concern */
	X509_set_pubkey(signer->cert, signer->key);
	CHECK(X509_sign(signer->cert, signer->key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
}

static void write_cert(const struct signer *signer, const char *file)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char path[128];
	char *pem;
	long size;

	PEM_write_bio_X509(bio, signer->cert);
	size = BIO_get_mem_data(bio, &pem);
	text_format(path, sizeof(path), "%s/%s", folder, file);
	CHECK_INT(fs_create(AT_FDCWD, path, pem, (size_t)size, 0600), 0);
	BIO_free(bio);
}

static size_t sign(const struct signer *signer, const char *text, int flags, uint8_t *ret)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	PKCS7 *p7 = PKCS7_sign(signer->cert, signer->key, NULL, bio,
			       PKCS7_DETACHED | PKCS7_BINARY | flags);
	unsigned char *at = ret;
	int size = i2d_PKCS7(p7, NULL);

	CHECK(size > 0 && size <= DER_MAX);
	i2d_PKCS7(p7, &at);
	PKCS7_free(p7);
	BIO_free(bio);
	return (size_t)size;
}

static void remove_folder(void)
{
	DIR *dir = opendir(folder);

	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

static void make_folder(void)
{
	text_copy(folder, sizeof(folder), "/tmp/lintel-unit-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	make_signer(&ours);
	make_signer(&theirs);
	err.code = E_NONE;
}

static int verify(const char *text, const uint8_t *der, size_t size)
{
	struct pkcs7_certificates certificates = { .folder = folder };
	_cleanup_(pkcs7_free) PKCS7 *signature = pkcs7_parse(der, size);
	int r = pkcs7_verify(&certificates, text, signature, name, sizeof(name), &err);

	pkcs7_forget(&certificates);
	return r;
}

TEST(pkcs7_trusted)
{
	/* what lintel-disk makes; what openssl smime makes */
	static const int flags[] = { PKCS7_NOATTR | PKCS7_NOCERTS, 0 };
	uint8_t der[DER_MAX];

	make_folder();
	write_cert(&theirs, "a.crt");
	write_cert(&ours, "os.crt");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		size_t size = sign(&ours, HASH, flags[i], der);

		CHECK_INT(verify(HASH, der, size), 0);
		CHECK_STR(name, "os.crt");
		CHECK_INT(verify(OTHER, der, size), -EKEYREJECTED);
	}
	remove_folder();
}

/* The signer's certificate inside the signature makes it no more trusted. */
TEST(pkcs7_untrusted)
{
	uint8_t der[DER_MAX];
	size_t size;

	make_folder();
	write_cert(&ours, "os.crt");
	write_cert(&theirs, "os.pem"); /* not a name that counts */
	size = sign(&theirs, HASH, 0, der);
	CHECK_INT(verify(HASH, der, size), -EKEYREJECTED);
	CHECK_INT(err.code, E_SIG_UNTRUSTED);
	CHECK(strstr(err.text, "1 certificate") != NULL);
	remove_folder();
}

TEST(pkcs7_changed)
{
	uint8_t der[DER_MAX + 1], changed[DER_MAX + 1];
	unsigned int taken = 0;
	size_t size;

	make_folder();
	write_cert(&ours, "os.crt");
	size = sign(&ours, HASH, PKCS7_NOATTR | PKCS7_NOCERTS, der);
	der[size] = 0;
	CHECK_INT(verify(HASH, der, size + 1), -EKEYREJECTED);
	CHECK_INT(verify(HASH, der, size - 1), -EKEYREJECTED);
	CHECK_INT(verify(HASH, der, 0), -EKEYREJECTED);
	for (size_t i = size - 256; i < size; i += 5) { /* the signature proper */
		memcpy(changed, der, size);
		changed[i] ^= 0x10;
		taken += verify(HASH, changed, size) == 0;
	}
	CHECK_INT(taken, 0);
	remove_folder();
}

static int signer_id(const uint8_t *der, size_t size, uint8_t *id, size_t id_size)
{
	_cleanup_(pkcs7_free) PKCS7 *signature = pkcs7_parse(der, size);

	return pkcs7_signer_id(signature, id, id_size);
}

/* As the kernel makes a key's id of its certificate: asymmetric_key_generate_id(). */
TEST(pkcs7_signer_id)
{
	uint8_t der[DER_MAX], id[256], want[256] = { 0, 0x87 };
	struct signer other = { .cert = NULL };
	const uint8_t *issuer;
	size_t size, n;

	make_signer(&other);
	ASN1_INTEGER_set(X509_get_serialNumber(other.cert),
			 0x87); /* two octets, as it is positive */
	CHECK(X509_sign(other.cert, other.key, EVP_sha256()) > 0);
	CHECK_INT(X509_NAME_get0_der(X509_get_issuer_name(other.cert), &issuer, &n), 1);
	memcpy(want + 2, issuer + 2, n - 2); /* without tag and length */
	size = sign(&other, HASH, PKCS7_NOATTR | PKCS7_NOCERTS, der);
	CHECK_INT(signer_id(der, size, id, sizeof(id)), n);
	CHECK(memcmp(id, want, n) == 0);
	CHECK_INT(signer_id(der, size, id, n), n);
	CHECK_INT(signer_id(der, size, id, n - 1), -E2BIG);
	CHECK_INT(signer_id(der, size, id, 1), -E2BIG);
	CHECK_INT(signer_id(der, size - 1, id, sizeof(id)), -EINVAL);
	CHECK_INT(signer_id(der, 0, id, sizeof(id)), -EINVAL);
	size = sign(&other, HASH, 0, der);
	CHECK_INT(signer_id(der, size, id, sizeof(id)), n);

	/* a certificate inside that another one issued: the kernel may have that one */
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(other.cert), "O", MBSTRING_ASC,
				   (const unsigned char *)"ca", -1, -1, 0);
	CHECK(X509_sign(other.cert, other.key, EVP_sha256()) > 0);
	size = sign(&other, HASH, 0, der);
	CHECK_INT(signer_id(der, size, id, sizeof(id)), -ENOTSUP);
	X509_free(other.cert);
	EVP_PKEY_free(other.key);
}

TEST(pkcs7_no_signer)
{
	PKCS7 *p7 = PKCS7_new();
	unsigned char *der = NULL;
	int size;

	make_folder();
	write_cert(&ours, "os.crt");
	PKCS7_set_type(p7, NID_pkcs7_signed);
	PKCS7_content_new(p7, NID_pkcs7_data);
	PKCS7_set_detached(p7, 1);
	size = i2d_PKCS7(p7, &der);
	CHECK(size > 0);
	CHECK_INT(verify(HASH, der, (size_t)size), -EKEYREJECTED);
	OPENSSL_free(der);
	PKCS7_free(p7);
	remove_folder();
}

TEST(pkcs7_folder)
{
	uint8_t der[DER_MAX];
	char file[32], path[128];
	size_t size;

	make_folder();
	size = sign(&ours, HASH, PKCS7_NOATTR | PKCS7_NOCERTS, der);
	CHECK_INT(verify(HASH, der, size), -EKEYREJECTED); /* empty */
	text_format(path, sizeof(path), "%s/junk.crt", folder);
	fs_create(AT_FDCWD, path, "junk", 4, 0600);
	write_cert(&ours, "os.crt");
	CHECK_INT(verify(HASH, der, size), 0); /* junk hides no good one */
	unlink(path);
	text_format(path, sizeof(path), "%s/os.crt", folder);
	unlink(path);
	for (int i = 0; i <= PKCS7_CERTIFICATES_MAX; i++) {
		text_format(file, sizeof(file), "%d.crt", i);
		write_cert(&theirs, file);
	}
	CHECK_INT(verify(HASH, der, size), -E2BIG);
	CHECK_INT(err.code, E_LIMIT);
	remove_folder();
	CHECK_INT(verify(HASH, der, size), -EKEYREJECTED); /* and no folder at all */
}

/* A child asks about several signatures, and reads the folder for the first. */
TEST(pkcs7_read_once)
{
	struct pkcs7_certificates certificates = { .folder = folder };
	_cleanup_(pkcs7_free) PKCS7 *good = NULL, *bad = NULL;
	uint8_t der[DER_MAX];

	make_folder();
	write_cert(&ours, "os.crt");
	good = pkcs7_parse(der, sign(&ours, HASH, PKCS7_NOATTR | PKCS7_NOCERTS, der));
	bad = pkcs7_parse(der, sign(&theirs, HASH, 0, der));
	CHECK_INT(pkcs7_verify(&certificates, HASH, bad, name, sizeof(name), &err), -EKEYREJECTED);
	CHECK_INT(pkcs7_verify(&certificates, HASH, good, name, sizeof(name), &err), 0);
	CHECK_INT(certificates.n, 1);
	pkcs7_forget(&certificates);
	CHECK_INT(pkcs7_verify(&certificates, HASH, good, name, sizeof(name), &err), 0);
	remove_folder();
	for (int i = 0; i < 2; i++) {
		CHECK_INT(pkcs7_verify(&certificates, HASH, good, name, sizeof(name), &err), 0);
		CHECK_INT(pkcs7_verify(&certificates, OTHER, good, name, sizeof(name), &err),
			  -EKEYREJECTED);
		CHECK_INT(pkcs7_verify(&certificates, HASH, bad, name, sizeof(name), &err),
			  -EKEYREJECTED);
		CHECK_INT(pkcs7_verify(&certificates, HASH, NULL, name, sizeof(name), &err),
			  -EKEYREJECTED);
	}
	pkcs7_forget(&certificates);
	CHECK_INT(pkcs7_verify(&certificates, HASH, good, name, sizeof(name), &err), -EKEYREJECTED);
	pkcs7_forget(&certificates);
}
