"""Disks that must boot: layouts, file systems, buses, kernels, firmware."""

from case import Case, Set

ROOT_ON_VERITY = r"LINTEL-TEST-MOUNT / +{} +/dev/(mapper/|dm-)"
USR_ON_VERITY = r"LINTEL-TEST-MOUNT /usr +{} +/dev/(mapper/|dm-)"


# Without a boot loader the signed line itself has to say where the root is.
DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
DIRECT_USR = {"firmware": "direct", "cmdline": "root=tmpfs mount.usr=PARTLABEL=lintel_1"}


def root(name, fstype="erofs", tree="root-trixie", **fields):
    return Case(name, sets=(Set(tree, fstype=fstype),),
                shows=(ROOT_ON_VERITY.format(fstype),), **fields)


def usr(name, fstype="erofs", tree="root-trixie", **fields):
    return Case(name, sets=(Set(tree, layout="usr", fstype=fstype),),
                shows=(USR_ON_VERITY.format(fstype),), **fields)


CASES = [
    root("boot-root-erofs", cpus=2),
    root("boot-direct", **DIRECT),
    root("boot-verity-words", firmware="direct", checked=False,
         cmdline="root=PARTLABEL=lintel_1 systemd.verity_root_data=/dev/vda1 "
                 "systemd.verity_root_options=panic-on-corruption"),
    root("boot-hot-disk", plug_at="coldplug: done", **DIRECT),
    root("boot-roothash", firmware="direct", cmdline="roothash={roothash}"),
    usr("boot-usr-erofs"),
    *(root(f"boot-root-{fstype}", fstype, checked=fstype == "ext4", **DIRECT)
      for fstype in ("squashfs", "ext4", "btrfs", "xfs")),
    *(root(f"boot-{bus}", bus=bus, checked=bus == "nvme", **DIRECT)
      for bus in ("virtio-scsi", "nvme", "ahci", "usb")),
    root("boot-sdhci", bus="sdhci", size="256M", checked=False, **DIRECT),
    root("boot-bookworm", tree="root-bookworm"),
    usr("boot-bookworm-usr", tree="root-bookworm", **DIRECT_USR),
    # The older one is signed too, but it must not run.
    Case("boot-newest-of-two", sets=(Set("canary", label="lintel_9"), Set(label="lintel_10"))),
]
