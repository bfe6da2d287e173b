"""What an update has gathered, in the folder new/ of the set that does not run.

In new/: sent (the list that comes in), bundle and bundle.id (files as one deflate stream, and
what it is), $lib$epx$loop.py (a file that has arrived), list (what the next set will be).
The work on it is in otalisting, otabundle, otamerge and otacommit, loaded one after the other.
"""

from epx.otafiles import check_hash, close, read_head
from loader import verdict


class Stage:
    """The set that is being made. profile: what this device is; None accepts anything.

    buffer: for whoever works on it.
    sent: the file that takes a list; full: of a whole set; ask: only to see what is missing;
    files_left of it to come. needed: a bit for each file that has to be sent, the first one
    being bit 7 of byte 0; listed: it is known; complete: it is known that none has to be.
    """

    sent = None

    def __init__(self, profile, buffer):
        from loader import sets

        running = sets.read()
        self.base = verdict.chosen or (running.name if running else None)
        self.target = sets.other(self.base) if self.base else "a"
        self.head = read_head("/%s/set.txt" % self.base)
        self.profile = profile or self.head.get("profile")
        self.new = "/%s/new/" % self.target
        self.buffer = buffer
        self.close()

    def close(self):
        """Let go of what is open; what has arrived stays."""
        if self.sent:
            close(self.sent)
        self.sent = None
        self.full = self.ask = self.listed = self.complete = False
        self.files_left = 0
        self.needed = b""

    def staged(self):
        """Is there something to commit?"""
        return bool(read_head(self.new + "list"))

    def is_there(self, path, size, sha256):
        """Job: is path this file?"""
        return check_hash(path, size, sha256, self.buffer)
