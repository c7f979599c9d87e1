"""Attacks on the disk of a verified root: its table, its versions, its superblock, its signature
(threats A07, A08, A19 to A21, A43, A44). They boot direct where the firmware has no part in it."""

import base64
import json

from case import BOOT, Case, Set
from mutate import (delete, duplicate, edit, edit_signature, overwrite, put, read_signature,
                    reverse_rows, sign_hash, swap_content)

ROOT = (Set(),)
DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1 lintel.timeout=5"}
USR = {"cmdline": "root=tmpfs mount.usr=PARTLABEL=lintel_1 lintel.timeout=5"}
# No word names a version: the newest one counts, on the disk that the firmware booted.
NEWEST = {"firmware": "secureboot", "cmdline": ""}


# In `make check` beside all refusals of the usual machine, of which each is some seconds; all are in `make attack`.
CHECKED = ("a07-data-swapped", "a07-signature-twice", "a19-fingerprint-of-the-right-key")


def disk(name, code, *mutations, **fields):
    return Case(name, code if code == BOOT else f"LINTEL-E-{code}", mutations=mutations,
                checked=name in CHECKED or (code != BOOT and not fields), **{"sets": ROOT, **DIRECT, **fields})


def superblock(name, at, data, code="VERITY-SUPERBLOCK"):
    """Overwrites a field of the verity superblock (cryptsetup, lib/verity/verity.c)."""
    return disk(f"a21-{name}", code, put("root-verity", at, data))


def begin_behind_end(target):
    edit("root-verity", first=target.table.find("root-verity").first + (1 << 30))(target)


def overlap(target):
    """The hash partition begins within the data partition."""
    data = target.table.find("root")
    edit("root-verity", first=data.last - 7)(target)


def raw_signature(text):
    return overwrite("root-verity-sig", text.ljust(16384, b"\0"))


