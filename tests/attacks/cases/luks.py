"""Attacks on an encrypted root whose token is genuine, or whose volume is the attacker's own."""

import json
import subprocess
import tempfile
from pathlib import Path

from case import BOOT, Case, Set
from mutate import Disk, edit_luks, plant_behind_luks, set_luks
from qemu import BUILD, REPO

POLICY = "root=encrypted:usr=signed+absent:=unused+absent"


def luks(name, expect, *mutations, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", mutations=mutations,
                **{"sets": (Set(layout="luks", fstype="ext4"),), "policy": POLICY, **fields})


def own_volume(disk):
    """The canary in a LUKS2 volume of the same UUID, by a passphrase that the attacker knows."""
    part = disk.table.find("root")
    uuid = disk.read(part.offset + 168, 40).rstrip(b"\0").decode()
    with tempfile.TemporaryDirectory(dir=REPO / "build/.tmp") as folder:
        key, made, volume = (Path(folder) / name for name in ("key", "disk", "volume"))
        key.write_text("known", encoding="ascii")
        subprocess.run([REPO / "images/lintel-disk", made, "--layout", "luks", "--tree",
                        BUILD / "trees/canary", "--fstype", "ext4", "--key-file", key],
                       check=True, capture_output=True)
        with Disk(made) as own:
            source = own.table.find("root")
            volume.write_bytes(own.read(source.offset, source.size))
        # a slot that opens in no time, in whatever memory
        for words in (("luksUUID", "--uuid", uuid, volume),
                      ("luksConvertKey", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file",
                       key, volume)):
            subprocess.run([REPO / "images/tree", "exec", "tools", "cryptsetup", "-q", *words],
                           check=True, capture_output=True)
        disk.write(part.offset, volume.read_bytes()[:part.size])


def slow_slot(**kdf):
    def change(area):
        area["keyslots"]["0"]["kdf"].update(kdf)
    return edit_luks(change)


def argon2(area):
    area["keyslots"]["0"]["kdf"] = {"type": "argon2id", "time": 4, "memory": 4 << 20, "cpus": 1,
                                    "salt": area["keyslots"]["0"]["kdf"]["salt"]}


def second_segment(area):
    area["segments"]["1"] = {**area["segments"]["0"], "offset": "20971520"}


def integrity(area):
    area["segments"]["0"]["integrity"] = {"type": "none", "journal_encryption": "none",
                                          "journal_integrity": "none"}


def null_segment(area):
    area["segments"]["0"]["encryption"] = "cipher_null-ecb"


def break_primary(disk):
    """The first header's checksum no longer fits: the second one counts."""
    part = disk.table.find("root")
    disk.write(part.offset + 448, b"\xff")


def many_slots(area):
    """As many slots as LUKS2 has, each as dear as it may be, all in one token."""
    slot = area["keyslots"]["0"]
    for number in range(1, 32):
        area["keyslots"][str(number)] = json.loads(json.dumps(slot))
    area["digests"]["0"]["keyslots"] = [str(number) for number in range(32)]


def argon2_with(**kdf):
    def change(area):
        argon2(area)
        area["keyslots"]["0"]["kdf"].update(kdf)
    return edit_luks(change)


CASES = [
    luks("a01-own-volume", "TOKEN", own_volume, trees=("canary",), memory=2048),
    luks("a01-own-volume-credential", "TOKEN", own_volume, trees=("canary",), memory=2048,
         smbios=("io.systemd.credential:cryptsetup.passphrase=known",), checked=False),
    luks("a01-own-volume-verity", "TOKEN", own_volume, trees=("canary",), memory=2048,
         sets=(Set("mini", layout="luks-verity"),), policy="root=signed+encrypted:=unused+absent", checked=False),
    luks("a01-plain-root", "POLICY", sets=(Set("canary", layout="plain", fstype="ext4"),), checked=False),
    luks("a11-two-segments", "LUKS-PROFILE", edit_luks(second_segment)),
    luks("a11-integrity", "LUKS-PROFILE", edit_luks(integrity), checked=False),
    luks("a11-iv-tweak", "LUKS-PROFILE", set_luks("segments", "0", "iv_tweak", value="8"),
         checked=False),
    luks("a11-sector-size", "LUKS-PROFILE", set_luks("segments", "0", "sector_size", value=8192),
         checked=False),
    luks("a12-evil-second-header", "LUKS-PROFILE", plant_behind_luks(), break_primary,
         edit_luks(null_segment, copies=(1,)), trees=("canary",)),
    luks("a15-memory", "LUKS-PROFILE", edit_luks(argon2), checked=False),
    luks("a15-iterations", "LUKS-PROFILE", slow_slot(iterations=2**31), checked=False),
    luks("a15-tebibyte", "LUKS-PROFILE", argon2_with(memory=1 << 30), checked=False),
    luks("a15-threads", "LUKS-PROFILE", argon2_with(memory=1 << 16, cpus=1 << 20), checked=False),
    luks("a15-32-slots", "LUKS-PROFILE", edit_luks(many_slots), checked=False),
    luks("a10-null-slot-and-segment", "LUKS-PROFILE", plant_behind_luks(), edit_luks(null_segment),
         set_luks("keyslots", "0", "area", "encryption", value="cipher_null-ecb"),
         trees=("canary",), checked=False),
    luks("a11-cipher-cbc", "LUKS-PROFILE",
         set_luks("segments", "0", "encryption", value="aes-cbc-plain"), checked=False),
    luks("a11-segment-linear", "LUKS-PROFILE", set_luks("segments", "0", "type", value="linear"),
         plant_behind_luks(), trees=("canary",), checked=False),
    luks("a14-reencryption-slot", "LUKS-PROFILE", set_luks("keyslots", "0", "type", value="reencrypt"),
         checked=False),
    luks("a14-backup-segment", "LUKS-PROFILE",
         set_luks("segments", "0", "flags", value=["backup-final"]), checked=False),
    luks("a17-flags-are-ignored", BOOT, set_luks("config", "flags", value=["allow-discards"])),
    luks("a36-no-tpm", "UNLOCK", has_tpm=False),
]
