/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests as functions: TEST(name) { CHECK(…); }. tests/unit/main.c runs all and counts. */
#pragma once

#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

extern struct test *tests_first;
extern unsigned int test_failures; /* of the test that runs */

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct test entry_##id = { #id, test_##id, NULL };                                  \
	__attribute__((constructor)) static void register_##id(void)                               \
	{                                                                                          \
		entry_##id.next = tests_first;                                                     \
		tests_first = &entry_##id;                                                         \
	}                                                                                          \
	static void test_##id(void)

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_failures++;                                                           \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
		}                                                                                  \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *a_ = (a), *b_ = (b);                                                   \
		if (strcmp(a_, b_) != 0) {                                                         \
			test_failures++;                                                           \
			fprintf(stderr, "%s:%d: \"%s\" is not \"%s\"\n", __FILE__, __LINE__, a_,   \
				b_);                                                               \
		}                                                                                  \
	} while (0)

#define CHECK_INT(a, b)                                                                            \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		if (a_ != b_) {                                                                    \
			test_failures++;                                                           \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a,   \
				a_, b_);                                                           \
		}                                                                                  \
	} while (0)
