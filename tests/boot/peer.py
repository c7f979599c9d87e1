#!/usr/bin/python3
"""
The attack scenarios against another initrd: dracut's with systemd, in a signed and measured UKI, set up as a
careful builder would. `make attack PEER=systemd [CASE=name]`. Nothing here fails: it tells how each boot ended.
"""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "images")]

from case import BOOT, Case, Set  # noqa: E402
from order import boots  # noqa: E402
from qemu import BUILD, REPO, Machine, accelerator  # noqa: E402

PEER = BUILD / "peer"
# dracut at its leanest: no module that these roots have no use for.
DRACUT_OMITS = ("btrfs hwdb lunmask nvdimm overlay-root resume virtfs virtiofs "
                "systemd-battery-check")
# What systemd-cryptsetup opens by dlopen(). dracut's tpm2-tss module would ask for tpm2-tools, too.
DRACUT_TPM = ("libtss2-esys.so.0 libtss2-mu.so.0 libtss2-rc.so.0 libtss2-sys.so.1 "
              "libtss2-tcti-device.so.0 cryptsetup/libcryptsetup-token-systemd-tpm2.so")
DRIVERS = "virtio_pci virtio_blk dm_mod dm_verity dm_crypt xts aesni_intel algif_skcipher ext4 erofs overlay loop"


def dracut(run, version, output, adds, *words, tpm=False):
    """Makes an initrd by the dracut of the tools tree; `run` carries out a command."""
    libraries = " ".join(f"/usr/lib/x86_64-linux-gnu/{name}" for name in DRACUT_TPM.split())
    run(REPO / "images/tree", "exec", "tools", "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "dracut", "--force",
        "--no-hostonly", "--no-hostonly-cmdline", "--add", adds, *words,
        *(["--install", libraries] if tpm else []), "--kver", version, output)


# No shell, no wait without end, nothing mounted that the policy does not name (kernel-command-line(7),
# systemd.image-policy(7), dracut.cmdline(7)). The default wait for a device cuts off a key derivation on a
# slow machine, and looks like a refusal.
STRICT = "rd.shell=0 rd.emergency=halt systemd.show_status=yes systemd.default_device_timeout_sec=240 ro"
# The root hash stands in the signed line, which is more than a signature by a key that signs many images. Without
# rd.timeout= dracut would wait for the root device for ever.
VERITY = (f"{STRICT} rd.timeout=90 root=/dev/mapper/root rootfstype=erofs roothash={{roothash}} "
          "systemd.image_policy=root=verity+signed:=unused+absent")
# systemd-gpt-auto-generator(8) in a measured UKI: tpm2-device=auto, tpm2-measure-pcr=yes.
LUKS = f"{STRICT} root=gpt-auto rootfstype=ext4 systemd.image_policy=root=encrypted:=unused+absent"
# Words that are added from outside of the UKI are measured into PCR 12, where nothing else is.
SEALED = Set(layout="luks", fstype="ext4", pcrs="12:sha256")


@dataclass(frozen=True)
class Row:
    """A case of the suites, and what is other for the peer; `lintel`: the case that tells of lintel."""

    name: str
    what: str
    fields: tuple = ()
    control: bool = False       # it must boot
    case: Case = None
    lintel: str = ""


def row(name, what, control=False, case=None, lintel="", **fields):
    return Row(name, what, tuple(fields.items()), control, case, lintel or name)


SHELL = (r"[#$] $", "echo SHELL-$((6*7))\r")
TYPED = (r"(?i)passphrase for disk", "known\r")

