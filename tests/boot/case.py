"""What a boot test says: a machine, its disks, what was done to them, and how the boot must end."""

from dataclasses import dataclass

BOOT = "boot"


@dataclass(frozen=True)
class Set:
    """
    Partitions made from one tree. `sign` names a key pair of build/keys; None: no signature. A layout
    "luks" is sealed to the case's TPM: to PCR 11 signed by build/keys/pcr.key, and to `pcrs`, where {pcr7}
    is what the firmware leaves in that PCR with Secure Boot on. "luks-verity": the same, and `sign`ed.
    """

    tree: str = "root-trixie"
    layout: str = "verity"
    fstype: str = "erofs"
    label: str = "lintel_1"
    sign: str = "secureboot"
    pcrs: str = ""
    stored: tuple = ()   # (folder, Extra) pairs: images that the root itself keeps
    links: tuple = ()    # (path, target) pairs: symlinks of the root, in place of what it has there
    role: str = "root"          # of a layout "luks": root, home, srv, var; of "luks-verity": root, usr
    subvolume: str = ""         # "@" or "default:@": a btrfs whose tree stands in that subvolume
    locked: bool = False        # sealed to what systemd-pcrlock allows, see pcrlock.py
    argon2id: bool = False      # of a typed one: a PIN as systemd 262 enrolls it
    typed: bool = False  # no TPM key without a PIN, but typed.py's passphrase, recovery key and PIN


@dataclass(frozen=True)
class Clone:
    """
    A second disk: the boot disk as it was before its mutations, with some of its own. `first`: found
    before the boot disk; `hot`: plugged in when the console shows the case's `plug_at`; `of`: the disk of
    that Case instead, with all that is on its ESP.
    """

    bus: str = "virtio-blk"
    mutations: tuple = ()
    first: bool = False
    hot: bool = False
    of: object = None


@dataclass(frozen=True)
class Extra:
    """A companion file in `folder` of /.extra. With `text` it is just that; else an image of `files`
    and a release file, whose root hash `sign` signs, cut to `keep` of its bytes."""

    file: str
    folder: str = "sysext"
    text: str = None
    smime: bool = False         # the text is in a PKCS#7 by `sign`
    encrypt: bool = False       # the text is a credential that systemd-creds seals to the case's TPM and PCR 11's key
    release: str = "ID=debian\nVERSION_ID=13\n"
    name: str = ""              # in the release file's name; else the image's
    files: tuple = ()           # (path, text or bytes) pairs; ->PATH is a symlink, @NAME a file of build/keys
    modules: tuple = ()         # of the root-trixie kernel, with an index over them
    layout: str = "verity"
    fstype: str = "erofs"
    sector: int = 512
    sign: str = "secureboot"
    keep: float = 1
    breaks: str = ""            # where this text lies in the image, a bit is turned


def service(name, script, after):
    """Files of an image whose shell script the host runs once, `after` those units."""
    unit, folder = f"lintel-{name}.service", "usr/lib/systemd/system"
    return ((f"usr/lib/lintel-{name}", script),
            (f"{folder}/{unit}", f"[Unit]\nDefaultDependencies=no\nAfter={after}\nBefore=multi-user.target\n"
             f"[Service]\nType=oneshot\nExecStart=/bin/sh /usr/lib/lintel-{name}\n"),
            (f"{folder}/multi-user.target.wants/{unit}", f"->../{unit}"))


