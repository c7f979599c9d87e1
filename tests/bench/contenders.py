"""Who is compared: how each one's initrd is made, and the disk that all boot."""

import base64
import json
import shutil
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common import (
    BENCH, BUILD, REPO, compile_static, die, kernel, make_initrd, run, tree)

from lintel_images import cpio, gpt, modules
from lintel_images.common import Cache, default_cache

HERE = Path(__file__).resolve().parent
FLOOR_MODULES = ("virtio_pci", "virtio_blk", "dm_verity", "erofs")
# The drivers of this machine, for lintel and dracut alike; dracut at its leanest: no module that this
# root has no use for.
DRIVERS = "virtio_pci virtio_blk dm_mod dm_verity erofs overlay"
DRACUT_OMITS = ("btrfs crypt fido2 hwdb lunmask nvdimm overlay-root pkcs11 resume virtfs virtiofs "
                "systemd-battery-check")
COMMON_WORDS = "console=ttyS0 quiet panic=-1"
OVMF = Path("/usr/share/OVMF")
ROLES = ("root", "root-verity", "root-verity-sig")


def make_root():
    """A root of one program and an os-release."""
    root = BENCH / "root"
    for folder in ("sbin", "usr/lib", "etc", "dev", "proc", "sys", "run", "tmp", "var"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in ("usr/lib/os-release", "etc/os-release"):
        (root / path).write_text("ID=bench\nVERSION_ID=1\n", encoding="utf-8")
    compile_static(HERE / "root-init.c", root / "sbin/init")


def make_disk(options, disk, uki):
    """The disk's root hash. In a signed boot the key that the firmware trusts signs it."""
    key = BUILD / "keys" / ("secureboot" if options.signed else "verity")
    esp = ["--uki", uki] if options.signed else []
    made = run(REPO / "images/lintel-disk", disk, *esp, "--tree", BENCH / "root", "--fstype",
               "erofs", "--json", "--key", f"{key}.key", "--cert", f"{key}.crt")
    return json.loads(made)["roothash"]


def read_verity(disk):
    """The root's device node, its hash tree's, table, sectors, signature of the root hash."""
    with open(disk, "rb") as file:
        rows = {row.role: (f"/dev/vda{number}", row)
                for number, row in enumerate(gpt.read(file).partitions, 1)}
        (data, first), (hashes, second), (_, third) = (rows[role] for role in ROLES)
        file.seek(second.offset)
        magic, version, kind, _, name, data_block, hash_block, blocks, salt_size, salt = \
            struct.unpack("<8sII16s32sIIQH6x256s", file.read(344))
        file.seek(third.offset)
        signature = json.loads(file.read(third.size).rstrip(b"\0"))["signature"]
    if magic != b"verity\0\0" or version != 1:
        die(f"{disk}: no verity superblock")
    table = (f"{kind} {data} {hashes} {data_block} {hash_block} {blocks} 1 "
             f"{name.rstrip(bytes(1)).decode()} {first.uuid.hex}{second.uuid.hex} "
             f"{salt[:salt_size].hex() or '-'}")
    return data, hashes, table, blocks * data_block // 512, base64.b64decode(signature)


def configure_floor(options, disk, chosen):
    """Write floor-config.h; the signature's bytes."""
    data, hashes, table, sectors, signature = read_verity(disk)
    lines = [("FLOOR_MODULES", ", ".join(json.dumps(f"/{name}.ko") for name in chosen)),
             ("FLOOR_DATA", json.dumps(data)), ("FLOOR_HASH", json.dumps(hashes)),
             ("FLOOR_SECTORS", sectors), ("FLOOR_FILESYSTEM", '"erofs"')]
    if options.signed:
        table += " 2 root_hash_sig_key_desc floor"
        lines.append(("FLOOR_SIGNATURE", '"/signature"'))
    lines.append(("FLOOR_TABLE", json.dumps(table)))
    (BENCH / "floor-config.h").write_text(
        "".join(f"#define {name} {value}\n" for name, value in lines), encoding="utf-8")
    return signature


def make_floor(options, disk, _root_hash):
    index = modules.Tree(kernel()[2])
    chosen = index.close([(name, "floor", False) for name in FLOOR_MODULES])
    signature = configure_floor(options, disk, chosen)
    compile_static(HERE / "floor.c", BENCH / "floor", f"-I{BENCH}")
    archive = cpio.Archive()
    archive.file("init", (BENCH / "floor").read_bytes(), 0o755)
    archive.folder("dev")
    archive.folder("sysroot")
    archive.character_device("dev/console", 5, 1)
    archive.file("signature", signature)
    for name in chosen:
        archive.file(f"{name}.ko", index.read(name, Cache(default_cache())))
    (BENCH / "floor.cpio").write_bytes(archive.finish())
    run("zstd", "-19", "-qf", BENCH / "floor.cpio", "-o", BENCH / "floor.initrd")
    return BENCH / "floor.initrd", ""


def make_lintel(options, _disk, root_hash):
    if not options.lintel_init.exists():
        print(f"bench: lintel is left out: {options.lintel_init} is not built", file=sys.stderr)
        return None
    key = "secureboot" if options.signed else "verity"
    words = "" if options.signed else f"roothash={root_hash}"
    drivers = [word for name in (DRIVERS + " efivarfs" * options.signed).split()
               for word in ("--module", name)]
    return make_initrd(options.lintel_init, BENCH / "lintel.initrd", *drivers,
                       "--cmdline", f"{COMMON_WORDS} {words}".strip(),
                       "--certificate", BUILD / f"keys/{key}.crt"), words


def dracut(name, root_hash, *words):
    """dracut takes most of a minute: what it made is kept, and how long it took beside it."""
    initrd = BENCH / f"{name}-{kernel()[0]}.initrd"
    if not initrd.exists():
        before = time.monotonic()
        tree("dracut", "--force", "--no-hostonly", "--no-hostonly-cmdline", "--add",
             "systemd-veritysetup", *words, "--compress", "zstd -19", "--kver", kernel()[0], initrd)
        initrd.with_suffix(".seconds").write_text(f"{time.monotonic() - before:.2f}",
                                                  encoding="ascii")
    return initrd, f"root=/dev/mapper/root ro rootfstype=erofs roothash={root_hash}"


def make_dracut(_options, _disk, root_hash):
    return dracut("dracut", root_hash, "--drivers", DRIVERS, "--omit", DRACUT_OMITS)


def make_dracut_generic(_options, _disk, root_hash):
    return dracut("dracut-generic", root_hash)


CONTENDERS = {"lintel": make_lintel, "floor": make_floor, "dracut": make_dracut,
              "dracut-generic": make_dracut_generic}


@dataclass
class Machine:
    """A contender, ready to boot."""
    qemu: list
    initrd: Path
    build_seconds: float  # of the initrd, with the tool's caches warm


def prepare(options, name):
    """The Machine of a contender, or None."""
    disk = BENCH / f"{name}.raw"
    root_hash = make_disk(options, disk, kernel()[1])
    made = CONTENDERS[name](options, disk, root_hash)
    if not made:
        return None
    before = time.monotonic()
    initrd, words = CONTENDERS[name](options, disk, root_hash)
    seconds = time.monotonic() - before
    if (kept := initrd.with_suffix(".seconds")).exists():
        seconds = float(kept.read_text(encoding="ascii"))
    drive = ["-drive", f"file={disk},format=raw,if=virtio,readonly=on"]
    if not options.signed:
        return Machine([*drive, "-kernel", kernel()[1], "-initrd", initrd, "-append",
                        f"{COMMON_WORDS} {words}"], initrd, seconds)
    make_disk(options, disk, make_uki(name, initrd, "secureboot"))
    variables = BENCH / f"{name}.vars"
    shutil.copyfile(OVMF / "OVMF_VARS_4M.snakeoil.fd", variables)
    return Machine(["-global", "driver=cfi.pflash01,property=secure,value=on", "-drive",
                    f"file={OVMF}/OVMF_CODE_4M.secboot.fd,format=raw,if=pflash,readonly=on",
                    "-drive", f"file={variables},format=raw,if=pflash", *drive], initrd, seconds)


def make_uki(name, initrd, key=None):
    uki, keys = BENCH / f"{name}.efi", BUILD / "keys" / str(key)
    run(REPO / "images/lintel-uki", "--linux", kernel()[1], "--initrd", initrd, "--output", uki,
        "--cmdline", COMMON_WORDS, *(["--secureboot-private-key", f"{keys}.key",
                                      "--secureboot-certificate", f"{keys}.crt"] if key else []))
    return uki
