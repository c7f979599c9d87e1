"""File systems that no root may have, and whose drivers would be attack surface (threat A45)."""

from case import BOOT, Case, Set

# the kernel tells of each module that it loads
WORDS = "trace_event=module:module_load tp_printk"
OTHERS = "9p|affs|bfs|efs|exfat|f2fs|fat|hfs|hfsplus|isofs|jfs|jffs2|minix|msdos|nilfs2|ntfs3|ocfs2|qnx4|reiserfs|udf|ufs|vfat|zonefs"
POLICY = "root=encrypted:usr=signed+absent:=unused+absent"


def loaded(name):
    return f"module_load: ({name}) "


def case(name, expect, part, words="", more=(), **fields):
    """The initrd has the drivers of nine file systems, and the ESP is a FAT."""
    return Case(f"a45-{name}", expect if expect == BOOT else f"LINTEL-E-{expect}", sets=(part,),
                cmdline=f"{words} {WORDS}".strip(), hides=(loaded(OTHERS),),
                **{"shows": (loaded("dm_mod"), *more), "checked": False, **fields})


def direct(name, expect, **fields):
    return case(name, expect, Set("mini"), "root=PARTLABEL=lintel_1", firmware="direct", **fields)


CASES = [
    # the volume is genuine, and so the TPM opens it; what is in it is not mounted
    case("vfat", "FS-TYPE", Set("canary", layout="luks", fstype="vfat"), policy=POLICY, unsealed=1,
         more=("holds none of erofs, squashfs, ext4, btrfs, xfs",)),
    case("ext4", BOOT, Set("mini", layout="luks", fstype="ext4"), policy=POLICY, more=(loaded("ext4"),)),
    direct("erofs", BOOT, more=(loaded("erofs"),)),
    direct("word", "FS-TYPE", appended="rootfstype=vfat", checked=True,
           shows=("rootfstype=vfat may not hold a root",)),
    direct("word-usr", BOOT, appended="mount.usrfstype=vfat"),
]
