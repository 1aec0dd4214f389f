from __future__ import annotations

import torch

from tuner.models import MODELS
from tuner.schema import docstrings


def test_the_docstrings_of_this_package_are_read() -> None:
    assert docstrings.sentences(MODELS["CNN"])["pooling"] == "`max`, `avg` or null for none."


def test_the_docstrings_of_torch_are_read_without_the_marks_of_sphinx() -> None:
    words = docstrings.sentences(torch.optim.SGD)

    assert words["momentum"].startswith("momentum factor")
    assert not any("``" in sentence or ":class:" in sentence for sentence in words.values())


def test_a_long_description_ends_with_a_sentence() -> None:
    def long() -> None:
        """Do it."""

    long.__doc__ = "It is so. " * 50

    assert docstrings.first_sentence(long).endswith("It is so.")
    assert len(docstrings.first_sentence(long)) <= docstrings.LONGEST
