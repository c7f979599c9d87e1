"""
A machine stopped right before its kernel starts /init, from which any number of boots go on: what
lintel does is new each time, firmware and kernel are not started again. All of the machine but its
disks is in one file, QEMU's migration stream.
"""

import json
import shlex
import socket
from dataclasses import replace

from qemu import Machine, lost_by_qemu

# the kernel's last words before /init; it has waited for the initrd to be unpacked before
READY = ("Checked W+X mappings", "Run /init")
# A machine that goes on runs at once: whether this one ran is left out of the stream.
SAVED = ["-global", "migration.store-global-state=off"]


def save(machine, state):
    """Stops the guest and writes it to the file."""
    with socket.socket(socket.AF_UNIX) as control, control.makefile("rw") as stream:
        control.settimeout(60)
        control.connect(f"{machine.scratch}/qmp")
        tell = [{"capability": "events", "state": True}]
        for name, arguments in (("qmp_capabilities", {}), ("stop", {}),
                                ("migrate-set-capabilities", {"capabilities": tell}),
                                ("migrate", {"uri": f"exec:cat >{shlex.quote(str(state))}"})):
            stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            stream.flush()
        for line in stream:
            told = json.loads(line)
            status = told.get("data", {}).get("status")
            if "error" in told or status == "failed":
                raise OSError(f"QMP: {line.strip()}")
            if status == "completed":
                return
    raise OSError("QMP: QEMU ended before the machine was saved")


class Frozen:
    """`guest`, up to READY. Its disks may be any others of the same sizes when it goes on."""

    def __init__(self, guest, state, timeout):
        self.guest, self.state = guest, state
        for _ in range(3):
            said = self.start(timeout)
            if not said:
                return
            if not lost_by_qemu("\n".join(said)):
                break
        raise RuntimeError("the kernel did not come to /init:\n" + "\n".join(said[-20:]))

    def start(self, timeout):
        """What the machine said, if it ended before it was ready."""
        said = []
        with Machine(replace(self.guest, extra=[*self.guest.extra, *SAVED]), timeout) as machine:
            for line in machine.lines():
                said.append(line)
                if any(words in line for words in READY):
                    save(machine, self.state)
                    return []
        return said

    def guest_with(self, **changes):
        """The Guest that goes on, with these fields changed: none that changes the machine's devices."""
        more = [*SAVED, "-incoming", f"exec:cat {shlex.quote(str(self.state))}"]
        return replace(self.guest, extra=[*self.guest.extra, *more], **changes)
