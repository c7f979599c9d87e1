/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tpm/tpm.h"

#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct tpm2 tpm;
struct wire wire;
static char folder[64];
static unsigned int port;
static pid_t child = -1;

/* --- the wire ------------------------------------------------------------------------------- */

/* swtpm's data socket carries TPM commands as they are. */
struct spoiled {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	int fd;
	bool due;    /* this answer is spoiled */
	size_t size; /* of the answer that is there */
	uint8_t answer[4096];
};

static void record(const uint8_t *data, size_t size)
{
	if (size > RECORD_MAX - wire.recorded)
		size = RECORD_MAX - wire.recorded;
	memcpy(wire.record + wire.recorded, data, size);
	wire.recorded += size;
}

static TSS2_RC spoiled_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
	struct spoiled *s = (struct spoiled *)tcti;
	unsigned int index = wire.commands++;
	uint8_t part[20];

	s->size = 0;
	s->due = wire.fault != FAULT_NONE && index >= wire.first && index <= wire.last;
	record(command, size);
	if (s->due && wire.fault == FAULT_CODE)
		return TSS2_RC_SUCCESS;
	if (s->due && wire.fault == FAULT_PART && command[9] == 0x7e && size > 20) {
		memcpy(part, command, sizeof(part)); /* TPM2_PCR_Read, part 3, 22.4 */
		part[5] = sizeof(part);
		part[13] = 1;
		command = part;
		size = sizeof(part);
	}
	return fs_write_all(s->fd, command, size) < 0 ? TSS2_TCTI_RC_IO_ERROR : TSS2_RC_SUCCESS;
}

static TSS2_RC take_answer(struct spoiled *s)
{
	uint32_t word = htonl(wire.fault_rc);

	if (s->due && wire.fault == FAULT_CODE) {
		memcpy(s->answer, "\x80\x01\0\0\0\x0a", 6);
		memcpy(s->answer + 6, &word, 4);
		s->size = 10;
		return TSS2_RC_SUCCESS;
	}
	if (recv(s->fd, s->answer, 10, MSG_WAITALL) != 10)
		return TSS2_TCTI_RC_IO_ERROR;
	memcpy(&word, s->answer + 2, 4);
	s->size = ntohl(word);
	if (s->size > sizeof(s->answer) ||
	    (s->size > 10 &&
	     recv(s->fd, s->answer + 10, s->size - 10, MSG_WAITALL) != (ssize_t)s->size - 10))
		return TSS2_TCTI_RC_IO_ERROR;
	record(s->answer, s->size);
	if (s->due && wire.fault == FAULT_IO)
		return TSS2_TCTI_RC_IO_ERROR;
	if (s->due && wire.fault == FAULT_TRUNCATED) /* the library goes by the header's size */
		memset(s->answer + s->size / 2, 0xff, s->size - s->size / 2);
	for (size_t i = 10; s->due && wire.fault == FAULT_GARBAGE && i < s->size; i++) {
		wire.seed = wire.seed * 1103515245 + 12345;
		if (wire.seed >> 28 < 4)
			s->answer[i] = (uint8_t)(wire.seed >> 16);
	}
	return TSS2_RC_SUCCESS;
}

static TSS2_RC spoiled_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response,
			       int32_t timeout)
{
	struct spoiled *s = (struct spoiled *)tcti;
	TSS2_RC rc = s->size ? TSS2_RC_SUCCESS : take_answer(s);

	(void)timeout;
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (response && *size < s->size)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	*size = s->size;
	if (response) {
		memcpy(response, s->answer, s->size);
		s->size = 0;
	}
	return TSS2_RC_SUCCESS;
}

static void spoiled_finalize(TSS2_TCTI_CONTEXT *tcti)
{
	close_fd(&((struct spoiled *)tcti)->fd);
}

static TSS2_RC not_here(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
	(void)tcti;
	(void)locality;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static _noreturn_ void give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	tpm_stop();
	exit(1);
}

static int connect_tpm(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? take_fd(&fd) : -1;
}

static TSS2_TCTI_CONTEXT *connect_wire(void)
{
	struct spoiled *s = calloc(1, sizeof(*s));

	s->fd = connect_tpm();
	if (s->fd < 0)
		give_up("swtpm does not answer");
	s->common.v1.magic = 0x6c696e74656c0001;
	s->common.v1.version = 2;
	s->common.v1.transmit = spoiled_transmit;
	s->common.v1.receive = spoiled_receive;
	s->common.v1.finalize = spoiled_finalize;
	s->common.v1.setLocality = not_here;
	return (TSS2_TCTI_CONTEXT *)s;
}

