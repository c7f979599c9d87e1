/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages, each after its length in two bytes; what they say are facts that a file can hold. */
#include "generators/sources/sources.h"
#include "tests/fuzz/fuzz.h"

static struct facts facts;

static void check_fact(const struct fact *fact)
{
	must(fact->kind == FACT_BLOCK || fact->kind == FACT_GONE || fact->kind == FACT_DEVICE ||
	     fact->kind == FACT_TPM);
	must(fact->kind == FACT_DEVICE || (!strchr(fact->subject, '/') && fact->subject[0] != '.'));
	must_replay(fact);
}

/* A copy that ends with the message, so that a read beyond it is seen. */
static void one(const uint8_t *data, size_t size)
{
	size_t before = facts.n;
	char *message = malloc(size ? size : 1);
	struct err err;
	int r;

	memcpy(message, data, size);
	r = uevent_parse(message, size, &facts, &err);
	must(r == 0 || r == 1);
	must(facts.n == before + (size_t)r);
	/* the same once more adds nothing */
	must(uevent_parse(message, size, &facts, &err) == 0);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	facts_clear(&facts);
	for (unsigned int count = 0; size > 2 && count < 64; count++) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		one(data, len);
		data += len;
		size -= len;
	}
	for (size_t i = 0; i < facts.n; i++)
		check_fact(&facts.list[i]);
	return 0;
}
