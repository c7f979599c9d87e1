/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_explain.h"

#include "init/base/bytes.h"
#include "modules/tpm2_eventlog.h"
#include "modules/tpm2_policy.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define CANDIDATES_MAX 256
#define PER_PCR 32    /* the last events of a PCR that are taken back */
#define PAIRS_MAX 128 /* with more candidates, no two at once are tried */
#define PCR_PHASES 11

/* What a PCR held or will hold at another moment of this boot. */
struct candidate {
	unsigned int pcr;
	uint8_t value[EXPECT_DIGEST_MAX];
	char event[EVENTLOG_TEXT_MAX]; /* that led on from there */
	unsigned int more;	       /* events after that */
	bool later;		       /* it is yet to come: event led there */
};

struct explain {
	const struct tpm2_token *token;
	const struct tpm2_unseal_inputs *in;
	const struct eventlog *log; /* or NULL */
	const struct tpm2_bank *bank;
	bool signatures; /* the signed PCRs are what fails, else the literal ones */
	uint32_t pcrs;
	uint8_t now[EXPECT_PCRS][EXPECT_DIGEST_MAX];
	uint8_t before[2][EXPECT_POLICY]; /* what the policy of literal PCRs is added to */
	size_t n_before, n;
	uint8_t fingerprint[32]; /* of the key of signatures */
	struct candidate list[CANDIDATES_MAX];
};

static int read_pcrs(struct explain *e, struct tpm2 *tpm, struct err *err)
{
	int r = 0;

	for (unsigned int pcr = 0; pcr < EXPECT_PCRS && r == 0; pcr++)
		if (e->pcrs >> pcr & 1)
			r = tpm2_pcr_read(tpm, pcr, e->bank, e->now[pcr], err);
	return r;
}

/* The digest of PolicyAuthorize by the token's key, whatever it has signed. */
static bool add_before(struct explain *e, const TPM2B_PUBLIC *public)
{
	uint8_t area[sizeof(TPMT_PUBLIC)], name[2 + 32] = { 0, TPM2_ALG_SHA256 };
	uint8_t *digest = e->before[e->n_before];
	size_t size = 0;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, area, sizeof(area), &size) !=
		    TSS2_RC_SUCCESS ||
	    EVP_Digest(area, size, name + 2, NULL, EVP_sha256(), NULL) != 1 ||
	    expect_policy_authorize(digest, name, sizeof(name), e->token->ref) < 0)
		return false;
	e->n_before++;
	return true;
}

static bool find_before(struct explain *e, struct err *err)
{
	const struct tpm2_token *token = e->token;
	const uint8_t *pem = token->pubkey_size ? token->pubkey : e->in->public_key;
	size_t size = token->pubkey_size ? token->pubkey_size : e->in->public_key_size;
	struct tpm2_policy_key key;
	TPMT_PUBLIC *area = &key.public.publicArea;

	if (!token->pubkey_pcrs) {
		e->n_before = 1;
		return true;
	}
	if (!pem || tpm2_policy_key(pem, size, &key, err) < 0 || !add_before(e, &key.public))
		return false;
	memcpy(e->fingerprint, key.fingerprint, sizeof(e->fingerprint));
	/* systemd up to 254: see other_exponent() in tpm2_unseal.c */
	if (area->type != TPM2_ALG_RSA || area->parameters.rsaDetail.exponent != 65537)
		return true;
	area->parameters.rsaDetail.exponent = 0;
	return add_before(e, &key.public);
}

static bool is_signed(const struct explain *e, const uint8_t policy[EXPECT_POLICY])
{
	const struct pcr_wanted wanted = { .bank = e->bank->name,
					   .ref = e->token->ref,
					   .pcrs = e->token->pubkey_pcrs,
					   .fingerprint = e->fingerprint,
					   .policy = policy,
					   .policy_size = EXPECT_POLICY };
	struct pcr_signature found;
	struct err err;

	return e->in->signatures && pcr_signature_find(e->in->signatures, e->in->signatures_size,
						       &wanted, &found, &err) == 0;
}

