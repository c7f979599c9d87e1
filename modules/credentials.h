/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where systemd has the credentials of the whole system (src/shared/creds-util.h). */
#pragma once

#define CREDENTIALS_PARENT "/run/credentials"
#define CREDENTIALS_SYSTEM CREDENTIALS_PARENT "/@system"
#define CREDENTIALS_ENCRYPTED CREDENTIALS_PARENT "/@encrypted"
