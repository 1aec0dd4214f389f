"""The layout of a folder of images: class folders, or class folders for each split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.data.sources.image_files import loose, subfolders
from tuner.errors import DataError, counted, listing

ROLES = {
    "train": "train", "training": "train",
    "val": "valid", "valid": "valid", "validation": "valid", "dev": "valid", "eval": "valid", "evaluation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""The split of a folder, by its name in small letters and without `ENDING`."""

ENDING = re.compile(r"[-_ ]?(set|data|dataset|split|images|imgs)$")
"""What may follow the name of a split, as in test_set."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of class folders of each split, None for one that is drawn, and the classes in order.

    `test_key` is where the test split is named in a config.
    """

    classes: list[str]
    train: Path
    valid: Path | None = None
    test: Path | None = None
    test_key: str = "data.root"
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, base: str, root: str, test_root: str | None) -> Layout:
        """Read the names of folders; the images of the test split are not opened.

        Raises:
            DataError: there are no class folders, or those of the splits do not fit each other.
        """
        _folders(base, root, "root")
        whole = _undoubled(Path(base, root))
        names = subfolders(whole)
        roles = _roles(whole, names)
        if roles and test_root is not None and "test" in roles:
            raise DataError(f"data.test_root: {whole / roles['test']} is the test split already; drop one of the two")
        train = _undoubled(whole / roles["train"]) if roles else whole
        classes = _folders(str(train), ".", "root") if roles else names
        if len(classes) < 2:
            inner = train / classes[0]
            hint = f"; is data.root {inner}?" if len(subfolders(inner)) > 1 else ": there is nothing to learn"
            raise DataError(f"data.root: {train} has one class only, {classes[0]}{hint}")
        valid, test = (_undoubled(whole / roles[role]) if role in roles else None for role in ("valid", "test"))
        if test is not None and not subfolders(test):
            test = None
        test_key = "data.root" if test_root is None else "data.test_root"
        if test_root is not None:
            _folders(base, test_root, "test_root")
            test = _undoubled(Path(base, test_root))
            if test.samefile(whole):
                raise DataError("data.test_root: is the folder of the training rows itself")
        for held in (valid, test):
            if held is not None:
                _refuse_others(held, classes)
        return cls(classes, train, valid, test, test_key, tuple(_notes(whole, names, roles, test)))


def _folders(base: str, root: str, key: str) -> list[str]:
    """Return the folders in a folder, in order, without hidden ones such as a notebook's checkpoints."""
    if not isinstance(root, str):
        raise DataError(f"data.{key}: takes the path of a folder, not {root}")
    folder = Path(base, root)
    try:
        names = subfolders(folder)
    except OSError:
        names = []
    if not names:
        raise DataError(f"data.{key}: {folder} is no folder with a folder of images per class")
    return names


def _undoubled(folder: Path) -> Path:
    """Follow archives that were unpacked into a folder of their own name, as in seg_train/seg_train/<class>."""
    while subfolders(folder) == [folder.name] and subfolders(folder / folder.name) and not loose(folder):
        folder = folder / folder.name
    return folder


def _roles(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the names of the split folders by their roles; empty if folders are classes."""
    loosely = {name: role for name in names if (role := _role_of(name)) is not None}
    by_role = {role: name for name, role in loosely.items()}
    if "train" in by_role and 1 < len(by_role) == len(loosely) and _have_classes_of(folder, by_role):
        return by_role
    found: dict[str, str] = {}
    for name in names:
        role = ROLES.get(ENDING.sub("", name.lower()))
        if role is None:
            continue
        if role in found and subfolders(folder / found[role]) and subfolders(folder / name):
            raise DataError(f"data.root: {folder} has {found[role]} and {name}, which are one split by their names")
        if role in found:
            return {}
        found[role] = name
    if "train" not in found or len(found) < 2:
        return {}
    if subfolders(folder / found["train"]):
        return found
    if len(found) < len(names):  # a class may be of trains
        return {}
    told = listing(found.values())
    raise DataError(f"data.root: {folder} has {told}, which are no classes, and {found['train']} has no class folders")


def _role_of(name: str) -> str | None:
    """Return the split of a name with one word for a split in it, such as seg_train or train2017."""
    found = {ROLES[word] for word in re.findall(r"[a-z]+", ENDING.sub("", name.lower())) if word in ROLES}
    return found.pop() if len(found) == 1 else None


def _have_classes_of(folder: Path, roles: dict[str, str]) -> bool:
    """Return whether folders named like splits are splits: they have the same class folders."""
    inner = [set(subfolders(_undoubled(folder / name))) for name in roles.values()]
    return len(inner[0]) > 1 and all(one == inner[0] for one in inner)


def _refuse_others(folder: Path, classes: Sequence[str]) -> None:
    unknown = sorted(set(subfolders(folder)) - set(classes))
    if unknown:
        raise DataError(f"{folder}: class {listing(unknown)} is not among those to train on: {listing(classes)}")


def _notes(folder: Path, names: Sequence[str], roles: dict[str, str], test: Path | None) -> list[str]:
    notes = []
    if roles:
        used = [name for role, name in roles.items() if role != "test" or test == _undoubled(folder / name)]
        left = [name for name in names if name not in used]
        others = f"; {listing(left)} {'is' if len(left) == 1 else 'are'} left out" if left else ""
        notes.append(f"{folder}: {listing(used)} are taken for the splits{others}")
    elif (inner := subfolders(folder / names[0])) and all(subfolders(folder / name) == inner for name in names):
        told = f"{folder}: the classes {listing(names[:3])} have the same folders {listing(inner[:3])}"
        notes.append(f"{told}; if these are the classes, call those train, val and test")
    beside = loose(folder)
    if beside:
        notes.append(f"{folder}: {counted(beside, 'image')} beside the folders left out, of no class")
    return notes