static bool holds(const struct explain *e)
{
	uint8_t digest[EXPECT_POLICY] = { 0 };

	if (e->signatures)
		return expect_policy_pcrs(digest, e->bank, e->pcrs, e->now) == 0 &&
		       is_signed(e, digest);
	for (size_t i = 0; i < e->n_before; i++) {
		memcpy(digest, e->before[i], sizeof(digest));
		if (expect_policy_pcrs(digest, e->bank, e->pcrs, e->now) == 0 &&
		    (!e->token->pin || expect_policy_auth_value(digest) == 0) &&
		    memcmp(digest, e->token->policy_hash, sizeof(digest)) == 0)
			return true;
	}
	return false;
}

static struct candidate *add(struct explain *e, unsigned int pcr, const uint8_t *value,
			     const char *event)
{
	struct candidate *one = &e->list[e->n];

	if (e->n == CANDIDATES_MAX || memcmp(value, e->now[pcr], e->bank->size) == 0)
		return NULL;
	memset(one, 0, sizeof(*one));
	one->pcr = pcr;
	memcpy(one->value, value, e->bank->size);
	text_copy(one->event, sizeof(one->event), event);
	e->n++;
	return one;
}

/* As it was before each of its last events, the latest first. */
static void add_logged(struct explain *e, unsigned int pcr)
{
	uint8_t value[EXPECT_DIGEST_MAX];
	unsigned int more = 0;

	for (uint32_t i = e->log->n; i > 0 && more < PER_PCR; i--) {
		const struct eventlog_event *event = &e->log->events[i - 1];
		struct candidate *one;

		if (event->pcr != pcr)
			continue;
		if (expect_replay(e->bank, e->log, pcr, i - 1, value) < 0)
			return;
		one = add(e, pcr, value, event->text);
		if (one)
			one->more = more;
		more++;
	}
}

/* PCR 11 as the stub left it and after each phase; whether what is now is one of those. */
static bool add_phases(struct explain *e, const uint8_t *stub)
{
	uint8_t values[EXPECT_PHASES + 1][EXPECT_DIGEST_MAX];
	size_t now = ARRAY_SIZE(values);

	memcpy(values[0], stub, sizeof(values[0]));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		if (i > 0) {
			memcpy(values[i], values[i - 1], sizeof(values[i]));
			if (expect_extend_word(e->bank, values[i], expect_phases[i - 1]) < 0)
				return false;
		}
		if (memcmp(values[i], e->now[PCR_PHASES], e->bank->size) == 0)
			now = i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		bool later = i > now;
		struct candidate *one = add(e, PCR_PHASES, values[i],
					    expect_phases[later || i == EXPECT_PHASES ? i - 1 : i]);

		if (one)
			one->later = later;
	}
	return now < ARRAY_SIZE(values);
}

/* Whether the log, with the phases, leads to what the PCR is now. */
static bool add_candidates(struct explain *e, unsigned int pcr)
{
	uint8_t value[EXPECT_DIGEST_MAX] = { 0 };
	bool explained;

	if (!e->log) {
		add(e, pcr, value, "");
		return false;
	}
	if (expect_replay(e->bank, e->log, pcr, e->log->n, value) < 0)
		return false;
	if (pcr == PCR_PHASES) {
		explained = add_phases(e, value);
	} else {
		explained = memcmp(value, e->now[pcr], e->bank->size) == 0;
		add(e, pcr, value, "");
	}
	add_logged(e, pcr);
	return explained;
}

/* Tries the candidates from one on, in the place of what is now; the one that it is, or NULL. */
static const struct candidate *try_from(struct explain *e, size_t from, unsigned int other_than)
{
	for (size_t i = from; i < e->n; i++) {
		const struct candidate *one = &e->list[i];
		uint8_t was[EXPECT_DIGEST_MAX];
		bool found;

		if (one->pcr == other_than)
			continue;
		memcpy(was, e->now[one->pcr], sizeof(was));
		memcpy(e->now[one->pcr], one->value, sizeof(was));
		found = holds(e);
		memcpy(e->now[one->pcr], was, sizeof(was));
		if (found)
			return one;
	}
	return NULL;
}

