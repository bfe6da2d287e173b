"""Wi-Fi is lost in every way: T01 in its original profile, the stories of testsuite/wifi."""

from testsuite.wifi import script as wifi


def test_comes_back_after_each_kind_of_refusal(world):
    wifi.test_comes_back_after_each_kind_of_refusal(world)


def test_restarts_after_ten_minutes_without_a_link_and_says_why(world):
    wifi.test_restarts_after_ten_minutes_without_a_link_and_says_why(world)
