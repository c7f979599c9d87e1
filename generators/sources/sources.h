/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of facts. Each takes the root directory's descriptor ("/", or a fake machine's
 * folder in tests), appends facts and decides nothing. All return 0 or -errno with err filled.
 */
#pragma once

#include "generators/facts.h"

/*
 * /proc/cmdline: a fact for each word, with its key as subject and value= where the word has an
 * '='. Keys are stored with '_' for '-', as to the kernel and to systemd the two are one. The
 * words after "--" are init's; each is a fact with the subject "--" and value=WORD. "rd.X" and "X"
 * are two subjects. trusted=yes: the UKI's own, that is where all words of the signed initrd's
 * /etc/lintel/cmdline stand at the start of the line, this one among them. If one of them is
 * missing or changed, none is trusted.
 */
int cmdline_read(int root_fd, struct facts *facts, struct err *err);
/* One command line; own: the trusted text or NULL. The parser that the fuzzer drives. */
int cmdline_parse(const char *text, const char *own, struct facts *facts, struct err *err);

/* LoaderDevicePartUUID, StubDevicePartUUID, SecureBoot, SetupMode … from
 * sys/firmware/efi/efivars (4 bytes of attributes, then UTF-16 or a byte). Missing is no error;
 * one that is persistent or not of its form is a fact with malformed=yes and no value. */
int efivars_read(int root_fd, struct facts *facts, struct err *err);

/* /etc/lintel/{image-policy,ask,minimum-version,on-failure,shell-password} of the signed initrd, each one line and checked; its
 * list of revoked root hashes; the firmware's kind and the machine's architecture. */
int config_read(int root_fd, struct facts *facts, struct err *err);
#define SHELL_PASSWORD "etc/lintel/shell-password"
#define REVOKED_MAX 256
/* One root hash, 64 or 128 lowercase hex digits: FACT_CONFIG "revoked". */
int revoked_add(const char *roothash, struct facts *facts, struct err *err);
/* Letters, digits and the marks of UAPI.10 ("Version Format Specification"), one at least. */
bool version_valid(const char *text);
/* The values of lintel.on_failure= and of /etc/lintel/on-failure. */
#define ON_FAILURE_CHOICES "poweroff, reboot, halt, recover or fallback"
bool on_failure_known(const char *text);

/* /etc/crypttab of the signed initrd: FACT_CRYPTTAB for each line. */
int crypttab_read(int root_fd, struct facts *facts, struct err *err);
/* Its text, which is taken apart. The parser that the fuzzer drives. */
int crypttab_parse(char *text, struct facts *facts, struct err *err);

/* /.extra, as the stub left it: FACT_EXTRA for each image and file, a count of credentials. */
int extra_read(int root_fd, struct facts *facts, struct err *err);

/* /.extra/profile: the UKI's profile that was chosen, FACT_CONFIG "profile" with its ID. */
int profile_read(int root_fd, struct facts *facts, struct err *err);
/* Its text, which is taken apart; ret has 64 bytes. 1, 0 where it has no ID, or -EINVAL. */
int profile_parse(char *text, char *ret, struct err *err);

/* One kernel uevent (ACTION@DEVPATH NUL KEY=value NUL …, kernel's kobject_uevent). Block devices
 * and modaliases become facts, other events none. Returns 1 where a fact was added, 0 where not. */
int uevent_parse(const char *message, size_t size, struct facts *facts, struct err *err);
