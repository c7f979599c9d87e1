"""Encrypted roots: what the TPM of the machine sealed opens, and nothing else."""

from case import BOOT, Case, Extra, Set, service
from mutate import edit_luks, plant_behind_luks, set_luks

ROOT = Set(layout="luks", fstype="ext4")
LOCKED = (Set("mini", layout="luks", fstype="ext4", locked=True),)
POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
MOUNT = r"LINTEL-TEST-MOUNT / +ext4 +/dev/(mapper/|dm-)"


# The host's own tools read what lintel wrote into /run/log/systemd/tpm2-measure.log, and then a log in which
# digits of the first record, which is of PCR 11, are exchanged. Rows: PCR, whether what is in it comes of the log
# (not 10: the kernel has a list of its own for IMA).
READER = """#!/bin/sh
exec > /dev/ttyS0 2>&1
export SYSTEMD_COLORS=0 SYSTEMD_PAGER=
lock=/usr/lib/systemd/systemd-pcrlock
rows() {
	$lock --json=short log 2>/dev/null | tr '{' '\\n' |
		sed -nE 's/^"pcr":([0-9]+),.*"hashMatchesEventLog":([a-z]+).*/\\1 \\2/p' | sed "s|^|LINTEL-TEST-$1 |"
}
echo
systemd-analyze pcrs | sed 's|^|LINTEL-TEST-PCRS |'
rows LOG
$lock --json=short cel 2>/dev/null | grep -o '"string":"[^"]*' | sed 's|^"string":"|LINTEL-TEST-CEL |'
log=/run/log/systemd/tpm2-measure.log
sed -E '1s/"digest":"(.)(.)/"digest":"\\2\\1/g' $log > /run/doctored
cmp $log /run/doctored && echo LINTEL-TEST-SAME
export SYSTEMD_MEASURE_LOG_USERSPACE=/run/doctored
rows DOCTORED
"""
TOOLS = Extra("tools.sysext.raw", files=service("tools", READER, "systemd-sysext.service systemd-pcrphase.service"))


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
    luks("boot-luks-measure-log", extra=(TOOLS,), timeout=400, checked=False, shows=(
        MOUNT, r"LINTEL-TEST-PCRS +15 +system-identity +[0-9a-f]{64}", "LINTEL-TEST-LOG 11 true", "LINTEL-TEST-LOG 15 true",
        r"LINTEL-TEST-CEL cryptsetup:root:", "LINTEL-TEST-DOCTORED 11 false", "LINTEL-TEST-DOCTORED 15 true"),
         hides=(r"LINTEL-TEST-LOG (?!10 )\d+ false", "LINTEL-TEST-SAME", r"LINTEL-TEST-PCRS +1[15] .* 0{64}")),
    luks("refuse-luks-other-tpm", "UNSEAL", other_tpm=True),
    luks("refuse-luks-other-pcr-key", "PCR-SIGNATURE", pcr_key="wrong"),
    luks("refuse-luks-no-pcr-signature", "PCR-SIGNATURE", pcr_key=""),
    luks("refuse-luks-without-policy", "ROOT-UNPROTECTED", policy=""),
    luks("refuse-luks-no-token", "TOKEN", edit_luks(strip_tokens), checked=False),
    # A11: the genuine token, and a segment that decrypts nothing
    luks("refuse-luks-null-cipher", "LUKS-PROFILE", plant_behind_luks(),
         set_luks("segments", "0", "encryption", value="cipher_null-ecb"), trees=("canary",)),
    luks("refuse-luks-null-keyslot", "LUKS-PROFILE",
         set_luks("keyslots", "0", "area", "encryption", value="cipher_null-ecb"), checked=False),
    luks("refuse-luks-payload-moved", "LUKS-PROFILE",
         set_luks("segments", "0", "offset", value="4096"), checked=False),
    luks("refuse-luks-requirement", "LUKS-PROFILE",
         set_luks("config", "requirements", value={"mandatory": ["online-reencrypt-v2"]}), checked=False),
    # A15: the token's slot asks for eight times the memory that there is
    luks("refuse-luks-kdf-bomb", "LUKS-PROFILE", set_luks("keyslots", "0", "kdf", value={
        "type": "argon2id", "time": 4, "memory": 4 << 20, "cpus": 4, "salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ="}),
         shows=(r"keyslots\.0\.kdf\.memory is 4194304, not \d+ to [12]\d{5}$",), hides=("Out of memory", "oom-kill"), checked=False),
    # A37: what is sealed to one bank is not opened by another
    luks("refuse-luks-sha1-only", "UNSEAL", tpm="sha1", shows=("PCR 11 has no active bank sha256",),
         checked=False),
    luks("boot-luks-three-banks", tpm="sha1,sha256,sha384", shows=(MOUNT,), checked=False),
    # the UKI's PCR 11 as systemd-pcrlock predicts it, approved by the TPM's NV index
    luks("boot-luks-pcrlock", sets=LOCKED, pcrlock="this", shows=(r"LINTEL-TEST-DM root ",), checked=False),
    luks("refuse-luks-pcrlock-other-uki", "UNSEAL", sets=LOCKED, pcrlock="other", checked=False,
         shows=(r"pcrlock\.lintel allows other values of PCRs \(sha256\), which now are 11=[0-9a-f]{16}[^0-9]",)),
    luks("refuse-luks-pcrlock-missing", "PCRLOCK", sets=LOCKED, checked=False,
         shows=("no pcrlock policy came for this volume",)),
    luks("refuse-luks-tpm-1.2", "UNLOCK", tpm="1.2", other_tpm=True, checked=False),
]
