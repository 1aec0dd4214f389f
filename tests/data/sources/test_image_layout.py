from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.data_files import pets, picture, searched, section
from tuner import data
from tuner.config import On
from tuner.data.rows import Source, read
from tuner.data.sources import image_folder
from tuner.data.sources.image_files import Skipped, images_in
from tuner.data.sources.image_layout import Layout
from tuner.errors import DataError


def loaded(root: Path, **given: Any) -> Source:
    return image_folder.load(base=".", root=str(root), **given)


def tensor(source: Source) -> torch.Tensor:
    made = read(source.pool.inputs)
    assert isinstance(made, torch.Tensor)
    return made


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "validation", "Testing"),
        ("training_set", "Valid Set", "test-data"),
        ("train", "eval", "testset"),
    ],
)
def test_folders_of_splits_are_splits(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for name, each in zip(names, (6, 3, 2), strict=True):
        pets(tmp_path / name, each=each)
    chosen = section("ImageFolder", root=str(tmp_path))

    search = data.for_search(chosen, ".", 0)
    final = data.for_final(chosen, ".", 0, On.TRAIN)

    assert search.source.classes == ("cat", "dog")
    assert search.valid is not None
    assert final.test is not None
    assert (len(search.train), len(search.valid), len(final.test)) == (12, 6, 4)
    assert search.valid.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert any("are taken for the splits" in note for note in search.source.notes)


def test_without_a_folder_to_validate_rows_are_drawn(tmp_path: Path) -> None:
    pets(tmp_path / "train", each=8)
    pets(tmp_path / "test", each=2)
    (tmp_path / "papers").mkdir()

    search = data.for_search(section("ImageFolder", root=str(tmp_path), valid=4), ".", 0)

    assert len(search.train) == 12
    assert f"{tmp_path}: test and train are taken for the splits; papers is left out" in search.source.notes


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for name in ("train", "val", "valid"):
        pets(tmp_path / name)

    with pytest.raises(DataError, match="has val and valid, which are one split by their names"):
        loaded(tmp_path)


def test_classes_with_the_same_folders_in_them_may_be_splits(tmp_path: Path) -> None:
    for name in ("one", "other"):
        pets(tmp_path / name)

    assert (
        f"{tmp_path}: the classes one and other have the same folders cat and dog; "
        "if these are the classes, call those train, val and test"
    ) in loaded(tmp_path).notes


def test_links_are_followed_but_not_back(tmp_path: Path) -> None:
    pets(tmp_path / "pets", each=2)
    pets(tmp_path / "more", each=3, labels=("cat",))
    (tmp_path / "pets" / "cat" / "more").symlink_to(tmp_path / "more" / "cat")
    for up in (".", ".."):
        (tmp_path / "pets" / "dog" / f"up{len(up)}").symlink_to(up)

    assert loaded(tmp_path / "pets").pool.targets.tolist() == [0] * 5 + [1] * 2


def test_folders_of_a_system_are_no_classes(tmp_path: Path) -> None:
    pets(tmp_path)
    pets(tmp_path, labels=("@eaDir", "__MACOSX", ".cache"))

    assert loaded(tmp_path).classes == ("cat", "dog")


def test_a_class_of_trains_is_a_class(tmp_path: Path) -> None:
    pets(tmp_path, labels=("train", "bus"))
    assert loaded(tmp_path).classes == ("bus", "train")

    pets(tmp_path, labels=("test",))
    assert loaded(tmp_path).classes == ("bus", "test", "train")


def test_splits_without_classes_are_refused(tmp_path: Path) -> None:
    pets(tmp_path, labels=("train", "test"))

    with pytest.raises(DataError, match=r"has test and train, which are no classes, and train has no class folders"):
        loaded(tmp_path)


def test_a_test_folder_without_labels_is_left_out(tmp_path: Path) -> None:
    pets(tmp_path / "train")
    picture(tmp_path / "test" / "1.png", np.zeros((8, 8, 3), dtype=np.uint8))

    source = loaded(tmp_path)

    assert source.test is None
    assert f"{tmp_path}: train are taken for the splits; test is left out" in source.notes


def test_another_class_in_the_folder_to_validate_is_refused(tmp_path: Path) -> None:
    pets(tmp_path / "train")
    pets(tmp_path / "val", labels=("dog", "fox"))

    with pytest.raises(DataError, match=r"val: class fox is not among those to train on"):
        loaded(tmp_path)


def test_a_folder_around_the_right_one_is_seen_through(tmp_path: Path) -> None:
    pets(tmp_path / "all")

    with pytest.raises(DataError, match=rf"has one class only, all; is data\.root {tmp_path / 'all'}\?"):
        loaded(tmp_path)


def test_hidden_folders_and_files_are_no_classes_and_no_images(tmp_path: Path) -> None:
    pets(tmp_path, each=2)
    for hidden in ("__MACOSX", ".ipynb_checkpoints", "cat/.ipynb_checkpoints", "dog/__MACOSX"):
        picture(tmp_path / hidden / "1.png", np.zeros((8, 8, 3), dtype=np.uint8))
    (tmp_path / "cat" / "._0.png").write_bytes(b"not an image")
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"")

    source = loaded(tmp_path)

    assert source.classes == ("cat", "dog")
    assert len(source.pool) == 4
    assert source.notes == (f"{tmp_path}: 3 files skipped, no images by their names or hidden (hidden 3)",)


