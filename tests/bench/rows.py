"""What is booted: one disk for a row, and with what words each contender finds the root on it."""

import base64
import contextlib
import json
import shutil
import struct
import tempfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from common import BENCH, BUILD, REPO, compile_static, die, run
from lintel_images import gpt
from qemu import FIRMWARE, VARIABLES, host_tpm, start_tpm

HERE = Path(__file__).resolve().parent
VIRTIO = "virtio_pci virtio_blk"
# What dm-crypt and a key slot need: the kernel asks modprobe for them, where there is one.
CIPHERS = "dm_crypt xts aesni_intel cbc hmac sha512_generic sha512_ssse3 algif_skcipher"
DRACUT = ("dracut", "dracut-generic")
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
    contenders: tuple = ("lintel", "floor", "bare", *DRACUT, "mkosi", "initramfs-tools", "busybox")
    volumes: int = 1         # LUKS volumes, the root first, that are all opened
    idle: int = 0            # disks more, each with the table of a machine and nothing to boot

    extensions: int = 0      # signed images of 1 MiB, of one file each, that the root must see, as the stub brings them

    @property
    def files(self):
        """How many files the root must find in /usr/lib/bench."""
        return self.extensions + (self.layout == "luks-usr")

    @property
    def luks(self):
        """Whether the root is a LUKS volume."""
        return self.layout.startswith("luks")

    @property
    def verity(self):
        """What dm-verity keeps: root, usr, or nothing."""
        return {"verity": "root", "luks": ""}.get(self.layout, "usr")

    @property
    def floor_modules(self):
        """Leaves of the dependencies that the floor loads in this order; what is behind them comes before."""
        return ["virtio_pci", "virtio_blk", *["dm_verity", "erofs"] * bool(self.verity),
                *"dm_crypt xts aesni_intel ext4 crc32c_generic".split() * self.luks,
                *["loop", "overlay"] * bool(self.extensions)]


WITH_FIRMWARE = METRICS[:6]  # the memory would be the firmware's; what is executed was not counted there yet

ROWS = {
    "verity": Row("verity", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay", "roothash={hash} rootfstype=erofs", (),
                  "root=/dev/mapper/root ro rootfstype=erofs roothash={hash}", "systemd-veritysetup"),
    "usr": Row("usr", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay", "root=tmpfs usrhash={hash}",
               (), "root=tmpfs mount.usr=/dev/mapper/usr mount.usrfstype=erofs mount.usrflags=ro "
               "usrhash={hash}", "systemd-veritysetup",
               contenders=("lintel", "floor", "bare", *DRACUT, "mkosi", "busybox")),
    "luks": Row("luks", "ext4", f"{VIRTIO} dm_mod dm_verity {CIPHERS} ext4 overlay efivarfs", "",
                ("--policy", "root=encrypted:usr=signed+absent:=unused+absent"),
                "root=/dev/mapper/root ro rootfstype=ext4 rd.luks.name={uuid}=root "
                "rd.luks.options={uuid}=tpm2-device=auto,token-timeout=0", "systemd-cryptsetup",
                True, WITH_FIRMWARE, ("lintel", "floor", *DRACUT, "mkosi", "initramfs-tools", "busybox")),
    "luks-usr-sysext": Row(
        "luks-usr", "ext4", f"{VIRTIO} dm_mod dm_verity {CIPHERS} ext4 erofs overlay loop efivarfs", "",
        ("--policy", "root=encrypted:usr=signed:=unused+absent"), "root=/dev/mapper/root ro rootfstype=ext4 "
        "rd.luks.name={uuid}=root rd.luks.options={uuid}=tpm2-device=auto,token-timeout=0 "
        "mount.usr=/dev/mapper/usr mount.usrfstype=erofs mount.usrflags=ro usrhash={hash}",
        "systemd-cryptsetup systemd-veritysetup", True, WITH_FIRMWARE, ("lintel", "floor", *DRACUT), extensions=4),
    "signed": Row("verity", "erofs", f"{VIRTIO} dm_mod dm_verity erofs overlay efivarfs", "", (), "", "",
                  True, WITH_FIRMWARE, ("lintel", "floor")),
}
ROWS |= {f"idle-{count}": replace(ROWS["verity"], idle=count) for count in (16, 64)}
SCALED = ("lintel",)
ROWS |= {f"luks-{count}": replace(ROWS["luks"], volumes=count, contenders=SCALED) for count in (2, 4, 8)}
ROWS |= {f"sysext-{count}": replace(ROWS["verity"], modules=ROWS["verity"].modules + " loop", extensions=count,
                                    contenders=SCALED) for count in (1, 4, 16, 32)}
USUAL_ROWS = ("verity", "usr", "luks", "luks-usr-sysext")