ROWS = (
    row("boot-verity", "nothing: must boot", control=True, case=Case("boot-verity")),
    row("boot-luks", "nothing: must boot, by the TPM", control=True),
    row("a01-own-volume", "the attacker's volume, whose passphrase is typed", answers=(TYPED,)),
    row("a01-own-volume-credential", "the same, passphrase given as a credential by SMBIOS"),
    row("a01-plain-root", "a plain file system with the root's type"),
    row("a10-null-slot-and-segment", "null cipher in slot and segment"),
    row("refuse-luks-null-cipher", "null cipher in the segment, genuine token"),
    row("a12-evil-second-header", "null cipher in the second header, first one broken"),
    row("a11-segment-linear", "segment of type linear"),
    row("refuse-luks-requirement", "an unknown requirement in the header"),
    row("a15-memory", "a key slot of 4 GiB Argon2"),
    row("a36-no-tpm", "no TPM"),
    row("refuse-luks-other-tpm", "another TPM"),
    row("refuse-luks-other-pcr-key", "a UKI whose PCR 11 another key signed"),
    row("refuse-plain-root", "a plain root instead of the verified one"),
    row("a20-tree-zeroed", "the hash tree zeroed"),
    row("a21-salt", "another salt in the superblock"),
    row("refuse-data-bits", "a bit turned in each block of the data"),
    row("a44-zfs-labels", "labels of another file system in the data"),
    row("refuse-cloned-disk-first", "a copy of the boot disk, found first"),
    row("a28-smbios-init", "init=/bin/sh by SMBIOS", answers=(SHELL,)),
    row("a28-smbios-verity-off", "systemd.verity=0 by SMBIOS"),
    row("a28-luks-init", "init=/bin/sh by SMBIOS, encrypted root", answers=(SHELL,), lintel="a28-init",
        case=Case("a28-luks-init", sets=(SEALED,), appended="init=/bin/sh")),
    row("a28-luks-break", "rd.break rd.shell=1 by SMBIOS, encrypted root",
        answers=((r"Press Enter for (system )?maintenance", "\r"), SHELL), lintel="a28-break",
        case=Case("a28-luks-break", sets=(SEALED,),
                  appended="rd.break=pre-mount rd.shell=1 systemd.setenv=SYSTEMD_SULOGIN_FORCE=1 "
                  "SYSTEMD_SULOGIN_FORCE=1")),
)

ASKS = re.compile(r"(?i)enter (passphrase|recovery key|pin)|passphrase for disk")
OFFERS_SHELL = re.compile(r"Press Enter for (system )?maintenance|Give root password")
IN_SHELL = "SHELL-42"  # what the command typed there prints: it was carried out
ANSWERED = 45  # seconds after a question that nobody answers: it waits, then
OFF = re.compile(r"reboot: (System halted|Power down|Restarting)")


