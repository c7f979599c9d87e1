/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs every registered test, or those whose name contains the argument. */
#include "test.h"

struct test *tests_first;
unsigned int test_failures;

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	for (struct test *test = tests_first; test; test = test->next) {
		if (argc > 1 && !strstr(test->name, argv[1]))
			continue;
		test_failures = 0;
		test->run();
		if (test_failures) {
			printf("FAIL %s\n", test->name);
			failed++;
		} else {
			passed++;
		}
	}
	printf("unit: %u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