def cut_signature(target):
    """Half of a good PKCS#7."""
    value = read_signature(target)[1]["signature"]
    edit_signature(signature=value[:len(value) // 8 * 4])(target)


def forge(target):
    """The wrong key, under the right key's fingerprint: a fingerprint proves nothing."""
    new = json.loads(sign_hash(read_signature(target)[1]["rootHash"], "wrong"))
    edit_signature(signature=new["signature"])(target)


def sign_more(target):
    """The right key's signature, over the root hash and a line's end."""
    new = json.loads(sign_hash(read_signature(target)[1]["rootHash"] + "\n", "secureboot"))
    edit_signature(signature=new["signature"])(target)


def bytes_behind(target):
    """A good PKCS#7 with four bytes more."""
    value = read_signature(target)[1]["signature"]
    edit_signature(signature=base64.b64encode(base64.b64decode(value) + b"evil").decode())(target)


def nilfs_tail(target):
    """A second superblock of nilfs2 in the last sectors steals an ambiguous probe's answer."""
    part = target.table.find("root")
    put("root", part.size - 4096 + 6, b"\x34\x34")(target)


def zfs_labels(target):
    part = target.table.find("root")
    for at in range(part.size - (256 << 10), part.size, 1024):
        put("root", at, (0x00bab10c).to_bytes(8, "little"))(target)


CASES = [
    # A07: which of several versions; what belongs together is told by the root hash alone, so signatures that
    # changed places and a copy of the data under another UUID are in nobody's way
    disk("a07-data-swapped", "VERITY-CORRUPT", swap_content("root", "lintel_1", "lintel_2"),
         sets=(Set(), Set("canary", label="lintel_2")), **NEWEST),
    disk("a07-tree-swapped", "VERITY-CORRUPT",
         swap_content("root-verity", "lintel_1_verity", "lintel_2_verity"),
         sets=(Set("canary"), Set(label="lintel_2")), **NEWEST),
    disk("a07-signatures-swapped", BOOT,
         swap_content("root-verity-sig", "lintel_1_verity_sig", "lintel_2_verity_sig"),
         sets=(Set("canary"), Set(label="lintel_2")), **NEWEST),
    disk("a07-newest-unsigned", BOOT, sets=(Set(), Set("canary", label="lintel_2", sign=None)),
         **NEWEST),
    disk("a07-newest-plain", BOOT, sets=(Set(), Set("canary", label="lintel_2", layout="plain")),
         **NEWEST),
    disk("a07-rows-reversed", BOOT, reverse_rows, sets=(Set("canary"), Set(label="lintel_2")),
         **NEWEST),
    disk("a07-data-twice", BOOT,
         duplicate("root", uuid="8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8"), **NEWEST),
    disk("a07-signature-twice", "ROOT-AMBIGUOUS",
         duplicate("root-verity-sig", uuid="8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8"), **NEWEST),
    # A08: another role than the one that was signed for
    disk("a08-root-as-usr", "ROOT-MISSING", edit("root", type="usr"),
         edit("root-verity", type="usr-verity"), edit("root-verity-sig", type="usr-verity-sig")),
    disk("a08-usr-as-root", "HANDOVER", edit("usr", type="root"),
         edit("usr-verity", type="root-verity"), edit("usr-verity-sig", type="root-verity-sig"),
         sets=(Set(layout="usr"),)),
    disk("a08-data-and-tree-exchanged", "SIG-MISMATCH", edit("root", type="swap"),
         edit("root-verity", type="root", label_to="lintel_1"),
         edit("swap", type="root-verity", label_to="lintel_1_verity")),
    # A19: a signature that is not one
    disk("a19-truncated", "SIG-MALFORMED", cut_signature),
    disk("a19-empty", "SIG-MALFORMED", raw_signature(b'{"rootHash":"","signature":""}')),
    disk("a19-no-hash", "SIG-MALFORMED", edit_signature(rootHash=None)),
    disk("a19-hash-in-capitals", "SIG-MALFORMED", edit_signature(rootHash="AB" * 32)),
    disk("a19-no-signature", "SIG-MALFORMED", edit_signature(signature=None)),
    disk("a19-fingerprint-of-the-right-key", "SIG-UNTRUSTED", forge),
    disk("a19-deep-json", "SIG-MALFORMED", raw_signature(b'{"rootHash":' + b"[" * 4000)),
    disk("a19-not-json", "SIG-MALFORMED", raw_signature(b"\x30\x82\x05\x00" * 100)),
    disk("a19-signature-of-a-longer-text", "SIG-UNTRUSTED", sign_more),
    disk("a19-bytes-behind", "SIG-MALFORMED", bytes_behind),
    disk("a19-not-base64", "SIG-MALFORMED", edit_signature(signature="!" * 400)),
    disk("a19-huge-hash", "SIG-MALFORMED", edit_signature(rootHash="ab" * 9000)),
    # no key, no fingerprint: it says nothing that anybody asks for
    disk("a19-fingerprint-of-nobody", BOOT, edit_signature(certificateFingerprint="00" * 32)),
    # A20: the same data with no verity at all
    disk("a20-tree-zeroed", "VERITY-SUPERBLOCK", overwrite("root-verity")),
    disk("a20-tree-of-other-type", "ROOT-UNPROTECTED", edit("root-verity", type="swap")),
    disk("a20-all-but-data", "ROOT-UNPROTECTED", delete("root-verity"), delete("root-verity-sig")),
    disk("a20-signature-of-other-type", "VERITY-UNSIGNED", edit("root-verity-sig", type="swap")),
    disk("a20-data-of-other-type", "ROOT-MISSING", edit("root", type="swap")),
    disk("a20-usr-tree-missing", "ROOT-UNPROTECTED", delete("usr-verity"),
         sets=(Set(layout="usr"),), **USR),
    # A21: every field of the superblock
    superblock("magic", 0, b"VERITY"),
    superblock("version", 8, b"\2"),
    superblock("hash-type", 12, b"\0"),
    # no key, no size: nothing is done with it
    superblock("uuid", 16, b"\xff" * 16, code=BOOT),
    superblock("algorithm", 32, b"sha1\0\0"),
    superblock("algorithm-crc", 32, b"crc32\0"),
    superblock("data-block-size", 64, (1 << 20).to_bytes(4, "little")),
    superblock("hash-block-size", 68, (3000).to_bytes(4, "little")),
    superblock("data-blocks-0", 72, bytes(8)),
    superblock("data-blocks-huge", 72, b"\xff" * 8),
    superblock("salt-size", 80, (300).to_bytes(2, "little")),
    superblock("no-salt", 80, bytes(2)),
    superblock("other-digest", 32, b"sha512\0"),
    superblock("salt", 88, b"\xa5" * 8, code="VERITY-CORRUPT"),
    # A43: rows that no honest tool writes, under good checksums
    disk("a43-overlap", "GPT", overlap),
    disk("a43-first-behind-last", "GPT", begin_behind_end),
    disk("a43-table-within-a-partition", "GPT", edit("root", first=1)),
    # A44: what another file system's probe would find
    disk("a44-nilfs-tail", "VERITY-CORRUPT", nilfs_tail),
    disk("a44-zfs-labels", "VERITY-CORRUPT", zfs_labels),
    disk("a44-luks-header", "POLICY", put("root", 0, b"LUKS\xba\xbe\0\2")),
]