def load_run():
    loader = importlib.machinery.SourceFileLoader("run", str(HERE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


def make_initrd(builder):
    """Made once; dracut takes more than a minute."""
    version, _ = builder.kernel("tools")
    keys = [BUILD / f"keys/{name}.crt" for name in ("secureboot", "verity")]
    output = PEER / f"systemd-{version}.initrd"
    newest = max(path.stat().st_mtime for path in (*keys, Path(__file__)))
    if output.exists() and output.stat().st_mtime > newest:
        return output
    shutil.rmtree(PEER, ignore_errors=True)
    (PEER / "add/etc/verity.d").mkdir(parents=True)
    (PEER / "add/usr/sbin").mkdir(parents=True)
    for key in keys:
        shutil.copy(key, PEER / "add/etc/verity.d")
    for name in ("halt", "poweroff", "reboot"):  # the package systemd-sysv, which the tree has not
        (PEER / f"add/usr/sbin/{name}").symlink_to("../bin/systemctl")
    dracut(builder.run, version, PEER / "new", "systemd-veritysetup systemd-cryptsetup systemd-pcrphase systemd-sysext",
           "--omit", DRACUT_OMITS, "--include", PEER / "add", "/", "--add-drivers", DRIVERS,
           "--compress", "zstd -3", tpm=True)
    return (PEER / "new").rename(output)


def peer_case(known, wanted):
    """The suite's case, with the words of the peer instead of lintel's."""
    case = wanted.case or known[wanted.name]
    luks = any(part.layout == "luks" for part in case.sets) or "encrypted" in case.policy
    sets = tuple(SEALED if part.layout == "luks" else part for part in case.sets)
    fields = {"firmware": "secureboot", "kernel": "root-trixie", "memory": 1536, "timeout": 600,
              "cmdline": LUKS if luks else VERITY, "sets": sets}
    if not luks and all(part.layout == "plain" for part in sets):
        # the hash that the builder's own image has; the attacker's has none
        fields["cmdline"] = VERITY.replace("{roothash}", "5a" * 32)
    return replace(case, **fields, **dict(wanted.fields))


def watch(machine, case, log):
    """What the console showed until the machine was off, or its time was up."""
    seen = dict.fromkeys(("canary", "up", "asked", "shell", "offered", "halted", "ended"), False)
    with contextlib.suppress(TimeoutError):
        for line in machine.lines(case.answers):
            log.write(line + "\n")
            seen["canary"] |= "LINTEL-CANARY-RAN" in line
            seen["up"] |= "LINTEL-TEST-OK" in line
            seen["asked"] |= bool(ASKS.search(line))
            seen["shell"] |= line.startswith(IN_SHELL)
            seen["offered"] |= bool(OFFERS_SHELL.search(line))
            if seen["asked"] and not case.answers:
                machine.shorten(ANSWERED)
            seen["halted"] |= bool(OFF.search(line))
            if seen["canary"] or seen["up"] or seen["halted"] or seen["shell"]:
                machine.shorten(5)
        seen["ended"] = True
    return seen


def verdict(seen, unseals, timeout):
    """(class, what happened) in the words of the table."""
    key = f", {unseals} secret{'s' * (unseals != 1)} unsealed" if unseals else ""
    if seen["canary"]:
        return "unverified", f"runs the attacker's program{key}"
    if seen["shell"]:
        return "shell", f"a root shell that carries out commands{key}"
    if seen["offered"]:
        return "shell", f"offers a root shell{key}"
    if seen["up"]:
        return "boots", f"boots{key}"
    if seen["halted"] or seen["ended"]:
        return "refused", f"{'asks for a passphrase, ' * seen['asked']}halts{key}"
    if seen["asked"]:
        return "refused", f"asks for a passphrase{key}"
    return "hangs", f"no end in {timeout} s{key}"


def attack(run, builder, case):
    """Boots one case with the builder's initrd: (class, what happened, seconds)."""
    logs = BUILD / "log/peer"
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=builder.scratch) as folder:
        guest = run.prepare(builder, case, Path(folder))
        start = time.monotonic()
        with (open(logs / f"{case.name}.log", "w", encoding="utf-8", buffering=1) as log,
              Machine(guest, case.timeout) as machine):
            seen = watch(machine, case, log)
        told = guest.tpm_state and guest.tpm_state / "log"
        text = told.read_text(encoding="ascii", errors="replace") if told and told.exists() else ""
        if text:
            (logs / f"{case.name}.tpm").write_text(text, encoding="ascii", errors="replace")
        unseals = sum(name == "unseal" for events, _ in boots(text) for name, _ in events)
    return *verdict(seen, unseals, case.timeout), time.monotonic() - start


def lintel_says(wanted, known):
    case = known.get(wanted.lintel)
    if wanted.control or (case and case.expect == BOOT):
        return "boots"
    return f"refused: `{case.expect}`"


def write_table(known, results):
    """Rewrites the rows below the table's head in the page of the attacks; those that were not run stay."""
    page = REPO / "tests/attacks/README.md"
    head = "| scenario | what the attacker does | dracut + systemd | lintel |\n|---|---|---|---|\n"
    before, _, after = page.read_text(encoding="utf-8").partition(head)
    old = re.match(r"(\|.*\n)*", after)[0]
    kept = {line.split("`")[1]: line.split(" | ")[2] for line in old.splitlines()}
    told = kept | {name: what for name, (_, what) in results.items()}
    rows = "".join(f"| `{row.name}` | {row.what} | {told[row.name]} | {lintel_says(row, known)} |\n"
                   for row in ROWS if row.name in told)
    rest = after[len(old):]
    page.write_text(before + head + rows + rest, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=("systemd",))
    parser.add_argument("case", nargs="*", help="parts of names; none: all")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true", help="the table in tests/attacks/README.md")
    options = parser.parse_args()
    run = load_run()
    known = {case.name: case for suite in run.SUITES.values() for case in run.load_cases(suite)}
    rows = [row for row in ROWS if not options.case or any(part in row.name for part in options.case)]
    if options.list:
        print(*(row.name for row in rows), sep="\n")
        return 0
    subprocess.run([REPO / "images/keys"], check=True)
    (BUILD / ".tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD / ".tmp", prefix="peer-") as folder:
        builder = run.Builder(SimpleNamespace(initrd=None, init=BUILD / "init", cmdline="", memory=0), Path(folder))
        for tree in ("tools", "root-trixie", "canary"):
            builder.tree(tree)
        builder.options.initrd = make_initrd(builder)
        accelerator()
        kept = PEER / "results.json"
        for wanted in rows:
            kind, what, seconds = attack(run, builder, peer_case(known, wanted))
            print(f"{kind:10} {wanted.name:28} {seconds:5.1f} s  {what}", flush=True)
            results = json.loads(kept.read_text(encoding="ascii")) if kept.exists() else {}
            kept.write_text(json.dumps(results | {wanted.name: (kind, what)}, indent=1), encoding="ascii")
            if wanted.control and kind != "boots":
                print(f"peer: {wanted.name} must boot: what follows says nothing", file=sys.stderr)
                return 1
    if options.write:
        write_table(known, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
