"""What a boot test says: a machine, its disks, what was done to them, and how the boot must end."""

from dataclasses import dataclass

BOOT = "boot"


@dataclass(frozen=True)
class Set:
    """Partitions made from one tree. `sign` names a key pair of build/keys; None: no signature."""

    tree: str = "root-trixie"
    layout: str = "verity"
    fstype: str = "erofs"
    label: str = "lintel_1"
    sign: str = "secureboot"


@dataclass(frozen=True)
class Clone:
    """A second disk: the boot disk as it was before its mutations, with some of its own."""

    bus: str = "usb"
    mutations: tuple = ()


@dataclass(frozen=True)
class Extra:
    """A companion file in `folder` of /.extra. With `text` it is just that; else an image of `files`
    and a release file, whose root hash `sign` signs, cut to `keep` of its bytes."""

    file: str
    folder: str = "sysext"
    text: str = None
    release: str = "ID=debian\nVERSION_ID=13\n"
    name: str = ""              # in the release file's name; else the image's
    files: tuple = ()           # (path, text) pairs; ->PATH is a symlink
    layout: str = "verity"
    sign: str = "secureboot"
    keep: float = 1


@dataclass(frozen=True)
class Case:
    """`expect` is BOOT or the code of the refusal; mutate.py's functions make `mutations`."""

    name: str
    expect: str = BOOT
    sets: tuple = (Set(),)
    bus: str = "virtio-blk"
    kernel: str = ""            # a tree that has one; else that of the first set
    firmware: str = "secureboot"  # or "direct": QEMU loads kernel and initrd, no TPM
    cmdline: str = ""
    size: str = ""              # of the disk; else as small as it can be
    mutations: tuple = ()
    clones: tuple = ()
    extra: tuple = ()           # companion files; in a direct boot, a cpio more
    shows: tuple = ()           # regular expressions that lines of the console must match
    memory: int = 512
    cpus: int = 1               # two guests at a time on two CPUs: more is slower
    timeout: int = 180

    @property
    def kernel_tree(self):
        trees = [self.kernel, *(s.tree for s in self.sets), "root-trixie"]
        return next(tree for tree in trees if tree.startswith("root-"))
