"""Symlinks in a signed root or extension image that lead out of it (threat A46): each is resolved within it."""

from case import BOOT, Case, Extra, Set

DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
RELEASE = "ID=plain\nVERSION_ID=1\n"
OF_INITRD = "ID=lintel\n"  # what /etc/initrd-release says
SYSTEMD, START = "usr/lib/systemd/systemd", "usr/bin/start"
ABSOLUTE = ("etc/os-release", "/usr/lib/os-release")


def linked(name, expect, *links, tree="plain", stored=(), more=(), **fields):
    return Case(f"a46-{name}", expect if expect == BOOT else f"LINTEL-E-{expect}",
                (Set(tree=tree, links=links, stored=stored), *more), **{"checked": False, **DIRECT, **fields})


def image(own, *files, release=RELEASE, **fields):
    return Extra(f"{own}.sysext.raw", release=release,
                 files=((f"usr/lib/lintel-ext/{own}", f"{own} is here\n"), *files), **fields)


def here(name):
    return rf"LINTEL-TEST-FILE /usr/lib/lintel-ext/{name}: {name} is here$"


CASES = [
    # where the initrd's own file systems go; it has such a folder, the root's must be there itself
    linked("proc-absolute", "HANDOVER", ("proc", "/etc"), checked=True,
           shows=("the new root's /proc is not a directory",)),
    linked("run-parents", "HANDOVER", ("run", "../../../etc"), shows=("the new root's /run is not a directory",)),
    linked("dev-within", "HANDOVER", ("dev", "var"), shows=("the new root's /dev is not a directory",)),
    # the initrd's /init is a program; the root has none of that name
    linked("init-out", "INIT-MISSING", (SYSTEMD, "/init"), shows=("neither /sbin/init nor",)),
    linked("init-parents", "INIT-MISSING", (START, "../../../../../init"),
           cmdline=f"root=PARTLABEL=lintel_1 init=/{START}", shows=("is not an executable file of the new root",)),
    # an absolute link is the root's own, as an init will see it, too
    linked("init-absolute", BOOT, (START, f"/{SYSTEMD}"), cmdline=f"root=PARTLABEL=lintel_1 init=/{START}"),
    linked("usr-is-a-link", "MOUNT", ("usr", "../../etc"), more=(Set("plain", layout="usr", label="usr_1"),),
           cmdline="root=PARTLABEL=lintel_1 mount.usr=PARTLABEL=usr_1", shows=("/sysroot/usr: ",)),
    # a release file that is the initrd's, the root's, or an absolute link to the own one
    linked("release-of-initrd", BOOT, ("etc/os-release", "../../../etc/initrd-release"),
           ("usr/lib/os-release", "/etc/initrd-release"), extra=(image("evil", release=OF_INITRD),), hides=(here("evil"),),
           shows=("note: .*evil.* failed: LINTEL-E-EXTENSION: .*the root has no os-release",)),
    linked("extensions", BOOT, ABSOLUTE, ("opt", "usr/share"), stored=(
        ("etc/extensions", Extra("out.raw", text="->/../../.extra/sysext/good.sysext.raw")),
        ("usr/share/images", image("within")),
        ("etc/extensions", Extra("within.raw", text="->/usr/share/images/within.sysext.raw"))),
        extra=(image("good", ("opt/lintel-ext/o", "over opt\n")), image("roots", (
            "usr/lib/extension-release.d/extension-release.roots", "->/sysroot/usr/lib/os-release"), name="other")),
        cmdline="root=PARTLABEL=lintel_1 lintel.stored_extensions=yes", checked=True,
        shows=(here("good"), here("within"), "note: .*roots.* failed: LINTEL-E-EXTENSION",
               "note: .*out.* failed: LINTEL-E-EXTENSION: .*not a file"), hides=(here("roots"), "LINTEL-TEST-MOUNT .* /usr/share ")),
    linked("extension-opt", BOOT, extra=(image("good"), image("evil", ("opt", "->/../../proc"))),
           shows=(here("good"), "note: .*evil.* failed: LINTEL-E-EXTENSION: .*its /opt is not a directory"),
           hides=(here("evil"),)),
]
