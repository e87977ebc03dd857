"""Plain requests."""

import pytest

import hogdsl as hog
from hogdsl.remote.address import Address
from hogdsl.testing import script
from hogdsl.wire import ServerInfo
from tests.server.places import PATIENCE_S, Served, served


def asked(url: str, path: str) -> dict[str, object]:
    return Address.parse(url, seconds=PATIENCE_S).get(path)


def test_the_model_is_told_with_its_context_and_the_versions(server: Served) -> None:
    info = ServerInfo.model_validate(asked(server.url, "/v1/model"))
    assert (info.model, info.context_length) == ("piglet", 2048)
    assert (info.wire_version, info.plan_version) == (1, 1)
    assert info.package_version


def test_the_stats_are_those_of_the_runtime(server: Served, embedded: hog.Runtime) -> None:
    told = asked(server.url, "/v1/stats")
    assert told["pages_total"] == embedded.stats().pages_total > 0
    assert told["runs"] == 0


def test_a_server_is_healthy_as_long_as_runs_can_begin() -> None:
    runtime = script({})
    with served(runtime) as server:
        assert asked(server.url, "/v1/health")["ok"] is True
        runtime.close()
        with pytest.raises(hog.ServerError, match="answered 503"):
            asked(server.url, "/v1/health")
