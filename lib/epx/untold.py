"""What the reboot before was about, if nobody could be told yet; only needed at a reboot."""

from epx import diag


def add(words):
    """words, or how an update ended: the next boot says it instead."""
    told = (diag.last_words("reboot.txt") or "").split("before: ")[-1]
    return "before: " + told if " failed" in told else words
