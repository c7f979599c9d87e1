"""
Images that are signed, and yet not for this boot: what another disk's ESP carries (threat A09), and older
ones that were revoked (threat A26).
"""

from case import BOOT, Case, Clone, Entry, Extra, Set

DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
PLAIN = Set(tree="plain")


def image(own, **fields):
    return Extra(f"{own}.sysext.raw", release="ID=plain\nVERSION_ID=1\n",
                 files=((f"usr/lib/lintel-ext/{own}", f"{own} is here\n"),), **fields)


def here(name):
    return rf"LINTEL-TEST-FILE /usr/lib/lintel-ext/{name}: {name} is here$"


def second(name, disk, **fields):
    """The boot disk has an image of its own, so that something is merged."""
    return Case(f"a09-{name}", sets=(PLAIN,), extra=(NEW,), clones=(disk,), hides=(here("evil"), STRANGER),
                **{"shows": (here("new"),), "checked": False, "memory": 1024, **fields})


def revoked(name, expect, *revoke, **fields):
    return Case(f"a26-{name}", expect if expect == BOOT else f"LINTEL-E-{expect}", revoke=revoke,
                **{"sets": (PLAIN,), "checked": False, **DIRECT, **fields})


NEW, OLD = image("new"), image("old")
TWO = {"sets": (Set("mini"), Set("canary", label="lintel_2")), "cmdline": ""}
# A whole disk by the same keys, with loader, UKI, a newer root, images and a credential, none of it this boot's.
EVIL = (image("evil"), image("evil", folder="global_sysext"),
        Extra("stranger.cred", folder="global_credentials", text="from outside"))
STRANGER = "LINTEL-TEST-KEPT .*/stranger$"
OTHER = Case("other", sets=(Set("canary", label="lintel_9"),), entries=(Entry("other.efi"),), extra=EVIL)

CASES = [
    second("second-esp", Clone(of=OTHER)),
    second("second-esp-first", Clone(of=OTHER, first=True)),
    # beside this boot's own UKI the same image is merged
    Case("a09-own-esp", sets=(PLAIN,), extra=(NEW, *EVIL), checked=False, memory=1024,
         shows=(here("new"), here("evil"), STRANGER)),
    # A26: the same images, with the list and without
    revoked("extension", BOOT, OLD, extra=(NEW, OLD), checked=True, hides=(here("old"),),
            shows=(here("new"), "note: ext:sysext-old failed: LINTEL-E-REVOKED")),
    revoked("extension-without-list", BOOT, extra=(NEW, OLD), shows=(here("new"), here("old"))),
    revoked("extension-refused", "EXTENSION", OLD, extra=(NEW, OLD),
            cmdline="root=PARTLABEL=lintel_1 lintel.extensions=refuse"),
    revoked("root", "REVOKED", "lintel_1", checked=True),
    revoked("root-by-word", "REVOKED", "lintel_1", cmdline="roothash={roothash}"),
    revoked("root-newest", BOOT, "lintel_2", firmware="secureboot", shows=("LINTEL-TEST-DM root ro=1",), **TWO),
    revoked("root-all", "REVOKED", "lintel_1", "lintel_2", firmware="secureboot", **TWO),
]
