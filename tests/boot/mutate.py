"""What the boot tests do to disks. Each function returns a mutation: a function of a Disk."""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

from qemu import BUILD, REPO

sys.path.insert(0, str(REPO / "images"))
from lintel_images import gpt  # noqa: E402

KEYS = BUILD / "keys"


class Disk:
    """An image and its partition table; `file` is open for reading and writing."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "r+b")
        self.table = gpt.read(self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def read(self, offset, size):
        self.file.seek(offset)
        return self.file.read(size)

    def write(self, offset, data):
        self.file.seek(offset)
        self.file.write(data)

    def save_table(self):
        self.table.write(self.file)


def mutate(path, mutations):
    for mutation in mutations:
        with Disk(path) as disk:
            mutation(disk)


def xor(disk, offset, mask=1):
    disk.write(offset, bytes([disk.read(offset, 1)[0] ^ mask]))


def flip(role, at=0, label=None):
    """Flips one bit of a partition, `at` bytes from its start (negative: from its end)."""
    def change(disk):
        part = disk.table.find(role, label)
        xor(disk, part.offset + at % part.size)
    return change


def payload(disk, part):
    """Where the data of a LUKS2 volume begin, in bytes from the partition's start."""
    size = int.from_bytes(disk.read(part.offset + 8, 8), "big")
    area = json.loads(disk.read(part.offset + 4096, size - 4096).rstrip(b"\0"))
    return int(area["segments"]["0"]["offset"])


def flip_payload(role, at=0, label=None, step=0):
    """Flips one bit of a LUKS2 volume's ciphertext, `at` bytes from its start; with `step`, of each from there."""
    def change(disk):
        part = disk.table.find(role, label)
        start = payload(disk, part) + at
        for offset in range(start, part.size if step else start + 1, step or 1):
            xor(disk, part.offset + offset)
    return change


def sign_ciphertext(label):
    """Makes the hash tree over the volume, and not over what it decrypts to: as systemd-repart 262 does it."""
    def change(disk):
        part = disk.table.find("root", label)
        with tempfile.TemporaryDirectory(dir=BUILD / ".tmp") as folder:
            volume, made = Path(folder, "volume"), Path(folder, "disk")
            volume.write_bytes(disk.read(part.offset, part.size))
            subprocess.run([REPO / "images/lintel-disk", made, "--layout", "verity", "--image", volume, "--label", label,
                            "--key", KEYS / "secureboot.key", "--cert", KEYS / "secureboot.crt"], check=True,
                           capture_output=True)
            with Disk(made) as other:
                for source in other.table.partitions:
                    old = disk.table.find(source.role)
                    disk.write(old.offset, other.read(source.offset, source.size))
                    edit(source.role, uuid=str(source.uuid))(disk)
    return change


def flip_everywhere(role, step=4096, label=None, keep=0):
    """
    Flips one bit in each block of a partition but the first and, at its end, `keep` bytes: whatever
    is read there is wrong.
    """
    def change(disk):
        part = disk.table.find(role, label)
        for at in range(step, part.size - keep, step):
            xor(disk, part.offset + at)
    return change


def flip_text(role, text, label=None):
    """Flips one bit of each place where a text stands."""
    def change(disk):
        part = disk.table.find(role, label)
        data, at = disk.read(part.offset, part.size), -1
        if text not in data:
            raise LookupError(f"{role}: no {text!r}")
        while (at := data.find(text, at + 1)) >= 0:
            xor(disk, part.offset + at)
    return change


