/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors that a person can act on. Each has a stable code (`LINTEL-E-…`), one line that says what
 * went wrong and where, and one that says what to do. The table below is the only list of codes;
 * `lintel codes` prints it, and the README repeats it.
 */
#pragma once

#include "attr.h"

#define ERR_TEXT_MAX 320

/*       name                 code                    what it means; what to do */
#define ERR_CODES(X)                                                                               \
	X(NONE, "NONE", "no error", "nothing")                                                     \
	X(INTERNAL, "INTERNAL", "lintel met a state it does not know",                             \
	  "report it with /run/lintel/facts")                                                      \
	X(LIMIT, "LIMIT", "an input exceeds a fixed limit",                                        \
	  "reduce the number or size of what the message names")                                   \
	X(FACTS, "FACTS", "a facts file or record is malformed",                                   \
	  "check the line that the message names")                                                 \
	X(CMDLINE, "CMDLINE", "a word of the kernel command line is malformed or unknown",         \
	  "correct the word in the UKI's .cmdline")                                                \
	X(CMDLINE_UNSIGNED, "CMDLINE-UNSIGNED",                                                    \
	  "a word that needs the UKI's own command line came from elsewhere",                      \
	  "put the word into the UKI's .cmdline, or remove it where it was added")                 \
	X(POLICY_SYNTAX, "POLICY-SYNTAX",                                                          \
	  "an image policy does not follow systemd.image-policy(7)", "correct the policy string")  \
	X(POLICY, "POLICY", "a partition does not have the protection that the policy requires",   \
	  "rebuild the image with that protection, or the initrd with another policy")             \
	X(BOOTDISK_UNSET, "BOOTDISK-UNSET", "the boot loader named no boot partition",             \
	  "boot through systemd-stub or systemd-boot, or give root= in the UKI's command line")    \
	X(BOOTDISK_MISSING, "BOOTDISK-MISSING", "the boot disk did not appear",                    \
	  "check the disk and that the initrd has its driver")                                     \
	X(BOOTDISK_AMBIGUOUS, "BOOTDISK-AMBIGUOUS", "two disks hold the boot partition's UUID",    \
	  "detach the copy, or give it new UUIDs (sgdisk -G)")                                     \
	X(GPT, "GPT", "the boot disk's partition table is malformed",                              \
	  "restore the partition table from its backup (sgdisk -e, gdisk)")                        \
	X(GPT_DISAGREE, "GPT-DISAGREE", "the kernel sees other partitions than the table says",    \
	  "repair the partition table; both copies must agree")                                    \
	X(ROOT_MISSING, "ROOT-MISSING", "no partition with the type UUID of a root or /usr",       \
	  "install an image with a DPS root or usr partition for this architecture")               \
	X(ROOT_AMBIGUOUS, "ROOT-AMBIGUOUS", "two partitions are equally good as root or /usr",     \
	  "give them labels with different versions, or remove one")                               \
	X(ROOT_UNPROTECTED, "ROOT-UNPROTECTED", "the root or /usr has no verity partition",        \
	  "install an image with Verity=data, hash and signature partitions")                      \
	X(VERSION, "VERSION",                                                                      \
	  "the image is older than the signed minimum version, or root and /usr are of two",       \
	  "install root and /usr of one version, not older than the UKI's minimum-version")        \
	X(REVOKED, "REVOKED",                                                                      \
	  "the image's root hash is on the signed initrd's list of revoked ones",                  \
	  "install a newer image, or a UKI without that hash (lintel initrd --revoke)")            \
	X(VERITY_UNSIGNED, "VERITY-UNSIGNED", "the verity root or /usr has no signature",          \
	  "install an image with a verity signature partition")                                    \
	X(SIG_MALFORMED, "SIG-MALFORMED", "the verity signature partition is not as DDI says",     \
	  "rebuild the signature partition with systemd-repart")                                   \
	X(SIG_MISMATCH, "SIG-MISMATCH", "the signature is for another root hash",                  \
	  "install data, verity and signature partitions of one build")                            \
	X(SIG_UNTRUSTED, "SIG-UNTRUSTED", "no trusted key made the verity signature",              \
	  "sign the image with an enrolled key, or enroll the key (UEFI db, /etc/verity.d)")       \
	X(VERITY_SUPERBLOCK, "VERITY-SUPERBLOCK", "the verity superblock is outside the profile",  \
	  "rebuild the verity partition (veritysetup format)")                                     \
	X(VERITY_CORRUPT, "VERITY-CORRUPT", "data or hash blocks do not match the root hash",      \
	  "the disk was changed or is failing: boot the other version or reinstall")               \
	X(DM_TABLE, "DM-TABLE", "the live dm table is not the one that was asked for",             \
	  "report it: kernel and lintel disagree")                                                 \
	X(LUKS_HEADER, "LUKS-HEADER", "the LUKS2 header is malformed",                             \
	  "restore it from a backup (cryptsetup luksHeaderRestore)")                               \
	X(LUKS_PROFILE, "LUKS-PROFILE", "the LUKS2 header is outside the profile",                 \
	  "the header was changed, or made with options that lintel does not accept")              \
	X(TOKEN, "TOKEN", "a LUKS2 token is malformed or needs what lintel does not do",           \
	  "enroll again (systemd-cryptenroll --wipe-slot=tpm2 --tpm2-device=auto)")                \
	X(UKI, "UKI", "a UKI is malformed or not one", "build it again (lintel uki)")              \
	X(PCR_SIGNATURE, "PCR-SIGNATURE", "no signed PCR policy of the UKI fits",                  \
	  "boot a UKI with a PCR signature by the enrolled key (ukify --pcr-private-key)")         \
	X(PCRLOCK, "PCRLOCK",                                                                      \
	  "no systemd-pcrlock policy that came with the UKI is for the volume",                    \
	  "write it to the ESP (systemd-pcrlock make-policy), or use the recovery key")            \
	X(UNSEAL, "UNSEAL", "the TPM does not release the key",                                    \
	  "boot the UKI that the disk was sealed to, or use the recovery key")                     \
	X(LOCKOUT, "LOCKOUT", "the TPM is in dictionary-attack lockout",                           \
	  "wait for the time that the message names, or use the recovery key")                     \
	X(UNLOCK, "UNLOCK", "the encrypted volume cannot be opened",                               \
	  "check the volume's key slots (cryptsetup luksDump)")                                    \
	X(CRYPTTAB, "CRYPTTAB",                                                                    \
	  "a word about encrypted volumes is malformed, unknown, or would weaken them",            \
	  "correct rd.luks.*= in the UKI's .cmdline, or the initrd's /etc/crypttab")               \
	X(KEY_WRONG, "KEY-WRONG", "no key that was typed opens the volume",                        \
	  "start again and type the PIN, passphrase or recovery key that the screen asks for")     \
	X(KEY_NONE, "KEY-NONE", "nobody typed a key in time",                                      \
	  "start again and answer the question, or set timeout= for a longer wait")                \
	X(RECOVERY, "RECOVERY", "the UKI's profile asks for recovery, not for a boot",             \
	  "choose another entry of the boot loader's to boot")                                     \
	X(DM, "DM", "device-mapper refused",                                                       \
	  "check that the initrd has dm-mod and dm-verity for this kernel")                        \
	X(FS_TYPE, "FS-TYPE", "the file system is ambiguous or not one that may hold a root",      \
	  "use erofs, squashfs, ext4, btrfs or xfs, or check rootfstype=")                         \
	X(MOUNT, "MOUNT", "a mount failed", "check the file system and its driver in the initrd")  \
	X(EXTENSION, "EXTENSION", "an extension image is malformed or not for this system",        \
	  "rebuild it for this root (extension-release, UAPI.4), or remove it from the ESP")       \
	X(INIT_MISSING, "INIT-MISSING", "the new root has no init program",                        \
	  "install an init, or correct init= in the UKI's command line")                           \
	X(HANDOVER, "HANDOVER", "the hand-over to the new root failed",                            \
	  "check that the root has /dev, /proc, /sys and /run as directories")                     \
	X(DRIVER, "DRIVER", "a kernel module that the boot needs is missing or was refused",       \
	  "rebuild the initrd with the module, for this kernel")                                   \
	X(MEASURE, "MEASURE", "the TPM did not take a measurement",                                \
	  "check the TPM; a machine that booted measured never goes on unmeasured")                \
	X(TIMEOUT, "TIMEOUT", "a step took longer than its deadline", "check the device it names") \
	X(CRASH, "CRASH", "the child that ran a step died", "report it with /run/lintel/facts")    \
	X(IO, "IO", "a device or file could not be read", "check the device it names")

enum err_code {
#define X(name, code, what, todo) E_##name,
	ERR_CODES(X)
#undef X
		E_MAX_,
};

/* Owned by the caller; set by whoever fails, wrapped by whoever passes it on. */
struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX];
};

/* Records code and text, and returns -errnum, so that `return err_set(…)` reads well. */
int err_set(struct err *err, enum err_code code, int errnum, const char *fmt, ...) _printf_(4, 5);

/* Puts "context: " before the text that is there: the text grows outward. */
void err_wrap(struct err *err, const char *fmt, ...) _printf_(2, 3);

/* "LINTEL-E-…", never NULL. */
const char *err_name(enum err_code code);
const char *err_meaning(enum err_code code);
const char *err_advice(enum err_code code);

/* The code of a name; E_MAX_ where there is no such. */
enum err_code err_from_name(const char *name);
