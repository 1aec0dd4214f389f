"""The link between a model's outputs and class probabilities. The loss of the training decides it."""

from __future__ import annotations

import enum

import torch
from torch import Tensor


class Link(enum.Enum):
    """A map from outputs to probabilities."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    NONE = "none"

    def probabilities(self, outputs: Tensor) -> Tensor | None:
        """Return class probabilities, or None if the loss gives the outputs no such meaning.

        Args:
            outputs: (N, classes), float32 or float64.

        Returns:
            (N, classes) of the same type. Rows of a softmax sum to 1; a sigmoid looks at each class by itself.
        """
        match self:
            case Link.SOFTMAX:
                return torch.softmax(outputs, 1)
            case Link.SIGMOID:
                return torch.sigmoid(outputs)
            case Link.NONE:
                return None

    def ranks(self, outputs: Tensor) -> Tensor:
        """Return scores that order rows by how likely each class is, without the ties of rounded probabilities.

        A softmax ranks by the logit of its probability, a sigmoid by its own logit. Without probabilities the score is
        the margin to the best other class, which decides the prediction.

        Args:
            outputs: (N, classes), at least 2 classes.

        Returns:
            float64 (N, classes).
        """
        outputs = outputs.double()
        if self is Link.SIGMOID:
            return outputs
        top = outputs.argmax(1, keepdim=True)
        without_top = outputs.scatter(1, top, -torch.inf)
        if self is Link.NONE:
            others = outputs.max(1, keepdim=True).values.expand_as(outputs)
            return outputs - others.scatter(1, top, without_top.max(1, keepdim=True).values)
        whole = outputs.logsumexp(1, keepdim=True)
        others = whole + torch.log1p(-(outputs - whole).exp())
        return outputs - others.scatter(1, top, without_top.logsumexp(1, keepdim=True))
