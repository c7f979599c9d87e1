/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `lintel sysext verify`: 0 would be merged, 5 would not, 6 not known; 2, 3, 4 as `lintel plan`. */
int sysext_main(int argc, char **argv);
