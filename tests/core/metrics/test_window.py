from proxy.core.metrics.times import bucket_of
from proxy.core.metrics.window import LENGTH, Window


def test_times_are_forgotten_when_they_are_too_old() -> None:
    window = Window()
    window.add({bucket_of(1.0): 5}, now=100.0)
    window.add({bucket_of(0.001): 5}, now=104.0)
    slow, quick = window.percentiles((0.99,), now=100.0 + LENGTH - 0.1), window.percentiles((0.99,), now=100.0 + LENGTH)
    assert slow is not None
    assert slow[0] > 0.8
    assert quick is not None
    assert quick[0] <= 0.001
    assert window.percentiles((0.5,), now=104.0 + LENGTH) is None


def test_nothing_stays_of_what_was_forgotten() -> None:
    window = Window()
    for second in range(100):
        window.add({second: 1}, now=float(second))
    assert sorted(window._counts) == list(range(90, 100))
