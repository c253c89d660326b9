"""The CO2 series that ships with the package."""

from importlib import resources

import numpy as np

from rnn_lib import data


def rows():
    text = resources.files("rnn_lib.datasets").joinpath("co2_mauna_loa_monthly.csv").read_text(encoding="utf-8")
    header, *lines = text.splitlines()
    assert header == "year,month,co2_ppm,weeks"
    return [line.split(",") for line in lines]


def test_shapes_and_ends():
    years, co2 = data.load_co2()
    assert years.shape == co2.shape == (526,)
    assert years.dtype == co2.dtype == np.float64
    assert (co2[0], co2[-1]) == (316.10, 371.02)
    assert np.isclose(years[0], 1958 + 2.5 / 12) and np.isclose(years[-1], 2001 + 11.5 / 12)


def test_every_month_once():
    months = [12 * int(year) + int(month) for year, month, _, _ in rows()]
    assert np.array_equal(np.diff(months), np.ones(525))
    assert np.allclose(np.diff(data.load_co2()[0]), 1 / 12)


def test_gaps_lie_on_a_straight_line():
    weeks = np.array([int(row[3]) for row in rows()])
    _, co2 = data.load_co2()
    assert weeks.max() == 5 and weeks.sum() == 2225  # as many weekly values as the source has
    gaps = np.flatnonzero(weeks == 0)
    assert [tuple(map(int, rows()[i][:2])) for i in gaps] == [(1958, 6), (1958, 10), (1964, 2), (1964, 3), (1964, 4)]
    measured = np.flatnonzero(weeks)
    assert np.allclose(co2[gaps], np.interp(gaps, measured, co2[measured]), atol=0.0051)


def test_the_values_are_plausible():
    _, co2 = data.load_co2()
    assert co2.min() > 312 and co2.max() < 375
    assert np.abs(np.diff(co2)).max() < 3  # ppm a month
    growth = co2[12:] - co2[:-12]
    assert 1.2 < growth.mean() < 1.4  # ppm a year
    season = (co2[9:] - np.polyval(np.polyfit(np.arange(517), co2[9:], 2), np.arange(517)))[1:].reshape(43, 12).mean(0)
    assert season.argmax() == 4 and season.argmin() in (8, 9)  # highest in May, lowest in early autumn


def test_each_call_returns_new_arrays():
    _, first = data.load_co2()
    first[:] = 0
    assert data.load_co2()[1].min() > 312