TSS2_RC tpm_raw(const uint8_t *body, size_t size, uint8_t *ret, size_t *ret_size)
{
	uint8_t buffer[4096] = { 0x80, 0x02 };
	size_t got = sizeof(buffer);
	uint32_t word = htonl((uint32_t)size + 6);

	if (body[2] == 1 && (body[3] == 0x65 || body[3] == 0x7a))
		buffer[1] = 1; /* FlushContext and GetCapability take no session */
	memcpy(buffer + 2, &word, 4);
	memcpy(buffer + 6, body, size);
	if (Tss2_Tcti_Transmit(tpm.tcti, size + 6, buffer) != TSS2_RC_SUCCESS ||
	    Tss2_Tcti_Receive(tpm.tcti, &got, buffer, TSS2_TCTI_TIMEOUT_BLOCK) != TSS2_RC_SUCCESS ||
	    got < 10)
		give_up("swtpm");
	memcpy(&word, buffer + 6, 4);
	if (ret) {
		*ret_size = got - 10;
		memcpy(ret, buffer + 10, got - 10);
	}
	return ntohl(word);
}

/* Transient objects, HMAC sessions, policy sessions: whatever a spoiled run left behind. */
static void flush_all(void)
{
	static const uint8_t first[] = { 0x80, 0x02, 0x03 };

	for (size_t i = 0; i < sizeof(first); i++) {
		uint8_t list[] = { 0, 0, 1, 0x7a, 0, 0, 0, 1, first[i], 0, 0, 0, 0, 0, 0, 16 };
		uint8_t answer[4096], one[] = { 0, 0, 1, 0x65, 0, 0, 0, 0 };
		size_t size = 0;

		tpm_raw(list, sizeof(list), answer, &size);
		for (size_t at = 9; at + 4 <= size; at += 4) {
			memcpy(one + 4, answer + at, 4);
			tpm_raw(one, sizeof(one), NULL, NULL);
		}
	}
}

/* --- the TPM -------------------------------------------------------------------------------- */

/* A name that is an absolute path stands for itself. */
static const char *fixture_folder(const char *name)
{
	return name[0] == '/' ? "" : FIXTURES;
}

static void disconnect(void)
{
	if (tpm.esys)
		tpm2_close(&tpm);
	memset(&tpm, 0, sizeof(tpm));
}

void tpm_reconnect(void)
{
	/* TPM2_DictionaryAttackLockReset: an answer that was lost in a session counts as a failure */
	static const uint8_t unlock[] = { 0, 0,	   1, 0x39, 0x40, 0, 0, 0x0a, 0, 0, 0,
					  9, 0x40, 0, 0,    9,	  0, 0, 0,    0, 0 };
	struct err err;

	disconnect();
	memset(&wire, 0, sizeof(wire));
	if (tpm2_start(&tpm, connect_wire(), &err) < 0)
		give_up(err.text);
	tpm.log_folder = folder;
	flush_all();
	tpm_raw(unlock, sizeof(unlock), NULL, NULL);
	memset(&wire, 0, sizeof(wire));
}

static void run_swtpm(void)
{
	char state[96], server[64], log[96];

	text_format(state, sizeof(state), "dir=%s", folder);
	text_format(server, sizeof(server), "type=tcp,port=%u", port);
	text_format(log, sizeof(log), "file=%s/log", folder);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
	       "--flags", "not-need-init,startup-clear", "--log", log, NULL);
	_exit(127);
}

static void power_on(void)
{
	const struct timespec wait = { .tv_nsec = 10000000 };
	int fd;

	for (int i = 0; i < 1000; i++) {
		if (child < 0) {
			/* another's port: swtpm ends at once and the next pair is tried */
			port = 20000 + ((unsigned int)getpid() + (unsigned int)i) % 12000;
			child = fork();
			if (child == 0)
				run_swtpm();
		}
		nanosleep(&wait, NULL);
		if (waitpid(child, NULL, WNOHANG) == child)
			child = -1;
		fd = connect_tpm();
		if (child > 0 && fd >= 0) {
			close_fd(&fd);
			return tpm_reconnect();
		}
	}
	give_up("swtpm does not start");
}

static void power_off(void)
{
	disconnect();
	if (child > 0) {
		kill(child, SIGTERM);
		waitpid(child, NULL, 0);
	}
	child = -1;
}

void tpm_restart(void)
{
	power_off();
	power_on();
}

