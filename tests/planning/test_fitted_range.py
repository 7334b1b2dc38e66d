"""Where a model leaves what the laws were fitted on."""

from dsbs.planning.fitted_range import leaving


def test_models_outside_the_fitted_range_are_named():
    assert not leaving("it", 143e6, 512e9)
    assert not leaving("it", 12.6e9, 1e9)
    assert "of 60M parameters" in leaving("it", 60e6, 1e9)[0]
    assert "of 13B parameters" in leaving("it", 13e9, 1e9)[0]
    assert "on 513B tokens" in leaving("it", 1e9, 513e9)[0]
