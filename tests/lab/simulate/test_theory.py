"""Formulas against published values and against each other."""

from __future__ import annotations

import pytest

from proxy.lab.simulate.theory import erlang_c, mg1_wait, mmc_wait, two_choices_wait


def test_erlang_c_as_tables_have_it() -> None:
    assert erlang_c(1, 0.8) == pytest.approx(0.8)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(10, 8.0) == pytest.approx(0.4092, abs=1e-4)


def test_erlang_c_of_thousands_of_workers() -> None:
    assert 0 < erlang_c(5000, 4900.0) < 1


def test_one_worker_is_the_same_in_both_formulas() -> None:
    assert mmc_wait(1, 80, 0.01) == pytest.approx(mg1_wait(80, 0.01, 1.0)) == pytest.approx(0.04)


def test_constant_service_halves_the_wait() -> None:
    assert mg1_wait(80, 0.01, 0.0) == pytest.approx(0.02)


def test_two_choices_as_mitzenmacher_has_it() -> None:
    """The column of the paper for infinitely many, in units of the mean service."""
    assert 1 + two_choices_wait(0.9, 1.0) == pytest.approx(2.6141, abs=1e-3)
    assert 1 + two_choices_wait(0.99, 1.0) == pytest.approx(5.4320, abs=1e-3)
    assert 1 + two_choices_wait(0.5, 1.0) == pytest.approx(1.2657, abs=1e-3)
    assert two_choices_wait(1e-9, 1.0) == pytest.approx(0, abs=1e-9)
