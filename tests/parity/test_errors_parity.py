"""The wrong calls of tests/test_errors.py raise in PyTorch too, and exceptions of the same kind."""

from __future__ import annotations

import pytest

from tests.test_errors import ERRORS

torch = pytest.importorskip("torch")

# PyTorch answers these; here they are errors.
ANSWERED = {
    "T.tensor([2]) ** T.tensor([-1])",  # it gives 0
    "T.nextafter(T.zeros(2), T.zeros(2, dtype=T.float64))",
}
# PyTorch raises another kind: TypeError for what is not parsed as an index, RuntimeError for None among values.
OTHER_KIND = {'T.zeros(4)["a"]', "T.tensor([None])", "T.zeros(2).repeat()"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("call", "kind"), [e[:2] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_same_kind(call: str, kind: type[Exception]) -> None:
    if call in ANSWERED:
        eval(call, {"T": torch})
        return
    with pytest.raises(Exception) as error:
        eval(call, {"T": torch})
    if call not in OTHER_KIND:
        import autograd_core

        with pytest.raises(kind) as ours:
            eval(call, {"T": autograd_core})
        # NotImplementedError, PyTorch's word for a dtype without kernel, is a RuntimeError
        assert isinstance(ours.value, error.type) or issubclass(error.type, type(ours.value))
