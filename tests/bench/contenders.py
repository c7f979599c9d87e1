"""Who is compared: how each one's initrd is made."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common import (
    BENCH, BUILD, REPO, SYSROOT_LIBS, compile_static, kept, kernel, make_initrd, pack, run)
from rows import ROWS, Disk, machine_options, make_disk, make_extensions, read_luks, read_verity

import makers
import peer
from lintel_images import cpio, modules
from lintel_images.common import Cache, default_cache

HERE = Path(__file__).resolve().parent
COMMON_WORDS = "console=ttyS0 quiet panic=-1"


def configure_floor(disk, chosen):
    """Write floor-config.h; the signature's bytes."""
    lines, signature = [("FLOOR_MODULES", ", ".join(json.dumps(f"/{name}.ko") for name in chosen)),
                        ("FLOOR_FILESYSTEM", json.dumps(disk.row.fstype))], b""
    if disk.row.luks:
        found = read_luks(disk)
        lines += [("FLOOR_LUKS", json.dumps(found["data"])), ("FLOOR_LUKS_SECTORS", found["sectors"]),
                  ("FLOOR_BLOB", ", ".join(map(str, found["blob"]))),
                  ("FLOOR_CIPHER", json.dumps(found["cipher"])),
                  ("FLOOR_CRYPT_END", json.dumps(
                      f"0 {found['data']} {found['offset']} 1 sector_size:{found['sector']}"))]
    if disk.row.verity:
        data, hashes, table, sectors, signature = read_verity(disk)
        if disk.row.firmware and not disk.row.luks:
            table += " 2 root_hash_sig_key_desc floor"
            lines.append(("FLOOR_SIGNATURE", '"/signature"'))
        lines += [("FLOOR_DATA", json.dumps(data)), ("FLOOR_HASH", json.dumps(hashes)),
                  ("FLOOR_VERITY", f'"/dev/dm-{int(disk.row.luks)}"'),
                  ("FLOOR_SECTORS", sectors), ("FLOOR_TABLE", json.dumps(table))]
    if disk.row.extensions:
        images = [read_verity(Disk(image, ROWS["verity"]), "/dev/loop%1$dp") for image in make_extensions(disk.row)]
        lines += [("FLOOR_EXTENSIONS", disk.row.extensions),
                  ("FLOOR_EXTENSION_SECTORS", images[0][3]),
                  ("FLOOR_EXTENSION_TABLES", ", ".join(json.dumps(image[2]) for image in images))]
    if disk.row.verity == "usr":
        lines += [("FLOOR_USR", 1), *[("FLOOR_TMPFS", 1)] * (not disk.row.luks)]
    (BENCH / "floor-config.h").write_text(
        "".join(f"#define {name} {value}\n" for name, value in lines), encoding="utf-8")
    return signature


def make_floor(_options, disk, stem):
    index, row = modules.Tree(kernel()[2]), disk.row
    chosen = index.close([(name, "floor", False) for name in row.floor_modules])
    signature = configure_floor(disk, chosen)
    luks = [HERE / "floor_luks.c", REPO / "modules/pbkdf2.c"] * row.luks  # the same key derivation
    sources = [HERE / "floor.c", *luks, *[HERE / "floor_extensions.c"] * bool(row.extensions)]
    libraries = ["-O2", f"-I{REPO}", "-Wl,--wrap=crypt_pbkdf", "-Wl,--wrap=OSSL_LIB_CTX_new",
                 *SYSROOT_LIBS] if row.luks else []
    compile_static(sources, BENCH / stem, f"-I{BENCH}", *libraries)
    archive = cpio.Archive()
    archive.file("init", (BENCH / stem).read_bytes(), 0o755)
    archive.folder("dev")
    archive.folder("sysroot")
    archive.folder("ext")
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


def make_lintel(options, disk, stem):
    row, words = disk.row, disk.words(disk.row.lintel_words)
    key = "secureboot" if row.firmware else "verity"
    drivers = [word for name in row.modules.split() for word in ("--module", name)]
    return make_initrd(options.lintel_init, BENCH / f"{stem}.initrd", *drivers, "--cmdline",
                       f"{COMMON_WORDS} {words}".strip(), "--certificate",
                       BUILD / f"keys/{key}.crt", *row.lintel_options), words


# systemd 257 merges /.extra into the initrd alone. As systemd 258's systemd-sysext-sysroot.service does it, for the
# images that the stub brings: they are the host's afterwards, in the /run that it takes over. In an initrd it would
# ask for images of the scope "initrd".
SYSEXT = """[Unit]
DefaultDependencies=no
After=sysroot.mount sysroot-usr.mount initrd-root-fs.target
Before=initrd-fs.target initrd.target
[Service]
Type=oneshot
StandardError=journal+console
Environment=SYSTEMD_IN_INITRD=0
ExecStart=/bin/sh -ec 'mkdir -p /run/extensions; cp /.extra/sysext/*.raw /run/extensions; mount --bind /run /sysroot/run; \
systemd-sysext --root=/sysroot merge; umount /sysroot/run'
"""


def include_sysext():
    """Words for dracut."""
    units, name = BENCH / "sysext/usr/lib/systemd/system", "bench-sysext.service"
    wants = units / "initrd.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (units / name).write_text(SYSEXT, encoding="utf-8")
    if not (wants / name).is_symlink():
        (wants / name).symlink_to(f"../{name}")
    return "--install", "systemd-sysext cp mkdir mount umount", "--include", BENCH / "sysext", "/"


def dracut(disk, stem, *words):
    row = disk.row
    if row.extensions:
        words += include_sysext()
    return kept(BENCH / f"{stem}-{kernel()[0]}.initrd", lambda initrd: peer.dracut(
        run, kernel()[0], initrd, row.dracut_adds, *words, "--compress", "zstd -19",
        tpm=row.luks)), disk.words(row.dracut_words)


def make_dracut(_options, disk, stem):
    # its systemd-cryptsetup module will not do without the other two
    omits = peer.DRACUT_OMITS + ("" if disk.row.luks else " crypt fido2 pkcs11")
    return dracut(disk, stem, "--drivers", disk.row.modules, "--omit", omits)


def make_dracut_generic(_options, disk, stem):
    return dracut(disk, stem)


CONTENDERS = {"lintel": make_lintel, "floor": make_floor, "bare": make_bare, "dracut": make_dracut,
              "dracut-generic": make_dracut_generic, "mkosi": makers.make_mkosi,
              "initramfs-tools": makers.make_initramfs_tools, "busybox": makers.make_busybox}
def with_images(initrd, output, images):
    """As systemd-stub does it: one archive more, not compressed."""
    archive, first = cpio.Archive(), initrd.read_bytes()
    for image in images:
        archive.file(f".extra/sysext/{image.name}", image.read_bytes(), 0o444)
    output.write_bytes(first + bytes(-len(first) % 4) + archive.finish())
    return output


UNABLE = ("tiny-initramfs",)  # no row: tests/bench/README.md


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
    if (told := initrd.with_suffix(".seconds")).exists():
        seconds = float(told.read_text(encoding="ascii"))
    if row.extensions and not row.firmware:
        initrd = with_images(initrd, BENCH / f"{stem}.images", make_extensions(row))
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
