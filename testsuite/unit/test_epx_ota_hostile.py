"""epx.ota, against those who mean no good: 300 callers, the same ones on every run.

testsuite/fuzz sends many more, found by hypothesis.
"""

import unittest

from ota_hostile import Scene, noise


class Hostile(unittest.TestCase):
    def _run(self, kind, count):
        scene = Scene()
        for number in range(count):
            try:
                scene.run(kind, noise(number))
            except Exception:
                print("example %d of %s" % (number, kind))
                raise

    def test_a_hundred_without_the_key(self):
        self._run("stranger", 100)

    def test_a_hundred_who_change_what_is_sent(self):
        self._run("tampered", 100)

    def test_a_hundred_with_the_key_who_send_nonsense(self):
        self._run("insider", 100)

    def test_fifty_at_the_broker(self):
        self._run("commander", 50)


if __name__ == "__main__":
    unittest.main()
