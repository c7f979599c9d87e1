"""Signed verity over what a LUKS2 volume decrypts to: both are asked for, and neither takes the other's place."""

from dataclasses import replace

from case import BOOT, Case, Set
from mutate import (copy_luks_uuid, delete, edit_luks, flip, flip_payload, move_content, overwrite, put, resign,
                    sign_ciphertext)

POLICY = "root=signed+encrypted:usr=signed+absent:=unused+absent"
BOTH = "root=signed+encrypted:usr=signed+encrypted:=unused+absent"
ROOT = Set("mini", layout="luks-verity")
USR = Set("mini", layout="luks-verity", role="usr")
# another volume that the same TPM opens: what is in it would be the newer version
OTHER = Set("canary", layout="luks-verity", label="lintel_2")
FALLBACK = "lintel.on_failure=fallback"
BELOW = (r"LINTEL-TEST-DM root-crypt ro=1 CRYPT-LUKS2-", r"LINTEL-TEST-DM root ro=1 CRYPT-VERITY-",
         r"EVENT 2 pcr15 cryptsetup:root-crypt:", r"LINTEL-TEST-REPLAY agrees")
MOUNT = r"LINTEL-TEST-MOUNT / +erofs +/dev/(mapper/|dm-)\S* ro,nodev"


def case(name, expect=BOOT, *mutations, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", mutations=mutations,
                **{"sets": (ROOT,), "policy": POLICY, **fields})


def strip_tokens(area):
    area["tokens"] = {}


def only_first(*mutations):
    """The second set's volume stands where the first one's was."""
    return (move_content("root", "lintel_2", "lintel_1"), delete("root", "lintel_2"),
            delete("root-verity", "lintel_2_verity"), delete("root-verity-sig", "lintel_2_verity_sig"), *mutations)


