#!/usr/bin/python3
"""The one place that knows how the guests of the boot tests run in QEMU."""

import argparse
import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LINTEL_BUILD", REPO / "build"))
FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
NO_KEYS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")  # the same firmware in setup mode: Secure Boot is off

BUSES = {
    "virtio-blk": ["-device", "virtio-blk-pci,drive={drive},bootindex={index}"],
    "virtio-scsi": ["-device", "virtio-scsi-pci,id=scsi{index}",
                    "-device", "scsi-hd,bus=scsi{index}.0,drive={drive},bootindex={index}"],
    "nvme": ["-device", "nvme,serial=lintel{index},drive={drive},bootindex={index}"],
    "ahci": ["-device", "ide-hd,bus=ide.{port},drive={drive},bootindex={index}"],
    "usb": ["-device", "qemu-xhci,id=xhci{index}",
            "-device", "usb-storage,bus=xhci{index}.0,drive={drive},bootindex={index}"],
    "sdhci": ["-device", "sdhci-pci", "-device", "sd-card,drive={drive}"],
}


@dataclass
class Guest:
    """
    A machine. Disks are (path, bus) pairs; they stay as they are. The firmware starts from number
    `boot_disk`; `hot` ones are SCSI disks that Machine.plug() adds.
    """

    disks: list
    boot_disk: int = 0
    hot: list = field(default_factory=list)
    kernel: Path = None
    initrd: Path = None
    cmdline: str = ""
    tpm_state: Path = None
    has_tpm: bool = True
    tpm_version: str = "2.0"
    memory: int = 512
    cpus: int = 2
    reboots: bool = False
    drive: str = ""             # more options of the first disk's drive
    lasting: bool = False       # what the guest writes to its disks stays there
    limit: int = 0              # requests a second of each disk; 0: as many as there are
    variables: Path = None      # the firmware's, which then last, too
    extra: list = field(default_factory=list)


def probe_kvm(kernel):
    """Whether KVM runs a real kernel, by that kernel's own words; /dev/kvm alone proves little."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = ["qemu-system-x86_64", "-machine", "q35,smm=on", "-accel", "kvm", "-cpu", "max",
               "-m", "256", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
               "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                              check=False)
    except subprocess.TimeoutExpired:
        return False
    return b"Kernel panic" in done.stdout


def accelerator():
    """QEMU's options for the best accelerator that works here; the probe's answer is kept."""
    note = BUILD / ".kvm-works"
    if not note.exists():
        kernels = sorted(BUILD.glob("kernels/*/vmlinuz"))
        if not kernels:
            raise FileNotFoundError("no kernel in build/kernels: run images/tree root-trixie")
        note.write_text("yes" if probe_kvm(kernels[-1]) else "no", encoding="ascii")
    if note.read_text(encoding="ascii") == "yes":
        return ["-accel", "kvm", "-cpu", "max"]
    return ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"]


def lost_by_qemu(text):
    """
    Whether the kernel fell before there was an /init: QEMU runs a jump that another processor has half
    written (int3), or spoils the flags of a cmpxchg16b (double fault).
    """
    return "Oops: " in text and "Run /init" not in text


def spoken(lines):
    """What programs said, without the kernel's lines, one of which may stand in the middle of a word."""
    return re.sub(r"\[ *\d+\.\d{6}\] .*\n?", "", "\n".join(lines))


def start_tpm(state, version="2.0"):
    """Starts a software TPM that ends with its machine; returns QEMU's options."""
    control = state / "socket"
    old = version == "1.2"
    subprocess.run(["swtpm", "socket", *([] if old else ["--tpm2"]), "--tpmstate", f"dir={state}",
                    "--ctrl", f"type=unixio,path={control}", "--terminate", "--daemon",
                    "--log", f"file={state}/log,level=20", "--pid", f"file={state}/pid"],
                   check=True, stdin=subprocess.DEVNULL)
    return ["-chardev", f"socket,id=tpm,path={control}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
            "-device", f"{'tpm-tis' if old else 'tpm-crb'},tpmdev=tpm"]


