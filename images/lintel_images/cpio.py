"""A reproducible newc archive: the same entries give the same bytes."""

import stat
from pathlib import PurePosixPath


class Archive:
    """Entries in the order they were added; parent folders are added when first needed.

    An archive may follow a previous one in the same initrd: it goes on with its folders and inodes.
    """

    def __init__(self, mtime=0, previous=None):
        self.mtime = mtime
        self.inode = previous.inode if previous else 1
        self.names = previous.names if previous else set()
        self.blob = bytearray()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        for parent in reversed(PurePosixPath(name).parents):
            if str(parent) != "." and str(parent) not in self.names:
                self.folder(str(parent))
        links = 2 if stat.S_ISDIR(mode) else 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, links, self.mtime, len(data), 0, 0, *rdev,
                  len(encoded), 0)
        self.blob += b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        self.blob += bytes(-len(self.blob) % 4) + data
        self.blob += bytes(-len(self.blob) % 4)
        self.inode += 1
        self.names.add(name)

    def folder(self, name, mode=0o755):
        if name not in self.names:
            self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def finish(self):
        """The archive's bytes, with the trailer."""
        self.inode, self.mtime = 0, 0
        self._entry("TRAILER!!!", 0)
        self.names.discard("TRAILER!!!")
        return bytes(self.blob)
