/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a mounted extension image says of itself, against the initrd's or the root's release file. */
#pragma once

#include "generators/sources/release.h"
#include "modules/verb.h"

struct match {
	char name[FACT_NAME_MAX], class[16], arch[24], id[FACT_NAME_MAX];
	bool confext;
	struct release own, other; /* the image's, and the initrd's or the root's */
};

/* The step's name=, class= and arch=. 0, or -errno with err filled. */
int extension_read_arguments(const struct step *step, struct match *m, struct err *err);

/*
 * For whom the image is that was just mounted: initrd=yes, system=yes and what it is. 0, or -errno
 * with E_EXTENSION where it is for neither.
 */
int extension_scope(const struct step *step, struct fields *result, struct err *err);

/* Whether it is for the root. m has its arguments; 0, or -errno with E_EXTENSION. */
int extension_for_root(struct match *m, struct err *err);

/* class=, version=, roothash= and by=: who asks what was merged finds it in the facts. */
int extension_describe(const struct step *step, const struct match *m, struct fields *result);
