"""Who is compared: how each one's initrd is made."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common import (
    BENCH, BUILD, REPO, SYSROOT_LIBS, compile_static, kernel, make_initrd, run)
from rows import Disk, make_disk, machine_options, read_luks, read_verity

import peer
from lintel_images import cpio, modules
from lintel_images.common import Cache, default_cache

HERE = Path(__file__).resolve().parent
COMMON_WORDS = "console=ttyS0 quiet panic=-1"
# Leaves of the dependencies that the floor loads in this order; what is behind them comes before.
FLOOR_MODULES = {"verity": "virtio_pci virtio_blk dm_verity erofs",
                 "luks": "virtio_pci virtio_blk dm_crypt xts aesni_intel algif_skcipher ext4 crc32c_generic"}


def configure_floor(disk, chosen):
    """Write floor-config.h; the signature's bytes."""
    lines, signature = [("FLOOR_MODULES", ", ".join(json.dumps(f"/{name}.ko") for name in chosen)),
                        ("FLOOR_FILESYSTEM", json.dumps(disk.row.fstype))], b""
    if disk.row.layout == "luks":
        found = read_luks(disk)
        lines += [("FLOOR_LUKS", json.dumps(found["data"])), ("FLOOR_SECTORS", found["sectors"]),
                  ("FLOOR_BLOB", ", ".join(map(str, found["blob"]))),
                  ("FLOOR_CIPHER", json.dumps(found["cipher"])),
                  ("FLOOR_CRYPT_END", json.dumps(
                      f"0 {found['data']} {found['offset']} 1 sector_size:{found['sector']}"))]
    else:
        data, hashes, table, sectors, signature = read_verity(disk)
        if disk.row.firmware:
            table += " 2 root_hash_sig_key_desc floor"
            lines.append(("FLOOR_SIGNATURE", '"/signature"'))
        lines += [("FLOOR_DATA", json.dumps(data)), ("FLOOR_HASH", json.dumps(hashes)),
                  ("FLOOR_SECTORS", sectors), ("FLOOR_TABLE", json.dumps(table))]
    if disk.row.layout == "usr":
        lines.append(("FLOOR_USR", 1))
    (BENCH / "floor-config.h").write_text(
        "".join(f"#define {name} {value}\n" for name, value in lines), encoding="utf-8")
    return signature


def make_floor(_options, disk, stem):
    index = modules.Tree(kernel()[2])
    luks = disk.row.layout == "luks"
    chosen = index.close([(name, "floor", False)
                          for name in FLOOR_MODULES["luks" if luks else "verity"].split()])
    signature = configure_floor(disk, chosen)
    sources = [HERE / "floor.c", *([HERE / "floor_luks.c"] if luks else [])]
    compile_static(sources, BENCH / stem, f"-I{BENCH}", *(SYSROOT_LIBS if luks else ()))
    archive = cpio.Archive()
    archive.file("init", (BENCH / stem).read_bytes(), 0o755)
    archive.folder("dev")
    archive.folder("sysroot")
    archive.character_device("dev/console", 5, 1)
    archive.file("signature", signature)
    for name in chosen:
        archive.file(f"{name}.ko", index.read(name, Cache(default_cache())))
    return pack(archive, stem), ""


def make_bare(_options, _disk, stem):
    """No way to a root: what the kernel and the start of any init take by themselves."""
    archive = cpio.Archive()
    archive.file("init", (BENCH / "root/usr/lib/systemd/systemd").read_bytes(), 0o755)
    for folder in ("dev", "proc"):
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    return pack(archive, stem), ""


def pack(archive, stem):
    raw, packed = BENCH / f"{stem}.cpio", BENCH / f"{stem}.initrd"
    raw.write_bytes(archive.finish())
    run("zstd", "-19", "-qf", raw, "-o", packed)
    return packed


def make_lintel(options, disk, stem):
    row, words = disk.row, disk.words(disk.row.lintel_words)
    key = "secureboot" if row.firmware else "verity"
    drivers = [word for name in row.modules.split() for word in ("--module", name)]
    return make_initrd(options.lintel_init, BENCH / f"{stem}.initrd", *drivers, "--cmdline",
                       f"{COMMON_WORDS} {words}".strip(), "--certificate",
                       BUILD / f"keys/{key}.crt", *row.lintel_options), words


def dracut(disk, stem, *words):
    """dracut takes most of a minute: what it made is kept, and how long it took beside it."""
    initrd, row = BENCH / f"{stem}-{kernel()[0]}.initrd", disk.row
    if not initrd.exists():
        before = time.monotonic()
        peer.dracut(run, kernel()[0], initrd, row.dracut_adds, *words, "--compress", "zstd -19",
                    tpm=row.layout == "luks")
        initrd.with_suffix(".seconds").write_text(f"{time.monotonic() - before:.2f}",
                                                  encoding="ascii")
    return initrd, disk.words(row.dracut_words)


def make_dracut(_options, disk, stem):
    # its systemd-cryptsetup module will not do without the other two
    omits = peer.DRACUT_OMITS + ("" if disk.row.layout == "luks" else " crypt fido2 pkcs11")
    return dracut(disk, stem, "--drivers", disk.row.modules, "--omit", omits)


def make_dracut_generic(_options, disk, stem):
    return dracut(disk, stem)


CONTENDERS = {"lintel": make_lintel, "floor": make_floor, "bare": make_bare, "dracut": make_dracut,
              "dracut-generic": make_dracut_generic}


@dataclass
class Machine:
    """A contender, ready to boot a row's disk."""
    stem: str             # of the names of all that is kept of it
    disk: Disk
    initrd: Path
    words: str
    build_seconds: float  # of the initrd, with the tool's caches warm

    def qemu(self):
        """A context with QEMU's options for one boot."""
        return machine_options(self.stem, self.disk, self.initrd, kernel()[1],
                               f"{COMMON_WORDS} {self.words}")


def prepare(options, row, row_name, name):
    """The Machine of a contender, or None."""
    if name == "lintel" and not options.lintel_init.exists():
        print(f"bench: lintel is left out: {options.lintel_init} is not built", file=sys.stderr)
        return None
    stem = f"{row_name}-{name}"
    disk = make_disk(row, BENCH / f"{stem}.raw", kernel()[1])  # partition numbers as they will be
    CONTENDERS[name](options, disk, stem)
    before = time.monotonic()
    initrd, words = CONTENDERS[name](options, disk, stem)
    seconds = time.monotonic() - before
    if (kept := initrd.with_suffix(".seconds")).exists():
        seconds = float(kept.read_text(encoding="ascii"))
    machine = Machine(stem, disk, initrd, words, seconds)
    if row.firmware:
        machine.disk = make_disk(row, disk.path, make_uki(machine))
    return machine


def make_uki(machine):
    """Signed where a firmware will check it."""
    uki, keys = BENCH / f"{machine.stem}.efi", BUILD / "keys/secureboot"
    run(REPO / "images/lintel-uki", "--linux", kernel()[1], "--initrd", machine.initrd, "--output", uki,
        "--cmdline", f"{COMMON_WORDS} {machine.words}".strip(),
        *(["--secureboot-private-key", f"{keys}.key", "--secureboot-certificate", f"{keys}.crt"]
          if machine.disk.row.firmware else []))
    return uki