def test_files_of_all_usual_endings_are_read_and_the_others_counted(tmp_path: Path) -> None:
    pets(tmp_path, each=1)
    image = Image.fromarray(np.full((8, 8, 3), 77, dtype=np.uint8))
    for ending in ("gif", "jfif", "webp", "tiff", "TIF", "JPG", "bmp", "jpe"):
        kinds = {"jfif": "jpeg", "jpe": "jpeg", "tif": "tiff", "jpg": "jpeg"}
        image.save(tmp_path / "cat" / f"x.{ending}", format=kinds.get(ending.lower(), ending))
    image.save(tmp_path / "cat" / "bare", format="png")
    for name in ("notes.txt", "more.txt", "labels.json", "README"):
        (tmp_path / "dog" / name).write_text("not an image")

    source = loaded(tmp_path)

    assert source.pool.targets.tolist() == [0] * 10 + [1]
    assert int((tensor(source).float() - 77).abs().amax(dim=(1, 2, 3)).le(2).sum()) == 9
    assert source.notes == (
        f"{tmp_path}: 4 files skipped, no images by their names or hidden (.txt 2, no ending 1 and .json 1)",
    )


def test_images_beside_the_class_folders_are_said(tmp_path: Path) -> None:
    pets(tmp_path, each=1)
    picture(tmp_path / "1.png", np.zeros((8, 8, 3), dtype=np.uint8))

    assert f"{tmp_path}: 1 image beside the folders left out, of no class" in loaded(tmp_path).notes


def test_deep_images_keep_their_numbers_unless_a_mode_is_given(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(0, 1e4, (4, 6, 6)).astype(np.float32)
    for i, one in enumerate(pixels):
        picture(tmp_path / "ab"[i % 2] / f"{i}.tiff", one)

    source = loaded(tmp_path)

    assert source.white is None
    assert torch.equal(tensor(source), torch.from_numpy(pixels[[0, 2, 1, 3]]).unsqueeze(1))
    assert tensor(loaded(tmp_path, mode="RGB")).dtype == torch.uint8
    assert loaded(tmp_path, mode="RGB").notes == (
        f"{tmp_path}: 4 of 4 images have 16 or 32 bits and are brought to 8; data.mode: F keeps their numbers",
    )


def test_what_is_done_to_images_is_counted(tmp_path: Path) -> None:
    pets(tmp_path, each=3)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8))
    plain.save(tmp_path / "cat" / "turned.jpg", exif=exif)
    plain.convert("RGBA").save(tmp_path / "cat" / "clear.png")
    plain.save(tmp_path / "cat" / "film.gif", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])

    assert loaded(tmp_path).notes == (
        f"{tmp_path}: 1 of 9 images have see-through parts, which are put on white or black",
        f"{tmp_path}: 1 of 9 images are turned upright, as their EXIF says",
        f"{tmp_path}: 1 of 9 images have several pictures or pages, of which the first is read",
    )


def test_images_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a.png", "b/c/0.png"):
        picture(tmp_path / name, np.zeros((2, 2), dtype=np.uint8))

    found = [str(Path(file).relative_to(tmp_path)) for file in images_in(tmp_path, Skipped())]

    assert found == ["a.png", "b/1.png", "b/2.png", "b/c/0.png"]


def test_images_turned_by_a_camera_are_the_same_rows_as_upright_ones(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    for i, one in enumerate(pixels):
        for folder, kept, orientation in (("turned", np.rot90(one, 2), 3), ("upright", one, 1)):
            exif = Image.Exif()
            exif[0x0112] = orientation
            (tmp_path / folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(kept).save(tmp_path / folder / "ab"[i % 2] / f"{i}.png", exif=exif)

    one, other = (searched(section("ImageFolder", root=str(tmp_path / name))) for name in ("turned", "upright"))

    assert one.valid is not None
    assert other.valid is not None
    assert torch.equal(next(one.valid.in_order(8)), next(other.valid.in_order(8)))


@pytest.mark.parametrize(
    "names",
    [("seg_train", "seg_valid", "seg_test"), ("train2017", "val2017", "test2017"), ("1_train", "2_val", "3_test")],
)
def test_words_for_splits_in_the_names_of_folders_with_the_same_classes_are_splits(
    tmp_path: Path, names: tuple[str, str, str]
) -> None:
    for name in names:
        for label in ("cat", "dog"):
            (tmp_path / name / label).mkdir(parents=True)

    layout = Layout.of(str(tmp_path), ".", None)

    assert layout.classes == ["cat", "dog"]
    assert [layout.train, layout.valid, layout.test] == [tmp_path / name for name in names]


def test_archives_unpacked_into_a_folder_of_their_own_name_are_looked_into(tmp_path: Path) -> None:
    for name in ("seg_train", "seg_test"):
        for label in ("cat", "dog"):
            (tmp_path / "data" / "data" / name / name / label).mkdir(parents=True)

    layout = Layout.of(str(tmp_path), "data", None)

    inner = tmp_path / "data" / "data"
    assert (layout.classes, layout.train) == (["cat", "dog"], inner / "seg_train" / "seg_train")
    assert (layout.valid, layout.test) == (None, inner / "seg_test" / "seg_test")


def test_a_class_of_the_name_of_its_folder_is_a_class(tmp_path: Path) -> None:
    (tmp_path / "cat" / "cat").mkdir(parents=True)

    with pytest.raises(DataError, match="one class only, cat"):
        Layout.of(str(tmp_path), "cat", None)


def test_classes_that_have_such_words_in_their_names_stay_classes(tmp_path: Path) -> None:
    for name, inner in (("steam train", ("old", "new")), ("test tube", ("full", "void")), ("cat", ("a", "b"))):
        for one in inner:
            (tmp_path / name / one).mkdir(parents=True)

    assert Layout.of(str(tmp_path), ".", None).classes == ["cat", "steam train", "test tube"]
