import unittest

from vitals.summary import mean, median, spread


class SummaryTest(unittest.TestCase):
    def test_mean(self) -> None:
        self.assertEqual(mean([36.0, 38.0]), 37.0)

    def test_median_of_an_odd_number(self) -> None:
        self.assertEqual(median([70, 90, 80]), 80)

    def test_median_of_an_even_number(self) -> None:
        self.assertEqual(median([70, 90, 80, 100]), 85)

    def test_spread(self) -> None:
        self.assertEqual(spread([95, 99, 97]), 4)

    def test_no_readings(self) -> None:
        for summary in (mean, median, spread):
            with self.assertRaises(ValueError):
                summary([])


if __name__ == "__main__":
    unittest.main()
