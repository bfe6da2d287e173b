"""As much of unittest as our unit tests use, for MicroPython, whose packages have none."""


class SkipTest(Exception):
    """Raised to leave a test; the argument says why."""


class _Raises:
    """Context manager: the body must raise, the exception is kept."""

    def __init__(self, kind):
        self._kind = kind
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise AssertionError("%s not raised" % _name(self._kind))
        if issubclass(kind, self._kind):
            self.exception = error
            return True
        return False


class _SubTest:
    def __init__(self, words):
        self._words = words

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            print("in subTest", self._words)
        return False


class TestCase:
    """Methods test*() are the tests; each gets an instance of its own."""

    def __init__(self):
        self._cleanups = []

    def setUp(self):
        pass

    def tearDown(self):
        pass

    def addCleanup(self, function, *args, **kwargs):
        self._cleanups.append((function, args, kwargs))

    def doCleanups(self):
        while self._cleanups:
            function, args, kwargs = self._cleanups.pop()
            function(*args, **kwargs)

    def skipTest(self, reason):
        raise SkipTest(reason)

    def fail(self, msg=None):
        raise AssertionError(msg or "failed")

    def subTest(self, msg=None, **params):
        return _SubTest((msg, params))

    def _check(self, good, said, msg):
        if not good:
            raise AssertionError("%s: %s" % (said, msg) if msg else said)

    def assertTrue(self, value, msg=None):
        self._check(value, "%r is not true" % (value,), msg)

    def assertFalse(self, value, msg=None):
        self._check(not value, "%r is not false" % (value,), msg)

    def assertEqual(self, first, second, msg=None):
        self._check(first == second, "%r != %r" % (first, second), msg)

    def assertNotEqual(self, first, second, msg=None):
        self._check(first != second, "%r == %r" % (first, second), msg)

    assertListEqual = assertTupleEqual = assertDictEqual = assertSetEqual = assertEqual
    assertSequenceEqual = assertMultiLineEqual = assertEqual

    def assertIs(self, first, second, msg=None):
        self._check(first is second, "%r is not %r" % (first, second), msg)

    def assertIsNot(self, first, second, msg=None):
        self._check(first is not second, "both are %r" % (first,), msg)

    def assertIsNone(self, value, msg=None):
        self._check(value is None, "%r is not None" % (value,), msg)

    def assertIsNotNone(self, value, msg=None):
        self._check(value is not None, "unexpectedly None", msg)

    def assertIn(self, member, container, msg=None):
        self._check(member in container, "%r not in %r" % (member, container), msg)

    def assertNotIn(self, member, container, msg=None):
        self._check(member not in container, "%r in %r" % (member, container), msg)

    def assertIsInstance(self, value, kind, msg=None):
        self._check(isinstance(value, kind), "%r is no %s" % (value, _name(kind)), msg)

    def assertGreater(self, first, second, msg=None):
        self._check(first > second, "%r not greater than %r" % (first, second), msg)

    def assertGreaterEqual(self, first, second, msg=None):
        self._check(first >= second, "%r less than %r" % (first, second), msg)

    def assertLess(self, first, second, msg=None):
        self._check(first < second, "%r not less than %r" % (first, second), msg)

    def assertLessEqual(self, first, second, msg=None):
        self._check(first <= second, "%r greater than %r" % (first, second), msg)

    def assertAlmostEqual(self, first, second, places=7, msg=None, delta=None):
        limit = 0.5 * 10**-places if delta is None else delta
        self._check(abs(first - second) <= limit, "%r is not about %r" % (first, second), msg)

    def assertCountEqual(self, first, second, msg=None):
        self._check(sorted(first) == sorted(second), "%r, %r" % (first, second), msg)

    def assertRaises(self, kind, function=None, *args, **kwargs):
        context = _Raises(kind)
        if function is None:
            return context
        with context:
            function(*args, **kwargs)

    def assertRaisesRegex(self, kind, text, function=None, *args, **kwargs):
        context = _RaisesText(kind, text)
        if function is None:
            return context
        with context:
            function(*args, **kwargs)


class _RaisesText(_Raises):
    def __init__(self, kind, text):
        super().__init__(kind)
        self._text = text

    def __exit__(self, kind, error, trace):
        if not super().__exit__(kind, error, trace):
            return False
        import re

        if not re.search(self._text, str(error)):
            raise AssertionError("%r says no %r" % (error, self._text))
        return True


def skip(reason):
    def replace(_):
        def skipped(self):
            raise SkipTest(reason)

        return skipped

    return replace


def skipIf(condition, reason):
    return skip(reason) if condition else _same


def skipUnless(condition, reason):
    return _same if condition else skip(reason)


def _same(function):
    return function


def _name(kind):
    return kind.__name__ if isinstance(kind, type) else str(kind)


def tests_of(names):
    """(class name, method name) of all tests in a module's names."""
    found = []
    for name in sorted(names):
        kind = names[name]
        if isinstance(kind, type) and issubclass(kind, TestCase) and kind is not TestCase:
            for method in sorted(dir(kind)):
                if method.startswith("test") and callable(getattr(kind, method)):
                    found.append((name, method))
    return found


def run_test(kind, method):
    """Run one test; raises what it raises, SkipTest included."""
    case = kind()
    # A subclass may not call our constructor.
    case._cleanups = []
    case.setUp()
    try:
        getattr(case, method)()
    finally:
        try:
            case.tearDown()
        finally:
            case.doCleanups()


def main(module="__main__"):
    """Run the tests of a module that was started as a program."""
    names = __import__(module).__dict__
    failed = 0
    total = 0
    for kind, method in tests_of(names):
        total += 1
        try:
            run_test(names[kind], method)
        except SkipTest as reason:
            print("skipped", kind, method, reason)
        except Exception as error:
            import sys

            failed += 1
            print("FAILED", kind, method)
            sys.print_exception(error)
    print("%d passed, %d failed" % (total - failed, failed))
    if failed:
        raise SystemExit(1)
