"""What a boot test says: a machine, its disks, what was done to them, and how the boot must end."""

from dataclasses import dataclass

BOOT = "boot"


@dataclass(frozen=True)
class Set:
    """
    Partitions made from one tree. `sign` names a key pair of build/keys; None: no signature. A layout
    "luks" is sealed to the case's TPM: to PCR 11 signed by build/keys/pcr.key, and to `pcrs`.
    """

    tree: str = "root-trixie"
    layout: str = "verity"
    fstype: str = "erofs"
    label: str = "lintel_1"
    sign: str = "secureboot"
    pcrs: str = ""


@dataclass(frozen=True)
class Clone:
    """
    A second disk: the boot disk as it was before its mutations, with some of its own. `first`: found
    before the boot disk; `hot`: plugged in when the console shows the case's `plug_at`.
    """

    bus: str = "virtio-blk"
    mutations: tuple = ()
    first: bool = False
    hot: bool = False


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
    policy: str = ""            # the build's image policy
    other_tpm: bool = False     # the machine has another TPM than the disk was sealed to
    pcr_key: str = "pcr"        # signs the UKI's PCR 11; empty: nothing does
    size: str = ""              # of the disk; else as small as it can be
    mutations: tuple = ()
    clones: tuple = ()
    without_disk: bool = False  # the boot disk itself is left out: only its clones are there
    plug_at: str = ""           # a regular expression: when hot disks are plugged in
    shows: tuple = ()           # regular expressions that lines of the console must match
    memory: int = 512
    cpus: int = 1               # two guests at a time on two CPUs: more is slower
    reboots: bool = False       # the machine may reboot itself; the case runs until it is off
    timeout: int = 180

    @property
    def kernel_tree(self):
        trees = [self.kernel, *(s.tree for s in self.sets), "root-trixie"]
        return next(tree for tree in trees if tree.startswith("root-"))
