/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYRING_ID_MAX 1024

/*
 * Whether the kernel may trust the certificate of this id (serial number and issuer's name, the
 * contents of both in DER: asymmetric_key_generate_id()) by one of the keyrings that it checks root
 * hashes by. False only where each of them says that it has no such key.
 */
bool keyring_may_have(const uint8_t *id, size_t size);
