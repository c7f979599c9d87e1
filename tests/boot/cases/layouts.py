"""Layouts with encrypted volumes: which are opened, in which order, and what is refused."""

from case import BOOT, Case, Set
from mutate import edit_luks

POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
HOME = "root=encrypted:home=encrypted:usr=signed+absent:=unused+absent"
ROOT = Set("mini", layout="luks", fstype="ext4")
# sealed to a PCR 15 that nothing has extended: the second could not be opened after the first
BOTH = (Set("mini", layout="luks", fstype="ext4", pcrs="15"),
        Set("mini", layout="luks", fstype="ext4", pcrs="15", role="home"))
MAPPED = (r"LINTEL-TEST-DM root ro=0 CRYPT-LUKS2-", r"LINTEL-TEST-DM home ro=0 CRYPT-LUKS2-")
LEFT = (r"LINTEL-TEST-KEY ",)  # no volume key stays in a keyring
NONE = (r"LINTEL-CANARY", r"(open|mnt)-[a-z]+: done")


def layout(name, expect=BOOT, *mutations, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", mutations=mutations,
                **{"sets": (ROOT,), "policy": POLICY, "hides": LEFT if expect == BOOT else NONE,
                   **fields})


def strip_tokens(area):
    area["tokens"] = {}


def btrfs(name, subvolume, expect=BOOT, **fields):
    return layout(name, expect, sets=(Set("mini", layout="luks", fstype="btrfs",
                                          subvolume=subvolume),), **fields)


CASES = [
    # A03: all keys, then all measurements in fixed order, then all mappings
    layout("boot-luks-two", sets=BOTH, policy=HOME,
           shows=(*MAPPED, r"EVENT 1 pcr11 enter-initrd", r"EVENT 2 pcr15 cryptsetup:root:",
                  r"EVENT 3 pcr15 cryptsetup:home:", r"EVENT 4 pcr11 leave-initrd",
                  r"LINTEL-TEST-REPLAY agrees")),
    layout("refuse-luks-two-one-bad", "TOKEN", edit_luks(strip_tokens, kind="home"), sets=BOTH,
           policy=HOME, unsealed=1, checked=False),
    layout("refuse-luks-home-plain", "POLICY",
           sets=(ROOT, Set("mini", layout="plain", fstype="ext4", role="home", sign=None)),
           policy=HOME, unsealed=0, checked=False),
    # an encrypted root below a signed /usr
    layout("boot-luks-usr", sets=(ROOT, Set("mini", layout="usr")),
           policy="root=encrypted:usr=signed:=unused+absent",
           shows=(r"LINTEL-TEST-MOUNT / ext4 /dev/(mapper/|dm-)\S* ro,nodev",
                  r"LINTEL-TEST-MOUNT /usr erofs /dev/(mapper/|dm-)\S* ro,nodev")),
    layout("refuse-luks-usr-unsigned", "VERITY-UNSIGNED",
           sets=(ROOT, Set("mini", layout="usr", sign=None)),
           policy="root=encrypted:usr=signed:=unused+absent", unsealed=0, checked=False),
    # names and options as systemd's users write them, in the line or in the initrd's crypttab
    layout("boot-luks-named", cmdline="rd.luks.name={luks:root}=system rd.luks.options={luks:root}=discard,headless",
           shows=(r"DM system ro=0 CRYPT-LUKS2-\S+-system discard=[1-9]", r"EVENT 2 pcr15 cryptsetup:system:"), checked=False),
    layout("boot-luks-crypttab", crypttab="system UUID={luks:root} - readonly,no-read-workqueue\n",
           shows=(r"DM system ro=1 CRYPT-LUKS2-\S+-system discard=0", r"EVENT 2 pcr15 cryptsetup:system:"), checked=False),
    layout("boot-luks-home-named", sets=BOTH, cmdline="rd.luks.name={luks:home}=people", policy=HOME,
           shows=(r"DM root ro=0 .* discard=0", r"DM people ro=0 CRYPT-LUKS2-", r"EVENT 3 pcr15 cryptsetup:people:"),
           checked=False),
    layout("refuse-luks-named-other", "CRYPTTAB", cmdline="rd.luks.name=6ba7b810-9dad-11d1-80b4-00c04fd430c8=root",
           unsealed=0, checked=False),
    layout("refuse-luks-crypttab-header", "CRYPTTAB", crypttab="system UUID={luks:root} - header=/etc/header\n",
           unsealed=0, checked=False),
    # Btrfs: the default subvolume, or the one that the UKI's own line names
    btrfs("boot-luks-btrfs-default", "default:@", cmdline="rw", checked=False,
          shows=(r"LINTEL-TEST-MOUNT / btrfs /dev/\S+ rw,nodev.*subvol=/@",)),
    btrfs("boot-luks-btrfs-subvol", "@", cmdline="rootflags=subvol=@", checked=False,
          shows=(r"LINTEL-TEST-MOUNT / btrfs /dev/\S+ ro,nodev.*subvol=/@",)),
    btrfs("refuse-luks-btrfs-subvol", "@", "MOUNT", cmdline="rootflags=subvol=none", unsealed=1,
          hides=(r"mnt-root: done",), checked=False),
]