@contextlib.contextmanager
def host_tpm(state):
    """A software TPM with that state for tools of this machine; yields its name for systemd."""
    path = state / "host"
    subprocess.run(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}",
                    "--server", f"type=unixio,path={path}", "--ctrl", f"type=unixio,path={path}.ctrl",
                    "--flags", "not-need-init,startup-clear", "--daemon",
                    "--pid", f"file={state}/host.pid"], check=True, stdin=subprocess.DEVNULL)
    process = int((state / "host.pid").read_text(encoding="ascii"))
    handle = os.pidfd_open(process)
    try:
        yield f"swtpm:path={path}"
    finally:
        os.kill(process, signal.SIGTERM)
        select.select([handle], [], [])  # its state is whole when it has ended
        os.close(handle)


def command_line(guest, scratch):
    """The whole command line; `scratch` is an absolute folder, gone with the guest."""
    command = ["qemu-system-x86_64", "-machine", "q35,smm=on", *accelerator(),
               "-smp", str(guest.cpus), "-m", str(guest.memory), "-nodefaults", "-no-user-config",
               "-display", "none", "-serial", "stdio"]
    command += [] if guest.reboots else ["-no-reboot"]
    if guest.kernel:
        command += ["-kernel", str(guest.kernel), "-initrd", str(guest.initrd),
                    "-append", guest.cmdline]
    else:
        variables = guest.variables or scratch / "variables.fd"
        if not variables.exists():
            shutil.copyfile(VARIABLES, variables)
        command += ["-global", "driver=cfi.pflash01,property=secure,value=on",
                    "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}",
                    "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        state = guest.tpm_state or scratch / "tpm"
        state.mkdir(exist_ok=True)
        if guest.has_tpm:
            command += start_tpm(state, guest.tpm_version)
    writes = "snapshot=off" if guest.lasting else "snapshot=on"
    for number, (path, bus) in enumerate(guest.disks):
        drive = f"disk{number}"
        command += ["-drive", f"if=none,id={drive},format=raw,{writes},cache=unsafe,file={path}"
                    + (f",throttling.iops-total={guest.limit}" if guest.limit else "")
                    + (f",{guest.drive}" if guest.drive and not number else "")]
        index = 1 if number == guest.boot_disk else number + 2
        command += [word.format(drive=drive, index=index, port=number) for word in BUSES[bus]]
    command += ["-qmp", f"unix:{scratch}/qmp,server=on,wait=off"]
    if guest.hot:
        command += ["-device", "virtio-scsi-pci,id=hot"]
    for number, path in enumerate(guest.hot):
        command += ["-drive", f"if=none,id=hot{number},format=raw,snapshot=on,file={path}"]
    return command + guest.extra


def answer(process, answers, text):
    """Types the first answer where its question stands in the text, and takes it off the list."""
    if answers and re.search(answers[0][0], text):
        process.stdin.write(answers.pop(0)[1].encode())
        process.stdin.flush()


def read_lines(process, deadline, answers):
    """
    Yields the lines of a machine's console as they come; at the deadline, a TimeoutError. A question
    of the `answers` may stand in a line that has no end yet.
    """
    stream, pending, answers = process.stdout.fileno(), b"", list(answers)
    while True:
        left = deadline() - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            yield pending.decode(errors="replace")
            raise TimeoutError
        data = os.read(stream, 1 << 16)
        if not data:
            yield pending.decode(errors="replace")
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            answer(process, answers, line.decode(errors="replace"))
            yield line.decode(errors="replace").rstrip("\r")
        answer(process, answers, pending.decode(errors="replace"))


def read_message(stream):
    """The next message of a QMP connection; an error is raised."""
    message = json.loads(stream.readline() or '{"error": {"desc": "QEMU has ended"}}')
    if "error" in message:
        raise OSError(f"QMP: {message['error']['desc']}")
    return message


class Machine:
    """A running guest; leaving its `with` block ends it."""

    def __init__(self, guest, timeout):
        self.guest = guest
        self.end = time.monotonic() + timeout

    def __enter__(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="lintel-guest-"))
        self.process = subprocess.Popen(command_line(self.guest, self.scratch),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def shorten(self, seconds):
        """Moves the deadline nearer: the rest of the boot has that long."""
        self.end = min(self.end, time.monotonic() + seconds)

    def end_tpm(self):
        """The TPM goes away: what is asked of it from now on fails."""
        state = self.guest.tpm_state or self.scratch / "tpm"
        os.kill(int((state / "pid").read_text(encoding="ascii")), signal.SIGKILL)

    def qmp(self, *requests, until=None):
        """Carries out QMP requests, (name, arguments) pairs, and waits for an event that `until` is true of."""
        with socket.socket(socket.AF_UNIX) as control, control.makefile("rw") as stream:
            control.settimeout(60)
            control.connect(f"{self.scratch}/qmp")
            read_message(stream)
            came = not until
            for name, arguments in (("qmp_capabilities", {}), *requests):
                stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                stream.flush()
                while "return" not in (message := read_message(stream)):
                    came = came or until(message)
            while not came:
                came = until(read_message(stream))

    def stopped(self, *requests):
        """Carries out QMP requests at one moment of the guest."""
        self.qmp(("stop", {}), *requests, ("cont", {}))

    def plug(self):
        """Adds the hot disks, all at one moment of the guest."""
        self.stopped(*(("device_add", {"driver": "scsi-hd", "bus": "hot.0", "drive": f"hot{number}",
                                       "id": f"plug{number}"})
                       for number in range(len(self.guest.hot))))

    def save_memory(self, path):
        """Writes the guest's whole memory to a file: below 2 GiB it has no hole."""
        self.stopped(("pmemsave", {"val": 0, "size": self.guest.memory << 20,
                                   "filename": str(path)}))

    def lines(self, answers=()):
        return read_lines(self.process, lambda: self.end, answers)


def main():
    parser = argparse.ArgumentParser(
        description="Boot a disk with OVMF, Secure Boot and a TPM, console on stdout. Ends when "
        "the machine does, with 0 if the root reported that it is up with no failed unit.")
    parser.add_argument("disk", type=Path)
    parser.add_argument("--bus", choices=BUSES, default="virtio-blk")
    parser.add_argument("--kernel", type=Path, help="boot this kernel directly, without firmware")
    parser.add_argument("--initrd", type=Path)
    parser.add_argument("--cmdline", default="console=ttyS0 lintel.report")
    parser.add_argument("--memory", type=int, default=512, metavar="MIB")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    parser.add_argument("--interactive", action="store_true",
                        help="no deadline, console on this terminal (Ctrl-A X ends it)")
    options = parser.parse_args()
    guest = Guest([(options.disk, options.bus)], kernel=options.kernel, initrd=options.initrd,
                  cmdline=options.cmdline, memory=options.memory)
    if options.interactive:
        with tempfile.TemporaryDirectory(prefix="lintel-guest-") as scratch:
            command = command_line(guest, Path(scratch))
            command[command.index("-serial") + 1] = "mon:stdio"
            return subprocess.run(command, check=False).returncode
    good = False
    with Machine(guest, options.timeout) as machine:
        try:
            for line in machine.lines():
                print(line, flush=True)
                if line.startswith("LINTEL-TEST-OK"):
                    good = line == "LINTEL-TEST-OK failed=0"
                    machine.shorten(5)
                elif "LINTEL-E-" in line or "Kernel panic" in line:
                    machine.shorten(10)
        except TimeoutError:
            if not good:
                print("the guest did not come up", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"qemu: {error}")
