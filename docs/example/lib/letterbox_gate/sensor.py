"""What letterboxes have told, for the house; and what the house has to tell them."""

from epx.topics import Source


class Letterboxes(Source):
    """now: NetNowCentral."""

    mail = None

    def __init__(self, now):
        self._now = now
        self._identity = None

    def heard_mail(self, mail):
        self._identity = self._now.sender
        self.mail = mail
        self.announce("mail")

    def let_sleep(self, minutes):
        if self._identity:
            self._now.send_back(self._identity, b"cmnd/Letterbox/Sleep\n%d" % minutes)
