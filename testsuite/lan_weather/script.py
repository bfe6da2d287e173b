"""A wired device: T02 in its original profile, the stories of testsuite/lan."""

from testsuite.lan import script as lan


def test_comes_back_when_the_cable_does(world):
    lan.test_comes_back_when_the_cable_does(world)


def test_errors_while_connecting_do_not_end_the_attempt(world):
    lan.test_errors_while_connecting_do_not_end_the_attempt(world)


def test_restarts_after_ten_minutes_without_a_cable(world):
    lan.test_restarts_after_ten_minutes_without_a_cable(world)
