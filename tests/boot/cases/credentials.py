"""Credentials for the host: of the stub, SMBIOS, fw_cfg and the UKI's own line, and what stays out."""

from case import Case, Extra, Set, service

REPORT = """#!/bin/sh
exec > /dev/ttyS0 2>&1
export SYSTEMD_COLORS=0 SYSTEMD_PAGER=
echo
say() { sed "s|^|LINTEL-TEST-$1 |"; }
systemd-creds --system list | say CREDS
ls -l /run/credentials/@system | say SYSTEM
ls -ld /run/credentials/@system | say SYSTEM
findmnt --noheadings --output FSTYPE,OPTIONS /run/credentials/@system | say MOUNT
findmnt --noheadings --output OPTIONS /run/credentials/@encrypted | say MOUNT-ENCRYPTED
for name in lintel.fw lintel.binary lintel.word lintel.twice; do
	echo "$name=$(cat /run/credentials/@system/$name)"
done | say VALUE
systemd-creds decrypt --name=lintel.secret /run/credentials/@encrypted/lintel.secret - | say SECRET
ls /run/credentials/@encrypted | wc -l | say COUNT
cat /root/.ssh/authorized_keys | say KEY
cat /proc/sys/kernel/hostname | say HOSTNAME
"""
REPORTER = Extra("report.sysext.raw", files=service(
    "credentials", REPORT, "systemd-tmpfiles-setup.service systemd-sysext.service systemd-pcrphase.service"))

# By `systemd-creds encrypt --with-key=null`: a host without Secure Boot and TPM accepts such.
SECRET = """BYRp2vb1QySABUnaD46i+yAAAAABAAAADAAAABAAAADPOsggLOecCigbaV8AAAAA0JfVzf1/KCWW451
V2Q5dDaLY2tg/dCZmZJrnLSiKsIWG5GzRzALfkJdVNjZ/uQxAWU4/UEQBHNtRRfLsAs4=
"""


def stub(name, text=SECRET, **fields):
    return Extra(f"{name}.cred", folder="credentials", text=text, **fields)


SMBIOS = tuple(f"io.systemd.credential{text}" for text in (
    ":system.hostname=told", ":ssh.authorized_keys.root=ssh-ed25519 AAAAC3Nz lintel",
    ".binary:lintel.binary=YmFzZTY0", ":lintel.twice=second", ":../lintel=x", f":{'a' * 256}=x",
    ".binary:lintel.bad=%", ":cryptsetup.passphrase=x", ":systemd.extra-unit.bad.service=x"))
FW_CFG = (("lintel.fw", "machine"), ("lintel.twice", "first"), ("udev.rules.bad", "x"))


def host(name, words="", **fields):
    return Case(name, sets=(Set(layout="usr"),), firmware="direct", smbios=SMBIOS, fw_cfg=FW_CFG,
                cmdline=f"root=tmpfs mount.usr=PARTLABEL=lintel_1 systemd.set_credential=lintel.word:line {words}",
                **fields)


def left_out(name, source, why):
    return rf"note: credential {name} of {source} is left out: {why}"


CASES = [
    host("credential-host", checked=False, extra=(REPORTER, stub("lintel.secret"), stub("b:d")), shows=(
        r"LINTEL-TEST-CREDS lintel.word +", r"LINTEL-TEST-CREDS ssh.authorized_keys.root +",
        r"LINTEL-TEST-SYSTEM -r-------- 1 root root +7 .* lintel.fw$", "LINTEL-TEST-SYSTEM drwx------ .*@system",
        r"LINTEL-TEST-MOUNT (tm|ra)..?fs +ro,nosuid,nodev,noexec", r"LINTEL-TEST-MOUNT-ENCRYPTED ro,nosuid,nodev,noexec",
        "LINTEL-TEST-VALUE lintel.fw=machine", "LINTEL-TEST-VALUE lintel.binary=base64",
        "LINTEL-TEST-VALUE lintel.word=line", "LINTEL-TEST-VALUE lintel.twice=first",
        "LINTEL-TEST-SECRET opened", "LINTEL-TEST-KEY ssh-ed25519 AAAAC3Nz lintel",
        "LINTEL-TEST-HOSTNAME told",
        left_out("lintel.twice", "SMBIOS", "an earlier one has this name"),
        left_out("../lintel", "SMBIOS", "not a credential's name"),
        left_out("a{64}", "SMBIOS", "not a credential's name"),
        left_out("lintel.bad", "SMBIOS", "no base64"),
        left_out("cryptsetup.passphrase", "SMBIOS", "it would"),
        left_out("systemd.extra-unit.bad.service", "SMBIOS", "it would"),
        left_out("udev.rules.bad", "fw_cfg", "it would"),
        left_out("b:d", "the ESP", "not a credential's name")),
        hides=(r"LINTEL-TEST-(CREDS|SYSTEM) .*(cryptsetup|extra-unit|udev|lintel\.bad)",)),
    host("credential-encrypted", "lintel.credentials=encrypted", extra=(REPORTER, stub("lintel.secret")),
         shows=("LINTEL-TEST-SECRET opened", "LINTEL-TEST-SYSTEM total 0"), checked=False,
         hides=("LINTEL-TEST-HOSTNAME told", r"LINTEL-TEST-CREDS (system|lintel\.(word|fw|twice|binary))",
                "LINTEL-TEST-KEY ssh")),
    # Sealed to this TPM and to what signs PCR 11: the host needs the signature that the stub gave the initrd.
    Case("credential-tpm", sets=(Set(layout="luks", fstype="ext4"),), policy="root=encrypted:=unused+absent",
         extra=(REPORTER, stub("lintel.secret", "told by the TPM", encrypt=True)), host_unsealed=1, checked=False,
         phases="enter-initrd,enter-initrd:leave-initrd:sysinit:ready",
         shows=("LINTEL-TEST-SECRET told by the TPM",)),
    # 1 MiB and a byte is over by itself; of the others none is lost.
    Case("credential-many", checked=False, firmware="direct", cmdline="root=PARTLABEL=lintel_1", extra=(
        REPORTER, stub("big", "a" * ((1 << 20) + 1)), *(stub(f"c{i}", "x") for i in range(1000))),
        shows=("LINTEL-TEST-COUNT 1000", left_out("big", "the ESP", "all are over 1 MiB"))),
]
