"""Verified fallback: which failures lead to an older version, and which do not."""

from case import BOOT, Case, Set
from mutate import flip, flip_everywhere, flip_text, resign

# The newer one is the canary: that it does not run shows that the older one was taken.
TWO = (Set(), Set("canary", label="lintel_2"))
NEWER = {"label": "lintel_2"}
# systemd-repart derives it from the seed, and that from the label "lintel_1".
OLDER_FS = "7173ddf2-147e-4ac8-a1a7-a3846c795e37"
ASKED = "lintel.on_failure=fallback"


def case(name, expect, *mutations, words=ASKED, firmware="direct", **fields):
    """Directly, unless EFI variables are needed: then a word has to allow any disk."""
    return Case(f"fallback-{name}", expect, sets=TWO, mutations=mutations, firmware=firmware,
                cmdline=f"root=UUID={OLDER_FS} {words}" if firmware == "direct" else words, **fields)


def took_older(code, step="root"):
    return (rf"^note: fallback: LINTEL-E-{code}: {step} \(", r"^done +root-2 +verity",
            r"^done +mnt-root-2 +mount")


# Root and /usr as two sets: the canary is the newer version of both.
PAIRS = tuple(Set(tree, layout=layout, label=label) for tree, label in (("mini", "lintel_1"), ("canary", "lintel_2"))
              for layout in ("verity", "usr"))


def two(name, expect, *mutations, sets=PAIRS, **fields):
    """By way of the firmware: a word that allows any disk would have to name one version."""
    return Case(f"fallback-two-{name}", expect, sets=sets, mutations=mutations, cmdline=ASKED, checked=False,
                **fields)


CASES = [
    # The newest opens and mounts; only its init is bad.
    case("init", BOOT, flip_text("root", b"LINTEL-CANARY-RAN", **NEWER), firmware="secureboot",
         shows=(*took_older("VERITY-CORRUPT", "mnt-root"), "result loader:fallback status=done")),
    case("superblock", BOOT, flip("root-verity", 0x20, label="lintel_2_verity"),
         shows=took_older("VERITY-SUPERBLOCK"), checked=False),
    case("signature", BOOT, resign("wrong", **NEWER), shows=took_older("SIG-UNTRUSTED")),
    # what opens it reads only its first and its last block
    case("mount", BOOT, flip_everywhere("root", keep=4096, **NEWER), checked=False, firmware="secureboot",
         shows=took_older("VERITY-CORRUPT", "mnt-root")),
    case("not-asked-for", "LINTEL-E-SIG-UNTRUSTED", resign("wrong", **NEWER), words=""),
    case("below-minimum", "LINTEL-E-SIG-UNTRUSTED", resign("wrong", **NEWER),
         words=f"{ASKED} lintel.minimum_version=2",
         shows=("no older version may take its place",)),
    case("both-corrupt", "LINTEL-E-VERITY-CORRUPT", resign("wrong", **NEWER),
         flip_everywhere("root", label="lintel_1"),
         shows=("no older version may take its place", "powering off instead")),
    # Its root is mounted already when /usr turns out to be bad: both go back.
    two("sets", BOOT, resign("wrong", kind="usr", **NEWER),
        shows=(r"usr: failed .*LINTEL-E-SIG-UNTRUSTED", r"mnt-root-2: done", r"mnt-usr-2: done",
               r"LINTEL-TEST-MOUNT /usr erofs")),
    two("sets-mount", BOOT, flip_everywhere("usr", keep=4096, **NEWER),
        shows=(r"mnt-usr: failed .*LINTEL-E-VERITY-CORRUPT", r"undo-root: done", r"mnt-root-2: done",
               r"LINTEL-TEST-MOUNT /usr erofs")),
    two("no-older", "LINTEL-E-SIG-UNTRUSTED", resign("wrong", kind="usr", **NEWER),
        sets=(PAIRS[0], *PAIRS[2:]), shows=("no older version may take its place",)),
    two("mixed", "LINTEL-E-VERSION", sets=(PAIRS[0], PAIRS[3]),
        shows=("root is of version 1, usr of 2: none has both",)),
]
