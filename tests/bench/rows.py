"""What is booted: one disk for a row, and with what words each contender finds the root on it."""

import base64
import contextlib
import json
import shutil
import struct
import sys
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from common import BENCH, BUILD, REPO, compile_static, die, run

sys.path.insert(1, str(REPO / "tests/boot"))

from lintel_images import gpt  # noqa: E402
from qemu import FIRMWARE, VARIABLES, host_tpm, start_tpm  # noqa: E402

HERE = Path(__file__).resolve().parent
VIRTIO = "virtio_pci virtio_blk"
# What dm-crypt and a key slot need: the kernel asks modprobe for them, where there is one.
CIPHERS = "dm_crypt xts aesni_intel cbc hmac sha512_generic sha512_ssse3 algif_skcipher"
METRICS = ("initrd_time", "unpack_time", "initrd_bytes", "uki_bytes", "kept_memory", "build_time", "instructions",
           "syscalls", "forks", "min_memory", "peak_memory")


@dataclass(frozen=True)
class Row:
    """`modules` are the drivers of this machine; `words` are said by systemd's names for dracut."""
    layout: str
    fstype: str
    modules: str
    lintel_words: str = ""
    lintel_options: tuple = ()
    dracut_words: str = ""
    dracut_adds: str = ""
    firmware: bool = False   # OVMF with Secure Boot starts a signed UKI; else QEMU loads the kernel
    metrics: tuple = METRICS
    contenders: tuple = ("lintel", "floor", "bare", "dracut", "dracut-generic")
    idle: int = 0            # disks more, each with the table of a machine and nothing to boot

    @property
    def role(self):
        return "usr" if self.layout == "usr" else "root"


WITH_FIRMWARE = METRICS[:6]  # the memory would be the firmware's; what is executed was not counted there yet

ROWS = {
    "verity": Row("verity", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay", "roothash={hash}", (),
                  "root=/dev/mapper/root ro rootfstype=erofs roothash={hash}", "systemd-veritysetup"),
    "usr": Row("usr", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay", "root=tmpfs usrhash={hash}",
               (), "root=tmpfs mount.usr=/dev/mapper/usr mount.usrfstype=erofs mount.usrflags=ro "
               "usrhash={hash}", "systemd-veritysetup"),
    "luks": Row("luks", "ext4", f"{VIRTIO} dm_mod dm_verity {CIPHERS} ext4 overlay efivarfs", "",
                ("--policy", "root=encrypted:usr=signed+absent:=unused+absent"),
                "root=/dev/mapper/root ro rootfstype=ext4 rd.luks.name={uuid}=root "
                "rd.luks.options={uuid}=tpm2-device=auto,token-timeout=0", "systemd-cryptsetup",
                True, WITH_FIRMWARE, ("lintel", "floor", "dracut", "dracut-generic")),
    "signed": Row("verity", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay efivarfs", "", (), "", "",
                  True, WITH_FIRMWARE, ("lintel", "floor")),
}
ROWS |= {f"idle-{count}": replace(ROWS["verity"], idle=count) for count in (16, 64)}
USUAL_ROWS = ("verity", "usr", "luks")


@dataclass
class Disk:
    """A made disk: where, its root hash or volume, and the state of the TPM that sealed it."""
    path: Path
    row: Row
    root_hash: str = ""
    tpm: Path = None

    def find(self, role):
        """(device node, partition)"""
        with open(self.path, "rb") as file:
            for number, part in enumerate(gpt.read(file).partitions, 1):
                if part.role == role:
                    return f"/dev/vda{number}", part
        return die(f"{self.path} has no partition {role}")

    def read(self, role, size):
        part = self.find(role)[1]
        with open(self.path, "rb") as file:
            file.seek(part.offset)
            return file.read(min(size, part.size))

    def words(self, text):
        uuid = ""
        if self.row.layout == "luks":
            uuid = self.read("root", 208)[168:208].rstrip(b"\0").decode()
        return text.format(hash=self.root_hash, uuid=uuid)


def make_tree():
    """A root of one program and an os-release; /usr alone is enough for it, too. Made only when its
    program changes: a disk is kept as long as its tree is the same."""
    root, source = BENCH / "root", HERE / "root-init.c"
    program = root / "usr/lib/systemd/systemd"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("sbin", "usr/lib/systemd", "etc", "dev", "proc", "sys", "run", "tmp", "var"):
        (root / folder).mkdir(parents=True)
    for path in ("usr/lib/os-release", "etc/os-release"):
        (root / path).write_text("ID=bench\nVERSION_ID=1\n", encoding="utf-8")
    (root / "sbin/init").symlink_to("../usr/lib/systemd/systemd")
    compile_static(source, program)