def overwrite(role, data=b"\0", label=None):
    """Fills a partition by repeating `data`."""
    def change(disk):
        part = disk.table.find(role, label)
        disk.write(part.offset, (data * (part.size // len(data) + 1))[:part.size])
    return change


def put(role, at, data, label=None):
    def change(disk):
        disk.write(disk.table.find(role, label).offset + at, data)
    return change


def delete(role, label=None):
    def change(disk):
        disk.table.partitions.remove(disk.table.find(role, label))
        disk.save_table()
    return change


def edit(role, label=None, **fields):
    """Changes fields of a row: type (a role or UUID), uuid, label_to, attributes, first, last."""
    def change(disk):
        values = dict(fields)
        if "type" in values:
            values["type"] = uuid.UUID(gpt.TYPES.get(values["type"], values["type"]))
        if "uuid" in values:
            values["uuid"] = uuid.UUID(values["uuid"])
        if "label_to" in values:
            values["label"] = values.pop("label_to")
        rows = disk.table.partitions
        index = rows.index(disk.table.find(role, label))
        rows[index] = replace(rows[index], **values)
        disk.save_table()
    return change


def duplicate(role, label=None, **fields):
    """Adds a copy of a partition, content and row; `fields` differ as in edit()."""
    def change(disk):
        part = disk.table.find(role, label)
        data = disk.read(part.offset, part.size)
        copy = disk.table.append(part.type, part.uuid, part.size, part.label, part.attributes)
        disk.save_table()
        disk.write(copy.offset, data)
        if fields:
            disk.table.partitions.remove(copy)
            disk.table.partitions.append(copy)
            marked = replace(copy, label="\ufffd")
            disk.table.partitions[-1] = marked
            disk.save_table()
            edit(role, "\ufffd", **{"label_to": part.label, **fields})(disk)
    return change


def hibernate(disk):
    """A swap partition as a kernel leaves it whose memory lies in it (kernel/power/swap.c, swsusp_header)."""
    part = disk.table.append(uuid.UUID(gpt.TYPES["swap"]), uuid.uuid4(), 16 << 20, "swap")
    disk.save_table()
    disk.write(part.offset + 4096 - 20, b"SWAPSPACE2S1SUSPEND\0")


def swap_content(role, one, other):
    """Exchanges the bytes of two partitions of one role, the way an attacker mixes versions."""
    def change(disk):
        a, b = disk.table.find(role, one), disk.table.find(role, other)
        size = min(a.size, b.size)
        left, right = disk.read(a.offset, size), disk.read(b.offset, size)
        disk.write(a.offset, right)
        disk.write(b.offset, left)
    return change


def move_content(role, source, target):
    """Copies the bytes of the partition labelled `source` over the one labelled `target`."""
    def change(disk):
        a, b = disk.table.find(role, source), disk.table.find(role, target)
        disk.write(b.offset, disk.read(a.offset, min(a.size, b.size)))
    return change


def reverse_rows(disk):
    """Turns the order of the partitions around."""
    disk.table.partitions.reverse()
    disk.save_table()


def new_disk_uuid(disk):
    disk.table.disk = uuid.UUID(int=disk.table.disk.int ^ 1)
    disk.save_table()


def break_header(disk):
    """Makes the checksum of the primary header wrong; the backup stays good."""
    xor(disk, gpt.SECTOR + 16)


def break_rows(disk):
    """Changes a bit of the primary rows and leaves their checksum."""
    xor(disk, 2 * gpt.SECTOR + 56)


def break_both_tables(disk):
    end = disk.file.seek(0, 2)
    xor(disk, gpt.SECTOR + 16)
    xor(disk, end - gpt.SECTOR + 16)


def root_hash(table, kind, label=None):
    """What systemd-repart put into the partition UUIDs."""
    data = table.find(kind, label)
    tree = table.find(f"{kind}-verity", label and f"{label}_verity")
    return data.uuid.hex + tree.uuid.hex


def sign_hash(text, key):
    """A signature partition's content: `key` of build/keys signs `text` as systemd-repart would."""
    certificate = KEYS / f"{key}.crt"
    signature = subprocess.run(
        ["openssl", "smime", "-sign", "-binary", "-nocerts", "-noattr", "-outform", "DER",
         "-in", "/dev/stdin", "-inkey", KEYS / f"{key}.key", "-signer", certificate],
        input=text.encode(), capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    return json.dumps({"rootHash": text, "certificateFingerprint": hashlib.sha256(der).hexdigest(),
                       "signature": base64.b64encode(signature).decode()}).encode()


def resign(key="wrong", text=None, kind="root", label=None):
    """Replaces the signature: by another key, or over another text than the root hash."""
    def change(disk):
        part = disk.table.find(f"{kind}-verity-sig", label and f"{label}_verity_sig")
        data = sign_hash(text or root_hash(disk.table, kind, label), key)
        disk.write(part.offset, data.ljust(part.size, b"\0"))
    return change


def read_signature(disk, kind="root", label=None):
    """The signature partition, and its JSON."""
    part = disk.table.find(f"{kind}-verity-sig", label and f"{label}_verity_sig")
    return part, json.loads(disk.read(part.offset, part.size).rstrip(b"\0"))


def edit_signature(kind="root", label=None, **fields):
    """Changes fields of the signature's JSON; a field set to None is taken out."""
    def change(disk):
        part, old = read_signature(disk, kind, label)
        new = {name: value for name, value in (old | fields).items() if value is not None}
        disk.write(part.offset, json.dumps(new).encode().ljust(part.size, b"\0"))
    return change


def plant(role, image, label=None):
    """Writes the bytes of a file (an attacker's file system) over a partition."""
    def change(disk):
        part = disk.table.find(role, label)
        disk.write(part.offset, Path(image).read_bytes()[:part.size])
    return change


LUKS_CHECKSUM = slice(448, 512)


def edit_luks(change_json, kind="root", copies=(0, 1)):
    """Passes the LUKS2 header's JSON through a function, with good checksums in both copies."""
    def change(disk):
        part = disk.table.find(kind)
        size = int.from_bytes(disk.read(part.offset + 8, 8), "big")
        for copy in copies:
            at = part.offset + copy * size
            header = bytearray(disk.read(at, size))
            area = json.loads(header[4096:].rstrip(b"\0"))
            change_json(area)
            text = json.dumps(area, separators=(",", ":")).encode()
            header[4096:] = text.ljust(size - 4096, b"\0")
            header[LUKS_CHECKSUM] = bytes(64)
            header[448:480] = hashlib.sha256(header).digest()
            disk.write(at, header)
    return change


def copy_luks_uuid(source, target, kind="root"):
    """The LUKS2 header of the set labelled `target` gets the UUID of `source`'s, in both copies."""
    def change(disk):
        uuid = disk.read(disk.table.find(kind, source).offset + 168, 40)
        part = disk.table.find(kind, target)
        size = int.from_bytes(disk.read(part.offset + 8, 8), "big")
        for at in (part.offset, part.offset + size):
            header = bytearray(disk.read(at, size))
            header[168:208] = uuid
            header[LUKS_CHECKSUM] = bytes(64)
            header[448:480] = hashlib.sha256(header).digest()
            disk.write(at, header)
    return change


def set_luks(*path, value):
    """Sets one member of the LUKS2 header's JSON."""
    def change_json(area):
        for key in path[:-1]:
            area = area[key]
        area[path[-1]] = value
    return edit_luks(change_json)


def plant_behind_luks(kind="root"):
    """Lays the canary's root, unencrypted, where the LUKS2 header says that the data is."""
    def change(disk):
        part = disk.table.find(kind)
        offset = payload(disk, part)
        with tempfile.NamedTemporaryFile(suffix=".ext4") as image:
            subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d",
                            BUILD / "trees/canary", image.name, "32M"], check=True,
                           capture_output=True)
            disk.write(part.offset + offset, Path(image.name).read_bytes())
    return change
