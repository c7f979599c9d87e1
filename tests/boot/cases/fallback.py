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


CASES = [
    # The newest opens and mounts; only its init is bad.
    case("init", BOOT, flip_text("root", b"LINTEL-CANARY-RAN", **NEWER), firmware="secureboot",
         shows=(*took_older("VERITY-CORRUPT", "mnt-root"), "result loader:fallback status=done")),
    case("superblock", BOOT, flip("root-verity", 0x20, label="lintel_2_verity"),
         shows=took_older("VERITY-SUPERBLOCK")),
    case("signature", BOOT, resign("wrong", **NEWER), shows=took_older("SIG-UNTRUSTED")),
    # what opens it reads only its first and its last block
    case("mount", BOOT, flip_everywhere("root", keep=4096, **NEWER), checked=False,
         shows=took_older("VERITY-CORRUPT", "mnt-root")),
    case("not-asked-for", "LINTEL-E-SIG-UNTRUSTED", resign("wrong", **NEWER), words=""),
    case("below-minimum", "LINTEL-E-SIG-UNTRUSTED", resign("wrong", **NEWER),
         words=f"{ASKED} lintel.minimum_version=2",
         shows=("no older version may take its place",)),
    case("both-corrupt", "LINTEL-E-VERITY-CORRUPT", resign("wrong", **NEWER),
         flip_everywhere("root", label="lintel_1"),
         shows=("no older version may take its place", "powering off instead")),
]