@dataclass(frozen=True)
class Entry:
    """A UKI that systemd-boot finds in /EFI/Linux: the case's line and some words more, or a profile."""

    file: str
    cmdline: str = ""
    profile: str = ""


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
    appended: str = ""          # words that an attacker adds: by the loader, or by SMBIOS
    smbios: tuple = ()          # strings of type 11 that the machine's owner sets
    fw_cfg: tuple = ()          # (name, text) of credentials that QEMU gives
    secure_boot: bool = True    # else the firmware has no keys, and starts whatever there is
    has_tpm: bool = True
    policy: str = ""            # the build's image policy
    tpm: str = ""               # "1.2", or the banks that it has: "sha1", "sha384,sha256"
    other_tpm: bool = False     # the machine has another TPM than the disk was sealed to
    pcr_key: str = "pcr"        # signs the UKI's PCR 11; empty: nothing does
    drivers: tuple = ()         # the initrd's sets; else driver_sets' choice
    unsigned: bool = False      # its modules have lost their signatures, in a direct boot
    key_file: str = ""          # what is in the initrd's /etc/cryptsetup-keys.d/root.key
    crypttab: str = ""          # of the initrd; there and in the line, {luks:ROLE} is that volume's UUID
    shell: str = ""             # the hash of the recovery shell's password; a busybox comes with it
    revoke: tuple = ()          # labels of sets, and Extras, whose root hashes the initrd's list has
    tool: str = ""              # a program of tests/boot, as /TOOL in an initrd that the UKI has besides
    debug: bool = False         # with the init of `make DEBUG=1`
    pcrlock: str = ""           # of a locked set: the policy that the ESP has is of "this" UKI, or of an "other"
    pcrlock_index: str = ""     # what was done to that policy's NV index: pcrlock.attack_index()
    profile: str = ""           # the UKI's .profile
    phases: str = ""            # whose PCR 11 is signed; else lintel-uki's own choice
    stub: str = ""              # the Debian suite whose systemd-stub the UKI has; else the tools tree's
    entries: tuple = ()         # what systemd-boot starts; the ESP has it instead of a UKI
    goes_on: bool = False       # what comes after the refusal counts: until the machine is off or reboots
    unwiped: bool = False       # an /init that wipes nothing, which the search must find out
    crash: bool = False         # an /init of tests/crash: crash=VERB:WHAT in its command line
    late: bool = False          # an /init of tests/late, which maps volumes before it measures them
    caught: str = ""            # a regular expression: what is found wrong with the boot of a broken /init
    trees: tuple = ()           # that the mutations need
    size: str = ""              # of the disk; else as small as it can be
    mutations: tuple = ()
    clones: tuple = ()
    extra: tuple = ()           # companion files; in a direct boot, a cpio more
    without_disk: bool = False  # the boot disk itself is left out: only its clones are there
    tpm_dies_at: str = ""       # a regular expression: when the TPM goes away
    devices: tuple = ()         # more options of QEMU's
    drive: str = ""             # more options of the boot disk's drive
    plug_at: str = ""           # a regular expression: when hot disks are plugged in
    answers: tuple = ()         # (regular expression, text): typed when the console shows it, in order
    hides: tuple = ()           # regular expressions that no line may match
    search_at: str = ""         # a regular expression: at each such line, memory is searched for keys
    volume_keys: int = 0        # copies of the volume key that the memory then may hold
    unsealed: int = -1          # secrets that the TPM must have given lintel; -1: as the outcome says
    host_unsealed: int = 0      # and then the host, after the initrd's phase
    shows: tuple = ()           # regular expressions that lines of the console must match
    memory: int = 512
    cpus: int = 1               # two guests at a time on two CPUs: more is slower
    reboots: bool = False       # the machine may reboot itself; the case runs until it is off
    timeout: int = 180
    checked: bool = True        # in `make check`; else only where the whole suite is asked for

    @property
    def variant(self):
        """Which init: "" is that of a release."""
        return ("unwiped" if self.unwiped else "debug" if self.debug else
                "crash" if self.crash else "late" if self.late else "")

    @property
    def unseals(self):
        """How many secrets the TPM must have given out when the boot is over."""
        if self.unsealed >= 0:
            return self.unsealed
        return len(self.sealed) if self.expect == BOOT else 0

    @property
    def driver_sets(self):
        """
        All, so that what an attacker asks for is there; but what firmware has to load and to measure,
        with neither strange words nor devices, has what its disk needs: that saves a quarter of the boot.
        """
        if self.drivers:
            return self.drivers
        buses = {self.bus, *(clone.bus for clone in self.clones)}
        file_systems = {part.fstype for part in (*self.sets, *(extra for extra in self.extra if extra.text is None))}
        if (self.firmware == "direct" or self.appended or self.devices or buses - {"virtio-blk", "virtio-scsi", "nvme"}
                or file_systems - {"erofs", "squashfs", "ext4"}):
            return ("all",)
        return ("virtual", "luks") if self.sealed or "ext4" in file_systems else ("virtual",)

    @property
    def sealed(self):
        """The sets that the case's TPM opens."""
        return [part for part in self.sets if part.layout.startswith("luks")]

    @property
    def kernel_tree(self):
        trees = [self.kernel, *(s.tree for s in self.sets), "root-trixie"]
        return next(tree for tree in trees if tree.startswith("root-"))