static size_t search(struct explain *e, const struct candidate *ret[2])
{
	ret[0] = try_from(e, 0, EXPECT_PCRS);
	if (ret[0])
		return 1;
	for (size_t i = 0; i < e->n && e->n <= PAIRS_MAX; i++) {
		const struct candidate *one = &e->list[i];
		uint8_t was[EXPECT_DIGEST_MAX];

		memcpy(was, e->now[one->pcr], sizeof(was));
		memcpy(e->now[one->pcr], one->value, sizeof(was));
		ret[1] = try_from(e, i + 1, one->pcr);
		memcpy(e->now[one->pcr], was, sizeof(was));
		ret[0] = one;
		if (ret[1])
			return 2;
	}
	return 0;
}

/* "PCR 12 differs: expected 00…, is dd…, by EV_IPL "quiet"", as far as it fits. */
static void tell(const struct explain *e, const struct candidate *one, struct err *err)
{
	size_t used = strlen(err->text);
	char expected[17], is[17], more[40] = "";

	hex_encode(one->value, 8, expected);
	hex_encode(e->now[one->pcr], 8, is);
	if (one->more)
		text_format(more, sizeof(more), " and %u more", one->more);
	snprintf(err->text + used, sizeof(err->text) - used,
		 "%sPCR %u (%s) differs: expected %s, is %s%s%.90s%s", used ? "; " : "", one->pcr,
		 e->bank->name, expected, is,
		 !one->event[0] ? ""
		 : one->later	? "; sealed after "
				: ", by ",
		 one->event, more);
}

static void note_values(const struct explain *e, uint32_t explained, struct tpm2_explanation *ret)
{
	ret->bank = e->bank->name;
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS; pcr++) {
		struct tpm2_pcr_note *note = &ret->notes[ret->n];

		if (!(e->pcrs >> pcr & 1))
			continue;
		ret->n++;
		note->pcr = pcr;
		hex_encode(e->now[pcr], e->bank->size, note->value);
		note->unexplained = e->log && !(explained >> pcr & 1);
		for (uint32_t i = 0; e->log && i < e->log->n; i++)
			if (e->log->events[i].pcr == pcr)
				text_copy(note->event, sizeof(note->event), e->log->events[i].text);
	}
}

static void note_found(const struct explain *e, const struct candidate *one,
		       struct tpm2_explanation *ret)
{
	for (size_t i = 0; i < ret->n; i++)
		if (ret->notes[i].pcr == one->pcr) {
			hex_encode(one->value, e->bank->size, ret->notes[i].expected);
			text_copy(ret->notes[i].event, sizeof(ret->notes[i].event), one->event);
		}
}

/* Where nothing fits: behind the values, the last event of each PCR that is not the firmware's alone. */
static void tell_events(const struct tpm2_explanation *all, struct err *err)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct tpm2_pcr_note *note = &all->notes[i];
		size_t used = strlen(err->text);

		if (note->pcr >= 8 && note->event[0])
			snprintf(err->text + used, sizeof(err->text) - used, "; %u last by %.60s",
				 note->pcr, note->event);
	}
}

void tpm2_explain(struct tpm2 *tpm, const struct tpm2_token *token,
		  const struct tpm2_unseal_inputs *in, struct tpm2_explanation *ret,
		  struct err *err)
{
	static struct explain e;
	const struct candidate *found[2];
	struct err ignored = { .code = E_NONE };
	uint32_t explained = 0;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	memset(&e, 0, sizeof(e));
	e.token = token;
	e.in = in;
	e.bank = tpm2_bank_named(token->bank);
	e.signatures = err->code == E_PCR_SIGNATURE;
	e.pcrs = e.signatures ? token->pubkey_pcrs : token->pcrs;
	if (!e.pcrs || token->pcrlock || token->policy_hash_size != EXPECT_POLICY || !e.bank ||
	    !find_before(&e, &ignored) || read_pcrs(&e, tpm, &ignored) < 0 || holds(&e))
		return;
	e.log = tpm2_eventlog_read(tpm->event_log, e.bank->alg, e.bank->size);
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS; pcr++)
		if (e.pcrs >> pcr & 1 && add_candidates(&e, pcr))
			explained |= 1U << pcr;
	n = search(&e, found);
	note_values(&e, explained, ret);
	if (n == 0) {
		tell_events(ret, err);
		return;
	}
	err->text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		tell(&e, found[i], err);
		note_found(&e, found[i], ret);
	}
}
