/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *what, *todo;
} codes[] = {
#define X(name, code, what, todo) [E_##name] = { "LINTEL-E-" code, what, todo },
	ERR_CODES(X)
#undef X
};

int err_set(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -errnum;
}

void err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;
	int n;

	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", inner);
}

const char *err_name(enum err_code code)
{
	return code < E_MAX_ ? codes[code].name : codes[E_INTERNAL].name;
}

const char *err_meaning(enum err_code code)
{
	return code < E_MAX_ ? codes[code].what : codes[E_INTERNAL].what;
}

const char *err_advice(enum err_code code)
{
	return code < E_MAX_ ? codes[code].todo : codes[E_INTERNAL].todo;
}

enum err_code err_from_name(const char *name)
{
	for (unsigned int i = 0; i < E_MAX_; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum err_code)i;
	return E_MAX_;
}
