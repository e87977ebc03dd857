"""Chat turns, found out from templates of the shapes that real models have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from hogdsl.errors import ModelError
from runtime.text import Role, Text
from tests.text import templates
from tests.text.tiny_tokenizers import byte_level, save

Load = Callable[[str | None], Text]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A checkpoint's text with this chat template."""

    def loaded(template: str | None) -> Text:
        special = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
        return Text.load(save(byte_level(template, **special), tmp_path))

    return loaded


TALKS: dict[str, tuple[str, list[Role]]] = {
    "chatml": (templates.CHATML, ["system", "user", "assistant", "user"]),
    "chatml, no system": (templates.CHATML, ["user", "assistant", "user"]),
    "chatml, late system": (templates.CHATML, ["user", "assistant", "system", "user"]),
    "thinking": (templates.THINKING, ["system", "user", "assistant", "user"]),
    "always thinking": (templates.ALWAYS_THINKING, ["user", "assistant", "user"]),
    "headers": (templates.HEADERS, ["system", "user", "assistant", "user"]),
    "headers, no system": (templates.HEADERS, ["user", "assistant", "user"]),
    "inst": (templates.INST, ["user", "assistant", "user"]),
    "system in front": (templates.SYSTEM_IN_FRONT, ["system", "user", "assistant", "user"]),
}


@pytest.mark.parametrize("name", TALKS)
def test_turns_put_together_are_the_template_rendered_at_once(
    name: str, load: Load, tmp_path: Path
) -> None:
    template, roles = TALKS[name]
    text = load(template)
    contents = [f"What {role} says, {index}." for index, role in enumerate(roles)]
    ours = ""
    for index, (role, content) in enumerate(zip(roles, contents, strict=True)):
        ours += text.open_turn(role, first=index == 0) + content + text.close_turn(role)
    ours += text.open_turn("assistant", first=False)

    own: Any = AutoTokenizer.from_pretrained(tmp_path)
    messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=True)]
    whole = own.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    whole = whole.removesuffix("<think>\n").replace("[/INST] What", "[/INST]What")
    assert ours == whole


THINKERS = [
    templates.THINKING,
    templates.ALWAYS_THINKING,
    templates.ALWAYS_THINKING.replace("think>", "reason>"),
    templates.EMPTY_THOUGHTS,
    templates.EMPTY_THOUGHTS.replace("think>", "reason>").replace("t\n<reason>\n'", "t\n'"),
]


@pytest.mark.parametrize("template", THINKERS)
def test_an_assistants_turn_opens_without_thoughts(template: str, load: Load) -> None:
    text = load(template)
    assert text.open_turn("assistant", first=False) == "<|im_start|>assistant\n"
    assert text.open_turn("assistant", first=True) == "<|im_start|>assistant\n"


def test_a_first_turn_has_the_default_system_message_and_a_later_one_has_not(load: Load) -> None:
    text = load(templates.CHATML)
    first = "<|im_start|>system\nYou are a small model.<|im_end|>\n<|im_start|>user\n"
    assert text.open_turn("user", first=True) == first
    assert text.open_turn("user", first=False) == "<|im_start|>user\n"
    assert text.open_turn("system", first=True) == "<|im_start|>system\n"


def test_a_first_turn_begins_with_bos_if_the_template_writes_it(load: Load) -> None:
    text = load(templates.HEADERS)
    assert text.open_turn("user", first=True).startswith("<|endoftext|><|head|>system")
    assert not text.open_turn("user", first=False).startswith("<|endoftext|>")


def test_a_template_may_have_no_opening_of_the_assistants_turn(load: Load) -> None:
    text = load(templates.INST)
    assert text.open_turn("assistant", first=False) == ""
    assert text.close_turn("user") == "[/INST]"
    assert text.close_turn("assistant") == "<|im_end|>"


def test_system_text_that_is_joined_to_the_users_has_no_turn(load: Load) -> None:
    text = load(templates.INST)
    for ask in (lambda: text.open_turn("system", first=True), lambda: text.close_turn("system")):
        with pytest.raises(ModelError, match=r"'system' no turn of its own.*joins system and user"):
            ask()


def test_a_turn_that_the_template_refuses_is_refused_with_its_reason(load: Load) -> None:
    text = load(templates.INST)
    with pytest.raises(ModelError, match=r"'assistant' no turn.*roles must alternate"):
        text.open_turn("assistant", first=True)


def test_a_later_system_message_that_moves_to_the_front_has_no_turn(load: Load) -> None:
    text = load(templates.SYSTEM_IN_FRONT)
    assert text.close_turn("system") == ""
    with pytest.raises(ModelError, match=r"'system' no turn.*once and in order"):
        text.open_turn("system", first=False)


def test_a_template_that_loses_messages_is_refused(load: Load) -> None:
    text = load("{{ 'fixed prompt' }}")
    with pytest.raises(ModelError, match="once and in order"):
        text.open_turn("user", first=True)


def test_a_turn_closed_in_two_ways_is_refused(load: Load) -> None:
    text = load(
        "{% for m in messages %}{{ m.content }}{{ '<end>' if loop.last else '<next>' }}{% endfor %}"
    )
    with pytest.raises(ModelError, match=r"closed with '<end>', but then with '<next>'"):
        text.open_turn("user", first=False)


def test_an_assistants_turn_opened_in_two_ways_is_refused(load: Load) -> None:
    text = load(
        "{% for m in messages %}{{ m.role + ':' + m.content }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'reply now:' }}{% endif %}"
    )
    with pytest.raises(ModelError, match="'reply now:' and a finished one with 'assistant:'"):
        text.open_turn("assistant", first=False)


def test_without_a_chat_template_a_turn_is_refused_and_all_else_works(load: Load) -> None:
    text = load(None)
    assert text.decode(text.encode("plain")) == "plain"
    with pytest.raises(ModelError, match=r"has no chat template.*chat_template\.jinja") as caught:
        text.open_turn("user", first=True)
    assert "no turn of its own" not in str(caught.value)


def test_a_first_reply_that_opens_in_another_way_is_refused(load: Load) -> None:
    text = load(
        "{% for m in messages %}{{ 'I:' if loop.first else m.role + ':' }}{{ m.content }}"
        "{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
    )
    with pytest.raises(ModelError, match="it opens it with 'I:', but elsewhere with 'assistant:'"):
        text.open_turn("assistant", first=True)


def test_a_first_reply_may_have_nothing_that_opens_it(load: Load) -> None:
    text = load("{{ bos_token }}{% for m in messages %}{{ m.content + '|' }}{% endfor %}")
    assert text.open_turn("assistant", first=True) == "<|endoftext|>"
    assert text.open_turn("assistant", first=False) == ""
