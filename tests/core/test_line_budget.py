from proxy.core.line_budget import LineBudget


def test_lines_of_one_second_are_bounded_and_the_rest_is_counted() -> None:
    budget = LineBudget(per_second=3)
    assert [budget.spend(10.0 + i / 10) for i in range(5)] == [True, True, True, False, False]
    assert budget.take_suppressed() == 2
    assert budget.take_suppressed() == 0


def test_every_second_has_its_own() -> None:
    budget = LineBudget(per_second=1)
    assert [budget.spend(now) for now in (1.0, 1.9, 2.0, 2.1, 9.0)] == [True, False, True, False, True]
    assert budget.take_suppressed() == 2
