"""systemd-boot itself on the ESP: tries that run down, and the entry that lintel chooses for once."""

from case import BOOT, Case, Entry

# Refused in no time: no version of this image is allowed.
BROKEN = "lintel.minimum_version=9"
OLDER = Entry("lintel_1.efi", "lintel.report")
REFUSED = "LINTEL-E-VERSION"


def loader(name, newer, words, *shows, expect=BOOT, **fields):
    return Case(f"loader-{name}", expect, cmdline=words, shows=shows, **{
        "entries": (Entry(newer, BROKEN), OLDER), "reboots": True, "timeout": 600, **fields})


CASES = [
    # Two tries, both refused; then systemd-boot takes the older one, and its boot clears what was counted. It
    # would not while a try is left: so both were counted in the file's name, too.
    loader("tries-run-down", "lintel_2+2-0.efi", "lintel.on_failure=reboot",
           r"note: an earlier boot was refused: count=1", r"note: an earlier boot was refused: count=2",
           "result loader:clear status=done"),
    # One boot of the older, by the loader's one-shot entry; by itself, and by the menu's key.
    loader("fallback", "lintel_2.efi", "lintel.on_failure=fallback", "The next boot is of lintel_1.efi",
           "^Rebooting", "result loader:clear status=done", checked=False),
    loader("menu-other", "lintel_2.efi", "lintel.on_failure=recover lintel.pause=60",
           "The next boot is of lintel_1.efi", "^Rebooting", answers=((r"\[o\] start", "o"),), checked=False),
    # Nobody asked for a reboot; and where the older one is broken, too, it does not go on for ever.
    loader("tries-poweroff", "lintel_2+2-0.efi", "", "^Powering off", expect=REFUSED, checked=False,
           hides=("^Rebooting",)),
    loader("tries-end", "lintel_2+2-0.efi", "lintel.on_failure=reboot", "Too many refused boots in a row",
           expect=REFUSED, entries=(Entry("lintel_2+2-0.efi", BROKEN), Entry("lintel_1.efi", BROKEN)),
           checked=False),
]
