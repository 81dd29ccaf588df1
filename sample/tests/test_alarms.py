import unittest

from vitals.alarms import Limits, alarm_windows, longest


class AlarmsTest(unittest.TestCase):
    def test_windows(self) -> None:
        readings = [95, 88, 87, 96, 85]
        self.assertEqual(alarm_windows(readings, Limits(90, 100)), [(1, 3), (4, 5)])

    def test_the_longest_window(self) -> None:
        self.assertEqual(longest([(1, 3), (4, 5)]), 2)
        self.assertEqual(longest([]), 0)


if __name__ == "__main__":
    unittest.main()