CASES = [
    case("boot-luks-verity", sets=(Set(layout="luks-verity"),), shows=(r"LINTEL-TEST-MOUNT / +erofs ",)),
    case("boot-luks-verity-layers", shows=(*BELOW, MOUNT), hides=(r"LINTEL-TEST-KEY ",)),
    case("boot-luks-verity-usr", sets=(ROOT, USR), policy=BOTH, checked=False, hides=(r"LINTEL-TEST-KEY ",),
         shows=(*BELOW, r"LINTEL-TEST-DM usr-crypt ro=1 CRYPT-LUKS2-", r"EVENT 3 pcr15 cryptsetup:usr-crypt:",
                r"LINTEL-TEST-MOUNT /usr erofs ")),
    case("boot-luks-verity-named", cmdline="rd.luks.name={luks:root}=below rd.luks.options={luks:root}=discard rw",
         shows=(r"DM below ro=1 CRYPT-LUKS2-", r"EVENT 2 pcr15 cryptsetup:below:", MOUNT), checked=False),
    # not encrypted, and the policy allows that it were
    case("boot-verity-encrypted-too", sets=(Set("mini"),), unsealed=0, shows=(MOUNT,), checked=False),
    case("refuse-luks-verity-policy", "POLICY", policy="root=signed:usr=signed+absent:=unused+absent",
         shows=(r"is a LUKS2 volume, and the policy does not allow that: add encrypted",)),
    case("refuse-luks-verity-no-hash", "ROOT-UNPROTECTED", delete("root-verity"), checked=False),
    case("refuse-luks-verity-no-signature", "VERITY-UNSIGNED", delete("root-verity-sig"), checked=False),
    case("refuse-luks-verity-alone", "ROOT-UNPROTECTED", delete("root-verity"), delete("root-verity-sig")),
    # what was sealed is given out, and then capped: the order is that of the volume before its hash tree
    case("refuse-luks-verity-wrong-key", "SIG-UNTRUSTED", resign("wrong"), unsealed=1, checked=False),
    case("refuse-luks-verity-bit", "VERITY-CORRUPT", flip_payload("root"), unsealed=1, checked=False),
    case("refuse-luks-verity-bits", "VERITY-CORRUPT", flip_payload("root", 4096, step=4096), unsealed=1,
         checked=False),
    case("refuse-luks-verity-superblock", "VERITY-SUPERBLOCK", flip("root-verity", 0x20), unsealed=1, checked=False),
    case("refuse-luks-verity-tree", "VERITY-SUPERBLOCK", overwrite("root-verity"), unsealed=1, checked=False),
    case("refuse-luks-verity-ciphertext", "VERITY-SUPERBLOCK", sign_ciphertext("lintel_1"), unsealed=1,
         shows=("the hash tree has to be over what root-crypt decrypts to",), checked=False),
    # a volume that opens, with data that nobody signed
    case("refuse-luks-verity-other-data", "VERITY-CORRUPT", *only_first(), sets=(ROOT, OTHER), unsealed=1,
         trees=("canary",)),
    # what the probe sees first is no proof: neither that it is a volume, nor that it is none
    case("refuse-luks-verity-magic", "LUKS-PROFILE", put("root", 0, b"LUKS\xba\xbe\0\2"), sets=(Set("mini"),),
         unsealed=0, checked=False),
    case("refuse-luks-verity-no-magic", "VERITY-CORRUPT", put("root", 0, bytes(8)), unsealed=0, checked=False),
    # fallback: the older one's key is found before the newest one's is measured, or not at all
    case("fallback-luks-verity", BOOT, flip_payload("root", label="lintel_2"), sets=(ROOT, OTHER), trees=("canary",),
         cmdline=FALLBACK, hides=(r"LINTEL-TEST-KEY ", r"LINTEL-TEST-DM root-crypt "),
         shows=(r"LINTEL-TEST-DM root-crypt-2 ro=1 CRYPT-LUKS2-", r"LINTEL-TEST-DM root ro=1 CRYPT-VERITY-",
                r"EVENT 3 pcr15 cryptsetup:root-crypt-2:", r"LINTEL-TEST-REPLAY agrees", MOUNT)),
    case("fallback-luks-verity-mount", BOOT, flip_payload("root", 4096, "lintel_2", step=4096), sets=(ROOT, OTHER),
         trees=("canary",), cmdline=FALLBACK, hides=(r"LINTEL-TEST-KEY ", r"LINTEL-TEST-DM root-crypt "),
         shows=(r"LINTEL-TEST-DM root-crypt-2 ro=1 CRYPT-LUKS2-", MOUNT), checked=False),
    case("fallback-luks-verity-unused", sets=(replace(OTHER, label="lintel_0"), ROOT), trees=("canary",),
         cmdline=FALLBACK, hides=(r"LINTEL-TEST-KEY ", r"LINTEL-TEST-DM root-crypt-2 "),
         shows=(*BELOW, r"EVENT 3 pcr15 cryptsetup:root-crypt-2:"), checked=False),
    case("fallback-luks-verity-no-key", BOOT, edit_luks(strip_tokens), sets=(replace(OTHER, label="lintel_0"), ROOT),
         trees=("canary",), cmdline=FALLBACK, unsealed=1, shows=(*BELOW, r"key:root-crypt-2: failed"), checked=False),
    # the older one's key has the name of the newest one's in the keyring: it is not found, and harms nothing
    case("fallback-luks-verity-same-uuid", BOOT, copy_luks_uuid("lintel_1", "lintel_0"),
         sets=(replace(OTHER, label="lintel_0"), ROOT), trees=("canary",), cmdline=FALLBACK, unsealed=1,
         shows=(*BELOW, r"key:root-crypt-2: failed.*another volume of UUID"), hides=(r"LINTEL-TEST-KEY ",),
         checked=False),
    case("fallback-luks-verity-none", "VERITY-CORRUPT", edit_luks(strip_tokens), flip_payload("root", label="lintel_1"),
         sets=(replace(OTHER, label="lintel_0"), ROOT), trees=("canary",), cmdline=FALLBACK, unsealed=1,
         shows=("no older version may take its place",), checked=False),
    case("refuse-luks-verity-no-token", "TOKEN", edit_luks(strip_tokens), checked=False),
    case("refuse-luks-verity-other-tpm", "UNSEAL", other_tpm=True, checked=False),
]
