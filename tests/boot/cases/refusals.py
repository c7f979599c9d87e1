"""Disks that were tampered with: each is refused with its code, and nothing of it runs."""

from case import Case, Clone, Set
from mutate import (break_both_tables, delete, duplicate, edit, edit_signature, flip,
                    flip_everywhere, move_content, new_disk_uuid, overwrite, resign)


def refuse(name, code, *mutations, **fields):
    """Through firmware, unless the case says direct: then the signed line has to name the root."""
    if fields.get("firmware") == "direct":
        fields.setdefault("cmdline", "root=PARTLABEL=lintel_1")
    return Case(f"refuse-{name}", f"LINTEL-E-{code}", mutations=mutations, **fields)


def direct(name, code, *mutations, **fields):
    return refuse(name, code, *mutations, firmware="direct", **fields)


USR = Set(layout="usr")
TMPFS = {"cmdline": "root=tmpfs mount.usr=PARTLABEL=lintel_1"}

CASES = [
    direct("superblock-bit", "VERITY-SUPERBLOCK", flip("root-verity", 0x20)),
    direct("hash-tree-bits", "VERITY-CORRUPT", flip_everywhere("root-verity")),
    direct("data-bits", "VERITY-CORRUPT", flip_everywhere("root")),
    direct("data-first-bit", "VERITY-CORRUPT", flip("root", 0)),
    direct("signature-zeroed", "SIG-MALFORMED", overwrite("root-verity-sig")),
    direct("signature-not-der", "SIG-MALFORMED", edit_signature(signature="AAAA")),
    refuse("signature-by-wrong-key", "SIG-UNTRUSTED", resign("wrong")),
    direct("signature-by-wrong-key-direct", "SIG-UNTRUSTED", resign("wrong")),
    direct("signature-of-other-hash", "SIG-MISMATCH", resign("secureboot", "00" * 32)),
    refuse("signature-missing", "VERITY-UNSIGNED", delete("root-verity-sig"), checked=False),
    direct("signature-partition-missing", "VERITY-UNSIGNED", delete("root-verity-sig")),
    direct("verity-missing", "ROOT-UNPROTECTED", delete("root-verity")),
    refuse("plain-root", "ROOT-UNPROTECTED", sets=(Set("canary", layout="plain"),), checked=False),
    direct("plain-root-direct", "ROOT-UNPROTECTED", sets=(Set("canary", layout="plain"),)),
    direct("unsigned-verity", "VERITY-UNSIGNED", sets=(Set("canary", sign=None),)),
    refuse("no-root", "ROOT-MISSING", edit("root", type="swap"), edit("root-verity", type="swap"),
           edit("root-verity-sig", type="swap")),
    refuse("two-same-versions", "ROOT-AMBIGUOUS",
           sets=(Set(), Set("canary", label="lintel_01"))),
    direct("two-same-uuids", "GPT", duplicate("root"),
           cmdline="root=PARTLABEL=lintel_1 lintel.timeout=5"),
    direct("tables-broken", "GPT", break_both_tables,
           cmdline="root=PARTLABEL=lintel_1 lintel.timeout=5"),
    direct("no-boot-disk", "BOOTDISK-UNSET", cmdline="quiet"),
    refuse("boot-disk-without-driver", "BOOTDISK-MISSING",
           cmdline="modprobe.blacklist=virtio_blk lintel.timeout=5"),
    direct("signature-of-other-image", "SIG-MISMATCH",
           move_content("root-verity-sig", "lintel_2_verity_sig", "lintel_1_verity_sig"),
           delete("root", "lintel_2"), delete("root-verity", "lintel_2_verity"),
           delete("root-verity-sig", "lintel_2_verity_sig"), sets=(Set(), Set("canary", label="lintel_2"))),
    direct("usr-data-bits", "VERITY-CORRUPT", flip_everywhere("usr"), sets=(USR,), **TMPFS),
    direct("usr-signature-by-wrong-key", "SIG-UNTRUSTED", resign("wrong", kind="usr"),
           sets=(USR,), **TMPFS),
    direct("usr-unsigned", "VERITY-UNSIGNED", delete("usr-verity-sig"), sets=(USR,), **TMPFS),
    direct("other-file-system-label", "ROOT-MISSING", cmdline="root=LABEL=other"),
    direct("other-verity-data", "ROOT-MISSING", cmdline="root=PARTLABEL=lintel_1 lintel.timeout=5 "
           "systemd.verity_root_data=PARTLABEL=lintel_1_verity"),
    refuse("cloned-disk", "BOOTDISK-AMBIGUOUS", clones=(Clone(),)),
    refuse("cloned-disk-first", "BOOTDISK-AMBIGUOUS", clones=(Clone(first=True),), checked=False),
    refuse("cloned-disk-other-bus", "BOOTDISK-AMBIGUOUS", bus="virtio-scsi",
           clones=(Clone("virtio-scsi", mutations=(new_disk_uuid,)),), checked=False),
    direct("cloned-disk-hot", "ROOT-AMBIGUOUS", clones=(Clone(hot=True), Clone(hot=True)),
           without_disk=True, plug_at="coldplug: done"),
]
