"""What is typed after --set becomes what the program's annotations say."""

import inspect
from typing import Literal

import pytest
from pydantic import BaseModel

import hogdsl as hog
from hogdsl.terminal.arguments import bind, convert, parse_settings, signature_of
from hogdsl.terminal.failures import UsageError


class Order(BaseModel):
    item: str
    n_pieces: int = 1


class Microphone:
    """Not data: nothing typed can become one."""


def program(s: object, problem: str, names: tuple[str, ...] = ("Alice", "Bob"), n: int = 2):
    """A program's shape: the scope first, then its arguments."""


SIGNATURE = signature_of(program)


def test_settings_are_split_at_the_first_equals_sign():
    assert parse_settings(["problem=a=17+25", "empty="]) == {"problem": "a=17+25", "empty": ""}


@pytest.mark.parametrize("setting", ["problem", "=3", ""])
def test_a_setting_without_key_or_equals_sign_is_refused(setting):
    with pytest.raises(UsageError, match="key=value"):
        parse_settings([setting])


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(UsageError, match="'n' twice"):
        parse_settings(["n=1", "n=2"])


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("17+25", str, "17+25"),
        ("17", str, "17"),
        ('"quoted"', str, '"quoted"'),
        ("17", inspect.Parameter.empty, "17"),
        ("17", int, 17),
        ("0.5", float, 0.5),
        ("yes", bool, True),
        ("false", bool, False),
        ("null", int | None, None),
        ("3", int | None, 3),
        ("plain", str | None, "plain"),
        ("Alice,Bob", tuple[str, ...], ("Alice", "Bob")),
        ("Alice, Bob", tuple[str, ...], ("Alice", "Bob")),
        ("Alice", tuple[str, ...], ("Alice",)),
        ('["Al,ice", "Bob"]', tuple[str, ...], ("Al,ice", "Bob")),
        ("1,2", list[int], [1, 2]),
        ("fast", Literal["fast", "slow"], "fast"),
        ('{"item": "tea", "n_pieces": 3}', Order, Order(item="tea", n_pieces=3)),
    ],
)
def test_a_value_becomes_what_the_annotation_says(text, annotation, value):
    converted = convert("key", text, annotation)
    assert converted == value
    assert type(converted) is type(value)


def test_a_value_of_another_type_is_refused_with_the_type_and_the_value():
    with pytest.raises(UsageError, match=r"--set n='many' is no int: .*integer"):
        convert("n", "many", int)


def test_bad_json_is_refused_with_what_is_wrong_with_it():
    with pytest.raises(UsageError, match=r"is no Order: Field required"):
        convert("order", '{"n_pieces": 3}', Order)


def test_what_cannot_be_typed_is_refused_by_name():
    with pytest.raises(UsageError, match="'mic' is a Microphone and cannot be given with --set"):
        convert("mic", "x", Microphone)


def test_arguments_that_are_not_set_keep_their_defaults():
    assert bind("program", SIGNATURE, {"problem": "1+1"}) == {"problem": "1+1"}


def test_an_unknown_argument_is_refused_with_the_signature():
    with pytest.raises(UsageError, match=r"no argument 'names2': program\(problem: str, names: "):
        bind("program", SIGNATURE, {"problem": "1+1", "names2": "x"})


def test_a_missing_argument_is_refused_with_the_signature():
    with pytest.raises(UsageError, match=r"--set problem=... is missing: program\(problem: str"):
        bind("program", SIGNATURE, {"n": "3"})


def test_a_sketch_fills_a_missing_text_with_its_name():
    assert bind("program", SIGNATURE, {}, sketch=True) == {"problem": "{problem}"}


def test_a_channel_is_a_file_that_is_played_back(tmp_path):
    spoken = tmp_path / "spoken.txt"
    spoken.write_text("0.0\thello\n")
    assert isinstance(convert("mic", str(spoken), hog.Channel), hog.Channel)


def test_a_channel_that_is_no_file_is_refused_with_what_it_may_be(tmp_path):
    with pytest.raises(UsageError, match="give `-` for standard input, or a file"):
        convert("mic", str(tmp_path / "missing.txt"), hog.Channel)


def test_a_sketch_has_a_channel_on_which_nothing_comes():
    def listening(s: object, mic: hog.Channel) -> None: ...

    bound = bind("listening", signature_of(listening), {}, sketch=True)
    assert isinstance(bound["mic"], hog.Channel)


def test_a_sketch_still_wants_what_is_no_text():
    def counted(s: object, n: int) -> None: ...

    with pytest.raises(UsageError, match=r"--set n=\.\.\. is missing"):
        bind("counted", signature_of(counted), {}, sketch=True)


def test_annotations_written_as_text_are_resolved():
    def late(s: "object", n: "int") -> None: ...

    assert bind("late", signature_of(late), {"n": "3"}) == {"n": 3}
