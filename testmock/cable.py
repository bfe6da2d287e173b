"""How a cable gets a link: the part of the ESP32's Ethernet driver that programs see."""

from testmock.radio import Link

_STOPPED = 2
_CONNECTED = 3
_DISCONNECTED = 4
_GOT_IP = 5


class Ethernet(Link):
    """A cable that is plugged, or not."""

    def __init__(self, clock):
        super().__init__(clock)
        self.link_ms = 2000
        self.mac = b"\x24\x0a\xc4\x00\x00\x04"
        self.constructed = []
        self._plugged = True
        self._code = None
        self._since_us = 0

    @property
    def plugged(self):
        return self._plugged

    @plugged.setter
    def plugged(self, there):
        self.update()
        self._plugged = there
        self._since_us = self.clock.now_us()
        if not there:
            self._down()

    @property
    def status(self):
        return self.report()

    @status.setter
    def status(self, code):
        """Report code whatever the cable does; 5 (got an address) ends that."""
        self.update()
        self._code = None if code == _GOT_IP else code
        self._since_us = self.clock.now_us()
        if self._code is not None:
            self._down()

    def activate(self, on):
        if on and not self._active:
            self.activations += 1
            self._since_us = self.clock.now_us()
        if not on and self._active:
            self._down(True)
        self._active = on

    def update(self):
        if not self._linked and self._active and self._plugged and self._code is None:
            if self.clock.now_us() - self._since_us >= self.link_ms * 1000:
                self._up()

    def report(self):
        self.update()
        if self._code is not None:
            return self._code
        if not self._active:
            return _STOPPED
        if self._linked:
            return _GOT_IP
        return _CONNECTED if self._plugged else _DISCONNECTED
