"""
Firmware that an image of the initrd's scope brings: a driver from the same image asks for it, before the
root's disk is there. A driver that the root does not need is left to the host, with the host's firmware.
"""

from case import Case, Extra, service

INITRD = "ID=lintel\nSYSEXT_SCOPE=initrd\nSYSEXT_VERSION_ID=7\n"
MODULES = ("bochs", "drm_vram_helper", "drm_ttm_helper", "ttm", "drm_kms_helper", "drm")
REPORT = """#!/bin/sh
exec > /dev/console
echo
for file in /sys/class/drm/card*-*/edid; do tr -cd '[:print:]' < $file | sed 's|^|LINTEL-TEST-SCREEN |'; echo; done
"""
REPORTER = Extra("report.sysext.raw", files=service("screen", REPORT, "systemd-sysext.service"))


def edid(name):
    """A monitor's 128 bytes (VESA E-EDID 1.4): one resolution, one name."""
    timing = bytes.fromhex("6419004041002630188836000ee31000001e")  # 1024x768, 65 MHz
    data = (bytes.fromhex("00ffffffffffff00 0421 0100 01000000 0122 0104 a5 34 1d 78 02") +
            bytes.fromhex("ee91a3544c99260f5054 000000") + b"\1\1" * 8 + timing +
            b"\0\0\0\xfc\0" + name.ljust(13).encode() + bytes((0, 0, 0, 0x10, 0)) + bytes(13) +
            bytes((0, 0, 0, 0x10, 0)) + bytes(13) + b"\0")
    return data + bytes((-sum(data) % 256,))


def screen(*files):
    return Extra("screen.sysext.raw", release=INITRD, modules=MODULES, files=files)


def case(name, *files, **fields):
    return Case(f"extension-initrd-{name}", checked=False, firmware="direct", drivers=("virtual",),
                cmdline="root=PARTLABEL=lintel_1 drm.edid_firmware=edid/lintel.bin",
                devices=("-device", "bochs-display"), plug_at="again:pci:v00001234.*: done",
                extra=(REPORTER, screen(*files)), **fields)


ASKED_IN_VAIN = "Requesting EDID firmware .* failed"
SHOWN = "LINTEL-TEST-SCREEN .*lintel screen"
CASES = [
    case("firmware", ("usr/lib/firmware/edid/lintel.bin", edid("lintel screen")),
         shows=(SHOWN,), hides=(ASKED_IN_VAIN,)),
    case("no-firmware", shows=(ASKED_IN_VAIN,), hides=(SHOWN,)),
]