def make_sealed(row):
    """A LUKS disk without ESP, and its TPM's state. Sealed to a PCR that nobody extends, so that one
    disk opens for every contender's UKI: the TPM's work is the same for any value."""
    disk, state = BENCH / "sealed.raw", BENCH / "sealed.tpm"
    program = BENCH / "root/usr/lib/systemd/systemd"
    if not disk.exists() or disk.stat().st_mtime < program.stat().st_mtime:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        with host_tpm(state) as device:
            run(REPO / "images/lintel-disk", BENCH / "sealing.raw", "--tree", BENCH / "root",
                "--layout", "luks", "--fstype", row.fstype, "--tpm2-device", device,
                "--tpm2-pcrs", "14:sha256")
        (BENCH / "sealing.raw").rename(disk)
    return disk, state


def make_disk(row, path, uki=None):
    """The disk of a row at the path; in a row with firmware, the UKI is on it."""
    esp = ["--uki", uki] if row.firmware and uki else []
    if row.layout == "luks":
        sealed, state = make_sealed(row)
        shutil.copyfile(sealed, path)
        if esp:
            run(REPO / "images/lintel-disk", path, "--add", *esp)
        return Disk(path, row, tpm=state)
    # in a boot with firmware the key that it trusts signs
    key = BUILD / "keys" / ("secureboot" if row.firmware else "verity")
    made = run(REPO / "images/lintel-disk", path, *esp, "--tree", BENCH / "root", "--layout",
               row.layout, "--fstype", row.fstype, "--json", "--key", f"{key}.key", "--cert",
               f"{key}.crt")
    return Disk(path, row, json.loads(made)["roothash"])


def make_idle():
    """A disk that holds a partition of data, as the machine's other ones do."""
    path = BENCH / "idle.raw"
    if not path.exists():
        table = gpt.Table(uuid.UUID(int=64))
        table.append(uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"), uuid.UUID(int=65), 1 << 20, "data", 0)
        with open(path, "w+b") as file:
            file.truncate(4 << 20)
            table.write(file)
    return path


def read_verity(disk):
    """Data and hash device, table, sectors, signature of the root hash."""
    role = disk.row.role
    (data, first), (hashes, second) = disk.find(role), disk.find(f"{role}-verity")
    magic, version, kind, _, name, data_block, hash_block, blocks, salt_size, salt = \
        struct.unpack("<8sII16s32sIIQH6x256s", disk.read(f"{role}-verity", 344))
    if magic != b"verity\0\0" or version != 1:
        die(f"{disk.path}: no verity superblock")
    table = (f"{kind} {data} {hashes} {data_block} {hash_block} {blocks} 1 "
             f"{name.rstrip(bytes(1)).decode()} {first.uuid.hex}{second.uuid.hex} "
             f"{salt[:salt_size].hex() or '-'}")
    signature = json.loads(disk.read(f"{role}-verity-sig", 1 << 20).rstrip(b"\0"))["signature"]
    return data, hashes, table, blocks * data_block // 512, base64.b64decode(signature)


def read_luks(disk):
    """Device, sealed key (TPM2B_PRIVATE, TPM2B_PUBLIC), and the segment of a LUKS2 volume."""
    data, part = disk.find("root")
    header = disk.read("root", 1 << 20)
    size, = struct.unpack_from(">Q", header, 8)
    config = json.loads(header[4096:size].split(b"\0")[0])
    segment, token = config["segments"]["0"], config["tokens"]["0"]
    return {"data": data, "blob": base64.b64decode(token["tpm2-blob"]),
            "offset": int(segment["offset"]) // 512, "cipher": segment["encryption"],
            "sector": segment["sector_size"],
            "sectors": (part.size - int(segment["offset"])) // 512}


@contextlib.contextmanager
def machine_options(name, disk, initrd, kernel, words):
    """QEMU's options for one boot; a TPM is started for it where the row has one."""
    drive = ["-drive", f"if=none,id=boot,file={disk.path},format=raw,snapshot=on", "-device",
             "virtio-blk-pci,drive=boot,addr=3"]
    for number in range(disk.row.idle):  # eight functions of one slot each
        drive += ["-drive", f"if=none,id=idle{number},file={make_idle()},format=raw,readonly=on",
                  "-device", f"virtio-blk-pci,drive=idle{number},multifunction=on,"
                  f"addr={8 + number // 8:#x}.{number % 8}"]
    if not disk.row.firmware:
        yield [*drive, "-kernel", kernel, "-initrd", initrd, "-append", words]
        return
    variables, state = BENCH / f"{name}.vars", BENCH / f"{name}.tpm"
    shutil.copyfile(VARIABLES, variables)
    shutil.rmtree(state, ignore_errors=True)
    if disk.tpm:
        shutil.copytree(disk.tpm, state, ignore=shutil.ignore_patterns("host*"))
    try:
        yield ["-global", "driver=cfi.pflash01,property=secure,value=on", "-drive",
               f"file={FIRMWARE},format=raw,if=pflash,readonly=on", "-drive",
               f"file={variables},format=raw,if=pflash", *drive,
               *(start_tpm(state) if disk.tpm else [])]
    finally:
        shutil.rmtree(state, ignore_errors=True)
