"""Encrypted roots: what the TPM of the machine sealed opens, and nothing else."""

from case import BOOT, Case, Set
from mutate import edit_luks, plant_behind_luks, set_luks

ROOT = Set(layout="luks", fstype="ext4")
POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
MOUNT = r"LINTEL-TEST-MOUNT / +ext4 +/dev/(mapper/|dm-)"


def luks(name, expect=BOOT, *mutations, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", mutations=mutations,
                **{"sets": (ROOT,), "policy": POLICY, **fields})


def strip_tokens(area):
    area["tokens"] = {}


CASES = [
    luks("boot-luks", shows=(MOUNT,)),
    # its opposite is shell-appended-word
    luks("boot-luks-literal-pcr", sets=(Set("mini", layout="luks", fstype="ext4", pcrs="12"),),
         shows=(r"LINTEL-TEST-DM root ",), checked=False),
    # a build that is broken on purpose: it boots, and the order's check must say what is wrong
    luks("boot-luks-late", late=True, checked=False,
         caught="a mapped device was there before PCR 15 was extended"),
    luks("refuse-luks-other-tpm", "UNSEAL", other_tpm=True),
    luks("refuse-luks-other-pcr-key", "PCR-SIGNATURE", pcr_key="wrong"),
    luks("refuse-luks-no-pcr-signature", "PCR-SIGNATURE", pcr_key=""),
    luks("refuse-luks-without-policy", "ROOT-UNPROTECTED", policy=""),
    luks("refuse-luks-no-token", "TOKEN", edit_luks(strip_tokens)),
    # A11: the genuine token, and a segment that decrypts nothing
    luks("refuse-luks-null-cipher", "LUKS-PROFILE", plant_behind_luks(),
         set_luks("segments", "0", "encryption", value="cipher_null-ecb"), trees=("canary",)),
    luks("refuse-luks-null-keyslot", "LUKS-PROFILE",
         set_luks("keyslots", "0", "area", "encryption", value="cipher_null-ecb"), checked=False),
    luks("refuse-luks-payload-moved", "LUKS-PROFILE",
         set_luks("segments", "0", "offset", value="4096"), checked=False),
    luks("refuse-luks-requirement", "LUKS-PROFILE",
         set_luks("config", "requirements", value={"mandatory": ["online-reencrypt-v2"]}), checked=False),
    # A37: what is sealed to one bank is not opened by another
    luks("refuse-luks-sha1-only", "UNSEAL", tpm="sha1", shows=("PCR 11 has no active bank sha256",),
         checked=False),
    luks("boot-luks-three-banks", tpm="sha1,sha256,sha384", shows=(MOUNT,), checked=False),
    luks("refuse-luks-tpm-1.2", "UNLOCK", tpm="1.2", other_tpm=True, checked=False),
]