void tpm_start(const char *name)
{
	char path[512];
	static uint8_t state[65536];
	ssize_t n;

	tpm_stop();
	text_copy(folder, sizeof(folder), "/tmp/lintel-tpm-XXXXXX");
	if (!mkdtemp(folder))
		give_up(folder);
	if (name) {
		text_format(path, sizeof(path), "%s%s/tpm2-00.permall", fixture_folder(name), name);
		n = fs_read(AT_FDCWD, path, state, sizeof(state));
		if (n < 0)
			give_up(path);
		text_format(path, sizeof(path), "%s/tpm2-00.permall", folder);
		fs_create(AT_FDCWD, path, state, (size_t)n, 0600);
	}
	power_on();
}

void tpm_stop(void)
{
	static const char *const files[] = { "tpm2-00.permall", "tpm2-00.volatilestate", ".lock",
					     "log", "tpm2-measure.log" };
	char path[128];

	power_off();
	for (size_t i = 0; folder[0] && i < ARRAY_SIZE(files); i++) {
		text_format(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	if (folder[0])
		rmdir(folder);
	folder[0] = '\0';
}

void tpm_extend(unsigned int pcr, const char *text)
{
	uint8_t digests[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	size_t n = 0,
	       size = strcmp(text, ".linux") == 0 ? 7 : strlen(text); /* the stub's has a NUL */
	struct err err;

	if (tpm2_pcr_banks(&tpm, pcr, banks, &n, &err) < 0)
		give_up(err.text);
	for (size_t i = 0; i < n; i++)
		EVP_Digest(text, size, digests[i], NULL, EVP_get_digestbyname(banks[i].name), NULL);
	if (tpm2_pcr_extend(&tpm, pcr, banks, digests, n, &err) < 0)
		give_up(err.text);
}

void tpm_boot(void)
{
	tpm_extend(7, "secure boot policy");
	tpm_extend(11, ".linux");
	tpm_extend(11, "lintel test kernel\n");
	tpm_extend(11, "enter-initrd");
}

/* --- the fixtures --------------------------------------------------------------------------- */

const char *fixture(const char *name, size_t *ret_size)
{
	static char text[65536];
	char path[512];
	ssize_t n;

	text_format(path, sizeof(path), "%s%s", fixture_folder(name), name);
	n = fs_read(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		give_up(path);
	*ret_size = (size_t)n;
	return text;
}

struct tpm2_token *fixture_token(const char *name)
{
	static struct tpm2_token token;
	char file[512];
	struct err err;
	size_t size;
	const char *json;

	text_format(file, sizeof(file), "%s.json", name);
	json = fixture(file, &size);
	if (tpm2_token_parse(json, size, &token, &err) < 0)
		give_up(err.text);
	return &token;
}

const struct pcrlocks *fixture_locks(const char *name)
{
	static struct pcrlocks locks;
	struct err err;
	size_t size;
	const char *text = fixture(name, &size);

	memset(&locks, 0, sizeof(locks));
	if (tpm2_pcrlock_open(text, size, "pcrlock.lintel", &locks.all[0], &err) < 0)
		give_up(err.text);
	locks.n = 1;
	return &locks;
}

bool fixture_secret_is(const char *name, const uint8_t *secret, size_t size)
{
	uint8_t base64[2 * TPM2_SECRET_MAX], digest[32];
	char line[2 * sizeof(digest) + 64 + 3];
	size_t n = (size_t)EVP_EncodeBlock(base64, secret, (int)size), text_size;

	EVP_Digest(base64, n, digest, NULL, EVP_sha256(), NULL);
	hex_encode(digest, sizeof(digest), line);
	text_format(line + 2 * sizeof(digest), sizeof(line) - 2 * sizeof(digest), "  %s\n", name);
	return strstr(fixture("secrets.sha256", &text_size), line) != NULL;
}

int tpm_measure_volume(const char *name, const char *uuid, const uint8_t *key, size_t size,
		       struct err *err)
{
	char word[TPM2_EVENT_SIZE], text[TPM2_DIGESTS_TEXT];
	struct tpm2_event event = {
		.pcr = 15, .string = word, .type = "volume-key", .key = key, .key_size = size
	};
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	struct tpm2_digests digests;
	size_t n = 0;
	int r = tpm2_volume_word(name, uuid, word);

	if (r == 0)
		r = tpm2_event_digests(&tpm, &event, &digests, err);
	if (r < 0 || tpm2_digests_format(&digests, text, sizeof(text)) < 0)
		return r < 0 ? r : -E2BIG;
	event = (struct tpm2_event){
		.pcr = 15, .string = word, .type = "volume-key", .digests = text
	};
	return tpm2_measure(&tpm, &event, banks, &n, err);
}
