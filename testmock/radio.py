"""How a station gets on the air: the part of the ESP32's driver that programs see.

Nothing happens in the background: each question looks at the clock first.
"""

_IDLE = 1000
_CONNECTING = 1001
_GOT_IP = 1010
_BEACON_TIMEOUT = 200
_NO_AP_FOUND = 201
# What a program that sets nothing has (ESP-IDF): b, g and n; modem sleep while connected.
_DEFAULTS = {"protocol": 7, "pm": 1, "txpower": 20.0}
# How long it listens on each of the 13 channels while it looks for its access point.
_SCAN_MS = 120


class Link:
    """What every kind of link has: when it is up, and who wants to know that it went down."""

    def __init__(self, clock):
        self.clock = clock
        self.address = "192.168.1.7"
        self.on_down = None
        self.history = []
        self._active = False
        self._linked = False
        # Settings of the interface that a program may make.
        self.settings = {}
        self.activations = 0
        self.reconnects = -1

    def restart(self):
        """The processor was reset."""
        self._down()
        self._active = False
        self.settings = {}
        self.reconnects = -1

    def active(self):
        return self._active

    def is_up(self):
        self.update()
        return self._linked

    def ifconfig(self, wanted):
        if wanted is not None:
            if wanted != "dhcp":
                self.address = wanted[0]
            return None
        if not self.is_up():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        gateway = self.address[: self.address.rindex(".")] + ".1"
        return (self.address, "255.255.255.0", gateway, gateway)

    def config(self, name=None, **settings):
        if name == "mac":
            return self.mac
        if name:
            return self.settings[name]
        self.settings.update(settings)
        self.reconnects = self.settings.get("reconnects", -1)

    def _up(self):
        if not self._linked:
            self._linked = True
            self.history.append((self.clock.now_us() // 1000, True))

    def _down(self, deactivated=False):
        if self._linked:
            self._linked = False
            self.history.append((self.clock.now_us() // 1000, False))
            if self.on_down:
                self.on_down(deactivated)
        elif deactivated and self.on_down:
            self.on_down(True)


class Wifi(Link):
    """A station and the access point it looks for.

    While a connection is wanted, the radio tries again by itself after each failure, as the
    ESP32's driver does. Stories set associate_ms, rssi_dbm, available, status (what comes of an
    attempt), channel (of the access point).
    """

    def __init__(self, clock):
        super().__init__(clock)
        self.associate_ms = 2000
        self._channel = self._tuned = 1
        self._on_us = 0
        self.rssi_dbm = -60
        self.connects = []
        self.mac = b"\x24\x0a\xc4\x00\x00\x01"
        # A poll that raises OSError while the interface is down: seen on boards.
        self.poll_raises = False
        self._outcome = _GOT_IP
        self._wanted = False
        self._reason = 0
        self._since_us = 0
        self._tries = 0

    # For stories.

    @property
    def status(self):
        return self.report()

    @status.setter
    def status(self, outcome):
        """What comes of every attempt from now on; all but 1010 end a connection at once."""
        self.update()
        self._outcome = outcome
        self._since_us = self.clock.now_us()
        if outcome == _GOT_IP:
            self._tries = 0
        else:
            if self._linked:
                self._reason = outcome
            self._down()

    @property
    def available(self):
        return self._outcome != _NO_AP_FOUND

    @available.setter
    def available(self, there):
        self.status = _GOT_IP if there else _NO_AP_FOUND

    @property
    def channel(self):
        return self._channel

    @channel.setter
    def channel(self, number):
        """The access point moves; its stations lose it, and look for it."""
        self.drop()
        self._channel = number

    def drop(self):
        """The access point throws the station out, once."""
        self.update()
        if self._linked:
            self._reason = _BEACON_TIMEOUT
            self._since_us = self.clock.now_us()
            self._tries = 0
            self._down()

    # For network.py and the radio.

    def tuned(self):
        """The channel that the interface listens on at this moment."""
        if self._is_looking():
            return 1 + self.clock.now_us() // (1000 * _SCAN_MS) % 13
        return self._tuned

    def _is_looking(self):
        """Does it search for its access point, from channel to channel?"""
        self.update()
        patient = self.reconnects < 0 or self._tries <= self.reconnects
        return self._wanted and not self._linked and patient

    def on_us(self):
        """How long the interface has been active in all, in microseconds; for the energy."""
        return self._on_us + (self.clock.now_us() if self._active else 0)

    def config(self, name=None, **settings):
        if name == "channel":
            return self.tuned()
        if name in _DEFAULTS:
            return self.settings.get(name, _DEFAULTS[name])
        number = settings.pop("channel", None)
        if number is not None:
            self._tune(number)
        return super().config(name, **settings)

    def _tune(self, number):
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._linked or self._is_looking():
            # Where its access point is, or may be, is not the program's choice.
            raise OSError("Wifi Internal State Error")
        if not 1 <= number <= 13:
            raise OSError("Wifi Invalid Argument")
        self._tuned = number

    def _switch(self, on):
        if on != self._active:
            self._on_us += -self.clock.now_us() if on else self.clock.now_us()
            self._active = on
            self._tuned = 1

    def activate(self, on):
        if on and not self._active:
            self.activations += 1
        if not on:  # the reason of the last failure stays
            self._wanted = False
            if self._active:
                self._down(True)
        self._switch(on)

    def connect(self, ssid, password):
        if not self._active:
            raise OSError("Wifi Not Started")
        self.connects.append((self.clock.now_us() // 1000, ssid, password))
        if len(self.connects) > 1000:
            del self.connects[:500]
        if self._linked:
            self._down()
        # The reason of the last failure stays until there is an address (MicroPython 1.23 on).
        self._wanted = True
        self._tries = 0
        self._since_us = self.clock.now_us()

    def disconnect(self):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._wanted = False
        self._reason = 0
        self._down()

    def restart(self):
        self._switch(False)
        super().restart()
        self._wanted = False
        self._reason = 0

    def update(self):
        if self._linked or not self._active or not self._wanted:
            return
        if self.clock.now_us() - self._since_us < self.associate_ms * 1000:
            return
        if self._outcome == _GOT_IP:
            if self.reconnects < 0 or self._tries <= self.reconnects:
                self._reason = 0
                self._tuned = self._channel
                self._up()
        else:
            self._reason = self._outcome
            self._tries += 1

    def report(self):
        self.update()
        if self._linked:
            return _GOT_IP
        if self._reason:
            return self._reason
        return _CONNECTING if self._wanted and self._active else _IDLE