@dataclass
class Disk:
    """A made disk: where, its root hash or volume, and the state of the TPM that sealed it."""
    path: Path
    row: Row
    root_hash: str = ""
    tpm: Path = None

    def find(self, role, node="/dev/vda"):
        """(device node, partition)"""
        with open(self.path, "rb") as file:
            for number, part in enumerate(gpt.read(file).partitions, 1):
                if part.role == role:
                    return f"{node}{number}", part
        return die(f"{self.path} has no partition {role}")

    def read(self, role, size):
        part = self.find(role)[1]
        with open(self.path, "rb") as file:
            file.seek(part.offset)
            return file.read(min(size, part.size))

    def words(self, text):
        uuids = self.luks_uuids() if self.row.luks else [""]
        more = "".join(f" rd.luks.uuid={uuid}" for uuid in uuids[1:])
        return text.format(hash=self.root_hash, uuid=uuids[0]) + more

    def luks_uuids(self):
        """Of the LUKS2 headers, the root's first; each partition but an ESP and a signed set is one."""
        with open(self.path, "rb") as file:
            parts = [part for part in gpt.read(file).partitions if part.role in ("root", "home")]
            found = []
            for part in parts:
                file.seek(part.offset + 168)
                found.append(file.read(40).rstrip(b"\0").decode())
        return found


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
    disk, state = BENCH / f"sealed-{row.volumes}.raw", BENCH / f"sealed-{row.volumes}.tpm"
    program = BENCH / "root/usr/lib/systemd/systemd"
    if not disk.exists() or disk.stat().st_mtime < program.stat().st_mtime:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        with host_tpm(state) as device:
            for number in range(row.volumes):
                more = ["--add", "--role", "home", "--label", f"more_{number}"] if number else []
                run(REPO / "images/lintel-disk", BENCH / "sealing.raw", *more, "--tree", BENCH / "root",
                    "--layout", "luks", "--fstype", row.fstype, "--tpm2-device", device,
                    "--tpm2-pcrs", "14:sha256")
        (BENCH / "sealing.raw").rename(disk)
    return disk, state


def make_disk(row, path, uki=None):
    """The disk of a row at the path; in a row with firmware, the UKI is on it."""
    esp = ["--uki", uki] if row.firmware and uki else []
    if esp:
        esp += [word for image in make_extensions(row) for word in ("--companion", image)]
    tpm, add = None, []
    if row.luks:
        sealed, tpm = make_sealed(row)
        shutil.copyfile(sealed, path)
        add = ["--add"]
    if not row.verity:
        if esp:
            run(REPO / "images/lintel-disk", path, *add, *esp)
        return Disk(path, row, tpm=tpm)
    # in a boot with firmware the key that it trusts signs
    key = BUILD / "keys" / ("secureboot" if row.firmware else "verity")
    made = run(REPO / "images/lintel-disk", path, *add, *esp, "--tree", make_usr() if add else BENCH / "root", "--layout",
               "usr" if row.verity == "usr" else "verity", "--fstype", "erofs", "--json", "--key", f"{key}.key",
               "--cert", f"{key}.crt")
    return Disk(path, row, json.loads(made)["roothash"], tpm)


def make_usr():
    """A tree whose /usr tells that it is not the one of the root below: it has usr/lib/bench/usr."""
    tree = BENCH / "usr"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(BENCH / "root", tree, symlinks=True)
    (tree / "usr/lib/bench").mkdir()
    (tree / "usr/lib/bench/usr").touch()
    return tree


def make_extensions(row):
    """The row's images, each with one file usr/lib/bench/NUMBER."""
    key = BUILD / "keys" / ("secureboot" if row.firmware else "verity")
    return [make_extension(f"e{number}", number, key) for number in range(row.extensions)]


def make_extension(name, number, key):
    path = BENCH / f"{key.name}/{name}.sysext.raw"
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as tree:
        release = Path(tree, f"usr/lib/extension-release.d/extension-release.{name}")
        release.parent.mkdir(parents=True)
        release.write_text("ID=bench\nVERSION_ID=1\n", encoding="utf-8")
        file = Path(tree, f"usr/lib/bench/{number}")
        file.parent.mkdir()
        file.write_bytes(bytes(range(256)) * 4096)
        run(REPO / "images/lintel-disk", path, "--tree", tree, "--label", "ext_1", "--key", f"{key}.key",
            "--cert", f"{key}.crt")
    return path


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


def read_verity(disk, node="/dev/vda"):
    """Data and hash device, table, sectors, signature of the root hash."""
    role = disk.row.verity
    (data, first), (hashes, second) = disk.find(role, node), disk.find(f"{role}-verity", node)
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
