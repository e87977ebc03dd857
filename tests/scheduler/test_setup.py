"""Plans that do not fit together are refused with the field and the reason."""

from typing import Any

import pytest

from hogdsl.plan import Gen, Region
from tests.scheduler.world import World, region, stream, tape

MIC = {"name": "mic", "role": "listen", "view": ["mic"], "pieces": [], "input": {}}
HISTORY = {"kind": "history", "name": "h"}
COMMIT = {"into": "h", "step": "\n", "header": ""}
MATCHES = {"kind": "matches", "streams": ["A"], "regex": "x"}


def refused(change: dict[str, Any], streams: dict[str, Any] | None = None) -> str:
    """Run a region of A and B with changes to it and to A; what is said of it."""
    a = stream("A", Gen()).model_dump() | (streams or {})
    base = region(stream("A", Gen()), stream("B", Gen())).model_dump()
    base["streams"] = [a, base["streams"][1], *change.pop("more", [])]
    base["blocks"] = [*base["blocks"], HISTORY, {"kind": "stream", "name": "mic"}]
    client = World(tape(A="")).run()
    client.finish(Region.model_validate(base | change))
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "PlanError"
    assert not client.world.cache.living
    return failed.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": {}}, "streams['A'].input: given for the role 'listen' and no other"),
        ({"role": "listen"}, "streams['A'].input: given for the role 'listen' and no other"),
        (
            {"role": "listen", "input": {}},
            "streams['A'].pieces[1]: a stream that listens writes fixed pieces only; found 'gen'",
        ),
        (
            {"role": "listen", "input": {}, "pieces": [], "view": ["h", "A"], "commit": COMMIT},
            "streams['A'].commit: a stream that listens has no steps",
        ),
        ({"after": ["C"]}, "streams['A'].after: 'C' is not one of: A, B"),
        ({"after": ["A"]}, "streams.after: these come after each other: A"),
        ({"parent": "B"}, "streams['A'].parent: 'B' is not one of: nothing"),
        ({"continues": True}, "streams['A'].continues: it needs a parent"),
        ({"pieces": [{"kind": "gen", "stop": [""]}]}, "streams['A'].pieces[0].stop: an empty text"),
        (
            {"pieces": [{"kind": "gen", "stop_regex": ["("]}]},
            "streams['A'].pieces[0].stop_regex: '(' is no regular expression: missing )",
        ),
        (
            {"pieces": [{"kind": "gen", "stop_regex": ["a*"]}]},
            "streams['A'].pieces[0].stop_regex: 'a*' matches the empty text",
        ),
        (
            {"view": ["h", "A"], "commit": COMMIT | {"header": "{x}"}},
            "streams['A'].commit.header: only {name} and {step}",
        ),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    assert f"region 'r': {message}" in refused({}, change)


@pytest.mark.parametrize("policy", ["restart", "stop"])
def test_steps_in_a_history_cannot_be_taken_back(policy: str) -> None:
    mic = MIC | {"input": {"barge_in": policy, "interrupts": ["A"]}}
    message = refused({"more": [mic]}, {"view": ["h", "A"], "commit": COMMIT})
    assert "streams['mic'].input.interrupts: 'A' moves its finished steps" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": [MIC | {"input": {"interrupts": ["C"]}}]}, "input.interrupts: 'C' is not one of"),
        (
            {"until": [{"condition": {"kind": "ended", "streams": ["C"]}}]},
            "until[0].condition.streams: 'C' is not one of: A, B",
        ),
        (
            {"until": [{"condition": MATCHES | {"n": 2}}]},
            "until[0].condition.n: 2 of 1 streams can never be",
        ),
        (
            {"until": [{"condition": MATCHES | {"streams": [["A", "C"]]}}]},
            "until[0].condition.streams: 'C' is not one of: A, B",
        ),
        (
            {"until": [{"condition": MATCHES | {"streams": [["A", "B"]]}}]},
            "until[0].condition.streams: 'B' does not begin after 'A'; name them one by one",
        ),
        (
            {"until": [{"condition": MATCHES | {"streams": [["A", "B"], "A"]}}]},
            "until[0].condition.streams: 'A' stands there twice",
        ),
        (
            {"until": [{"condition": MATCHES | {"regex": "["}}]},
            "until[0].condition.regex: '[' is no regular expression",
        ),
        ({"until": [{"condition": MATCHES, "ends": ["C"]}]}, "until[0].ends: 'C' is not one of"),
        ({"holds": [{"stream": "C", "until": MATCHES}]}, "holds[0].stream: 'C' is not one of"),
        (
            {"holds": [{"stream": "A", "until": MATCHES, "at": ""}]},
            "holds[0].at: an empty text stands everywhere",
        ),
        (
            {"inserts": [{"name": "i", "streams": ["C"], "text": "x", "every": 1}]},
            "inserts['i'].streams: 'C' is not one of: A, B",
        ),
        (
            {
                "more": [MIC],
                "inserts": [{"name": "i", "streams": ["mic"], "text": "x", "every": 1}],
            },
            "inserts['i'].streams: 'mic' is not one of: A, B",
        ),
        (
            {"watches": [{"name": "w", "streams": ["C"], "regex": "x"}]},
            "watches['w'].streams: 'C' is not one of: A, B",
        ),
        ({"watches": [{"name": "w"}]}, "watches['w']: either `regex` or `every` is given"),
        (
            {"watches": [{"name": "w", "regex": "x"}]},
            "watches['w'].streams: a regex watches the text of at least one stream",
        ),
        (
            {"watches": [{"name": "w", "every": 1}]},
            "watches['w'].hold: steps are the region's",
        ),
        (
            {"watches": [{"name": "w", "streams": ["A"], "regex": "("}]},
            "watches['w'].regex: '(' is no regular expression",
        ),
        (
            {"more": [MIC], "asks": [{"name": "q", "stream": "mic", "question": "?"}]},
            "asks.stream: 'mic' is not one of: A, B",
        ),
        (
            {"asks": [{"name": "q", "stream": "A", "question": "?", "at": ""}]},
            "asks['q'].at: an empty text stands everywhere",
        ),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    assert message in refused(dict(change))
