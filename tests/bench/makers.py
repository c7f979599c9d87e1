"""
Initrds of other makers, from the tree "bench": mkosi-initrd, initramfs-tools, and busybox's shell with a script as
one writes it by hand for one machine. The words of the two scripts are the floor's: every fact hard-coded.
"""

import shutil

from common import BENCH, BUILD, REPO, kept, kernel, pack, run

from lintel_images import cpio, modules
from lintel_images.common import Cache, default_cache

TREE = BUILD / "trees/bench"
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# What cryptsetup opens by dlopen() for systemd's token, and what that opens.
TOKEN = (f"{LIBRARIES}/cryptsetup/libcryptsetup-token-systemd-tpm2.so",
         *(f"{LIBRARIES}/libtss2-{name}" for name in ("esys.so.0", "mu.so.0", "rc.so.0", "tcti-device.so.0")))
PROGRAMS = {"luks": ("/usr/sbin/cryptsetup", *TOKEN)}
OPENS = {"verity": "veritysetup open {data} root {hashes} {hash}", "usr": "veritysetup open {data} usr {hashes} {hash}",
         "luks": "cryptsetup open --token-only {data} root"}


def enter(*words):
    return run(REPO / "images/tree", "exec", "bench", *words)


def opens(disk):
    """The command that makes /dev/mapper/root (or usr), and the files that it needs."""
    role, layout = disk.row.verity, disk.row.layout
    hashes = disk.find(f"{role}-verity")[0] if role else ""
    command = OPENS[layout].format(data=node(disk), hashes=hashes, hash=disk.root_hash)
    return command, PROGRAMS.get(layout, ("/usr/sbin/veritysetup",))


def node(disk):
    return disk.find(disk.row.verity or "root")[0]


# It pivots to another root, which a chroot may not: so the tree is mounted on itself. It would add the drivers that
# are loaded where it runs, which is another machine, if one with modules at all: it is told that there are none.
MKOSI = """mkdir -p /usr/lib/firmware # which it copies, and asks for
mount --bind "$2" "/usr/lib/modules/$1"
kmod=/usr/lib/python3/dist-packages/mkosi/kmod.py
sed s,/proc/modules,/dev/null, $kmod >"$5/mkosi-kmod.py"
mount --bind "$5/mkosi-kmod.py" $kmod
mount --rbind / /mnt
cd /mnt
exec chroot . env "$3" mkosi-initrd --format cpio --kernel-version "$1" --kernel-image "$4" --output-dir "$5" --output "$6"
"""


def make_mkosi(_options, disk, _stem):
    """One initrd for all rows, as Debian's mkosi-initrd makes it where it is shown the kernel (else it takes every
    module). Its packages come from the archive that the tree was made from."""
    version, image, folder = kernel()
    initrd = BENCH / f"mkosi-{version}.initrd"
    return kept(initrd, lambda _: enter("sh", "-euc", MKOSI, "sh", version, folder, PATH, image, BENCH, initrd.name)
                ), disk.words(disk.row.dracut_words)


HOOK = """#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for file in {files}; do copy_exec "$file"; done
# opened by name: glibc's, when a thread of it ends
copy_exec {libraries}/libgcc_s.so.1
"""
# The disk's node may be late: udev's coldplug goes on beside it.
SCRIPT = """#!/bin/sh
[ "$1" = prereqs ] && exit 0
until [ -e {data} ]; do sleep 0.01; done
{command}
"""


def make_initramfs_tools(_options, disk, stem):
    """mkinitramfs with this machine's drivers by name (MODULES=list), cryptsetup-initramfs's hook, and by hand one
    hook and one script: neither opens a volume by its TPM, nor any by dm-verity."""
    version, _, folder = kernel()
    command, files = opens(disk)
    conf = BENCH / f"{stem}.conf"
    run(REPO / "images/tree", "bench")
    shutil.rmtree(conf, ignore_errors=True)
    shutil.copytree(TREE / "etc/initramfs-tools", conf)
    (conf / "modules").write_text("\n".join(disk.row.modules.split()) + "\n", encoding="utf-8")
    for path, text in (("hooks/bench", HOOK.format(files=" ".join(files), libraries=LIBRARIES)),
                       ("scripts/local-top/bench", SCRIPT.format(data=node(disk), command=command))):
        (conf / path).parent.mkdir(parents=True, exist_ok=True)
        (conf / path).write_text(text, encoding="utf-8")
        (conf / path).chmod(0o755)
    (conf / "conf.d").mkdir(exist_ok=True)
    (conf / "conf.d/bench").write_text("MODULES=list\nCOMPRESSLEVEL=19\n", encoding="utf-8")
    initrd = BENCH / f"{stem}.initrd"
    enter("sh", "-euc", 'mount --bind "$2" "/usr/lib/modules/$1"; exec env "$3" mkinitramfs -d "$4" -o "$5" "$1"',
          "sh", version, folder, PATH, conf, initrd)
    return initrd, f"root=/dev/mapper/root ro rootfstype={disk.row.fstype}"


INIT = """#!/bin/busybox sh
export PATH=/usr/sbin:/bin DM_DISABLE_UDEV=1
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /run/cryptsetup
for module in {modules}; do insmod /$module.ko; done
until [ -e {data} ]; do usleep 1000; done
{command}
{mount}
mount --move /dev /sysroot/dev
umount /proc /sys
exec switch_root /sysroot /usr/lib/systemd/systemd
"""
MOUNT_USR = """mount -t tmpfs -o mode=0755 root /sysroot
mkdir /sysroot/dev /sysroot/proc /sysroot/usr
mount -t {fstype} -o ro /dev/mapper/usr /sysroot/usr"""
MOUNT_ROOT = "mount -t {fstype} -o ro /dev/mapper/root /sysroot"


def make_busybox(_options, disk, stem):
    """Written by hand, as images for one machine are: busybox's shell, Debian's tool for the volume, what they link."""
    command, files = opens(disk)
    archive, index = cpio.Archive(), modules.Tree(kernel()[2])
    programs = ("/usr/bin/busybox", *files)
    listed = enter("ldd", *programs)
    libraries = {word for word in listed.split() if word.startswith("/") and not word.endswith(":")}
    chosen = index.close([(name, "busybox", False) for name in disk.row.floor_modules])
    mount = (MOUNT_USR if disk.row.layout == "usr" else MOUNT_ROOT).format(fstype=disk.row.fstype)
    script = INIT.format(modules=" ".join(chosen), data=node(disk), command=command, mount=mount)
    archive.file("init", script.encode(), 0o755)
    folders = ("dev", "proc", "sys", "run", "sysroot", "bin", "lib64", "usr/sbin", f"{LIBRARIES[1:]}/cryptsetup")
    for folder in folders:
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    for path in sorted({*files, *libraries, f"{LIBRARIES}/libgcc_s.so.1"}):
        # ldd says /lib/x86_64-linux-gnu, a link to /usr/lib in the tree
        place = path[1:].replace("lib/x86_64", "usr/lib/x86_64") if path.startswith("/lib/") else path[1:]
        archive.file(place, (TREE / path[1:]).resolve().read_bytes(), 0o755)
    archive.file("bin/busybox", (TREE / "usr/bin/busybox").read_bytes(), 0o755)
    for name in chosen:
        archive.file(f"{name}.ko", index.read(name, Cache(default_cache())))
    return pack(archive, stem), ""
