"""Group widths: how many trials of each signature train together, and what the user is told of it."""

from __future__ import annotations

from tuner.engines.fused.autotune import FEWEST, FIRST, GroupWidth
from tuner.engines.fused.group_signature import Signature
from tuner.protocol import Port
from tuner.runtime.rounding import amount


class GroupWidths:
    """The widths of the signatures seen so far.

    Args:
        port: passes notes on to the user.
        most: maximum number of trials in the engine's hands.
        forced: whether two trials are enough to fuse, whatever is gained.
    """

    def __init__(self, port: Port, most: int, forced: bool) -> None:
        self._port = port
        self._most = most
        self._forced = forced
        self._found: dict[Signature, GroupWidth] = {}
        self._said: set[str] = set()
        self.looking = True
        """Whether signatures are compared at all; not if no two trials were found that can train together."""

    @property
    def is_empty(self) -> bool:
        """Whether no signature has a width yet."""
        return not self._found

    @property
    def fewest(self) -> int:
        """How many trials of a signature must wait before it is worth to measure it."""
        return 2 if self._forced else FEWEST

    def width(self, signature: Signature) -> int:
        """Return how many lanes trials of a signature have; 0 if that is not known yet, and 1 in turn."""
        found = self._found.get(signature)
        return 0 if found is None else found.width

    def trials(self, signature: Signature) -> int:
        """Return how many trials of a signature train together; each has all of its replicates in lanes."""
        return self.width(signature) // signature.replicates

    def may_fuse(self, signature: Signature | None) -> bool:
        """Return whether trials of a signature train together, or may turn out to."""
        return signature is not None and self.width(signature) != 1

    def most_held(self) -> int:
        """Return how many trials may be in the engine's hands at this moment: what is sampled early knows less."""
        if not self.looking:
            return 1
        widest = max((self.trials(signature) for signature, found in self._found.items() if found.width > 1), default=0)
        if widest:
            return min(self._most, 2 * widest)
        return self._most if self._forced else min(self._most, FIRST)

    def keep(self, signature: Signature, found: GroupWidth) -> None:
        """Keep the first width found of a signature, and tell the user."""
        if signature in self._found:
            return
        self._found[signature] = found
        if found.width > 1:
            trials = amount(found.width // signature.replicates, "trial")
            lanes = f" of {signature.replicates} replicates each" if signature.replicates > 1 else ""
            trains = "train together" if found.width > signature.replicates else "trains in lanes"
            self.say(f"{signature.title}: {trials}{lanes} {trains}, {found.gain:.1f} times as fast as in turn")
        else:
            self.say(f"{signature.title}: trials train in turn: {found.reason}")

    def give_up(self, signature: Signature, reason: str) -> None:
        """Let trials of a signature train in turn from now on, and tell the user why."""
        self._found.pop(signature, None)
        self.keep(signature, GroupWidth(1, reason))

    def stop_looking_if_none_fuse(self) -> None:
        """Compare no more signatures if trials of none train together."""
        self.looking = any(found.width > 1 for found in self._found.values())

    def say(self, text: str) -> None:
        """Tell the user, once."""
        if text not in self._said:
            self._said.add(text)
            self._port.note(text)
