"""A kernel's modules: what a list of wishes needs, closed over every kind of dependency."""

import fnmatch
import gzip
import lzma
import re
import struct
from pathlib import Path

from .common import MALFORMED, MISSING, Fail, find_tool, read_input, run_tool

SUFFIXES = {
    ".ko": bytes,
    ".ko.xz": lzma.decompress,
    ".ko.gz": gzip.decompress,
    ".ko.zst": lambda data: run_tool([find_tool("zstd", "zstd"), "-dcq"], data),
}


def split_name(path):
    """(module name, suffix) of a path in modules.dep."""
    name, dot, suffix = path.rpartition("/")[2].partition(".ko")
    return name.replace("-", "_"), dot + suffix


def modinfo(image, where):
    """The .modinfo section of a module: {field: [values]}."""
    try:
        if image[:6] != b"\x7fELF\x02\x01":
            raise ValueError
        table, = struct.unpack_from("<Q", image, 0x28)
        size, count, names_index = struct.unpack_from("<HHH", image, 0x3A)
        sections = [struct.unpack_from("<IIQQQQ", image, table + i * size) for i in range(count)]
        names = sections[names_index][4]
        for name, _, _, _, offset, length in sections:
            if image.startswith(b".modinfo\0", names + name):
                fields = {}
                for entry in image[offset:offset + length].split(b"\0"):
                    key, equals, value = entry.decode(errors="replace").partition("=")
                    if equals:
                        fields.setdefault(key, []).append(value)
                return fields
    except (ValueError, IndexError, struct.error):
        pass
    raise Fail(MALFORMED, "BAD-MODULE", f"{where} is not a 64-bit kernel module with a .modinfo")


class Tree:
    """The indexes that depmod left in a folder of modules."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.paths, self.needs = {}, {}
        for line in self._lines("modules.dep", required=True):
            path, _, needs = line.partition(":")
            name = split_name(path)[0]
            self.paths[name] = path
            self.needs[name] = needs
        self.builtin = {split_name(line)[0]: line
                        for line in self._lines("modules.builtin", required=True)}
        self.soft, self.weak = self._pairs("softdep"), self._pairs("weakdep")
        self._aliases = None

    def _lines(self, name, required=False):
        path = self.directory / name
        if not path.exists():
            if required:
                raise Fail(MISSING, "NO-MODULES",
                           f"{path} is missing: is this a folder of modules, and has depmod run?")
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line and not line.startswith("#")]

    def _pairs(self, word):
        """softdep and weakdep lines: {module: ([names or aliases before it], [after it])}."""
        found = {}
        for line in self._lines(f"modules.{word}"):
            kind, name, *wishes = line.split()
            if kind != word:
                continue
            before, after = found.setdefault(name.replace("-", "_"), ([], []))
            current = after
            for wish in wishes:
                if wish in ("pre:", "post:"):
                    current = before if wish == "pre:" else after
                else:
                    current.append(wish)
        return found

    def find(self, wish):
        """The loadable modules that a name, an alias or a path glob stands for; None: nothing."""
        name = wish.replace("-", "_")
        if "/" in wish:
            return [found for found, path in sorted(self.paths.items())
                    if fnmatch.fnmatchcase(path.partition(".ko")[0], wish)]
        if name in self.paths:
            return [name]
        if name in self.builtin:
            return []
        return self._find_alias(name)

    def _find_alias(self, name):
        if self._aliases is None:  # as text: there are tens of thousands, and few are asked for
            lines = ["", *self._lines("modules.alias")]
            path = self.directory / "modules.builtin.modinfo"
            for entry in path.read_bytes().split(b"\0") if path.exists() else []:
                key, _, value = entry.decode(errors="replace").partition("=")
                if key.endswith(".alias"):
                    lines.append(f"alias {value} ")
            self._aliases = "\n".join(lines).replace("-", "_") + "\n"
        found = re.findall(rf"\nalias {re.escape(name)} (\S*)(?=\n)", self._aliases)
        return sorted(set(found) & set(self.paths)) if found else None

    def close(self, wishes):
        """Wishes [(name or glob, reason, optional)] to {module: reason}, needs before needers."""
        chosen, seen, nothing = {}, set(), ([], [])

        def add(name, reason):
            if name in seen:
                return
            seen.add(name)
            for need in reversed(self.needs[name].split()):
                add(split_name(need)[0], f"needed by {name}")
            before, after = self.soft.get(name, nothing)
            add_all(before, f"softdep of {name}")
            chosen[name] = reason
            add_all(after, f"softdep of {name}")
            add_all(self.weak.get(name, nothing)[1], f"weakdep of {name}")

        def add_all(wishes, reason):
            for wish in wishes:
                for found in self.find(wish) or []:
                    add(found, reason)

        for wish, reason, optional in wishes:
            found = self.find(wish)
            if found is None and not optional:
                raise Fail(MISSING, "NO-MODULE", f"{wish} ({reason}) is neither a module nor built "
                           f"in, in {self.directory}")
            for name in found or []:
                add(name, reason)
        return chosen

    def read(self, name, cache):
        """A module's bytes as the kernel wants them: decompressed, signature and all."""
        path = self.directory / self.paths[name]
        suffix = split_name(self.paths[name])[1]
        if suffix not in SUFFIXES:
            raise Fail(MALFORMED, "BAD-MODULE", f"{path}: unknown compression {suffix}")
        data = read_input(path, "module")
        if suffix == ".ko":
            return data
        try:
            return cache.file("ko", data, SUFFIXES[suffix]).read_bytes()
        except (lzma.LZMAError, OSError, EOFError) as error:
            raise Fail(MALFORMED, "BAD-MODULE", f"{path}: {error}") from None


def read_driver_set(folder, name, seen=()):
    """A driver set's wishes [(name or glob, reason, optional)], and those of its includes."""
    path = Path(folder) / f"{name}.conf"
    if name in seen:
        raise Fail(MALFORMED, "BAD-SET", f"driver set {name} includes itself")
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in Path(folder).glob("*.conf")))
        raise Fail(MISSING, "NO-SET", f"no driver set {name} in {folder}; there are: {known}")
    wishes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for other in words[1:]:
                wishes += read_driver_set(folder, other, (*seen, name))
        else:
            wishes += [(word.lstrip("?"), f"set {name}", word.startswith("?")) for word in words]
    return wishes


def read_firmware(folder, name):
    """Files [(name, bytes)] for one `firmware:` field, which may be a glob; none: []."""
    found = []
    for suffix, unpack in (("", bytes), (".xz", lzma.decompress), (".zst", SUFFIXES[".ko.zst"])):
        for path in sorted(Path(folder).glob(name + suffix)):
            if path.is_file():
                inner = str(path.relative_to(folder)).removesuffix(suffix)
                found.append((inner, unpack(read_input(path, "firmware"))))
        if found:
            return found
    return found
