"""Where a server is, and what it answers to a plain request."""

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Self, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from hogdsl.errors import ServerError

WANTED = "Give the address that `hogdsl serve` prints, such as http://127.0.0.1:8642."


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The root of a server's URLs."""

    url: str
    """Without a slash at its end."""
    seconds: float
    """So long it may take to answer."""

    @classmethod
    def parse(cls, url: str, *, seconds: float) -> Self:
        """
        Raises:
            ServerError: it is no http or https URL.
        """
        try:
            parts = urlsplit(url)
            is_fit = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_fit = is_fit and not (parts.query or parts.fragment) and parts.port != 0
        except ValueError:  # a port that is no number
            is_fit = False
        if not is_fit:
            raise ServerError(f"{url!r} is not the URL of a server. {WANTED}")
        return cls(url=url.rstrip("/"), seconds=seconds)

    def socket_url(self, path: str) -> str:
        """Of a WebSocket: `ws` for `http`, `wss` for `https`."""
        return "ws" + self.url.removeprefix("http") + path

    def get(self, path: str) -> dict[str, Any]:
        """A JSON object that the server has at a path.

        Raises:
            ServerError: nobody answers, or somebody else does.
        """
        url = self.url + path
        try:
            with urlopen(url, timeout=self.seconds) as response:
                document = cast(object, json.load(response))
        except HTTPError as error:
            error.close()
            raise self.no_server(f"{url} answered {error.code} {error.reason}") from error
        except OSError as error:
            raise self.unreachable(error) from error
        except (HTTPException, ValueError) as error:
            raise self.no_server(f"{url} did not answer in JSON ({error!r})") from error
        if not isinstance(document, dict):
            raise self.no_server(f"{url} answered {document!r:.60}")
        return cast(dict[str, Any], document)

    def unreachable(self, error: BaseException) -> ServerError:
        """Nobody answers, for this reason."""
        reason = getattr(error, "reason", error)  # `urllib` wraps what has happened
        if isinstance(reason, TimeoutError):
            reason = f"no answer within {self.seconds:g} seconds"
        return ServerError(
            f"no server answers at {self.url}: {reason}. Start one with `hogdsl serve`, or give "
            "the address of one that runs."
        )

    def no_server(self, found: str) -> ServerError:
        """Somebody answers, who is none of ours."""
        return ServerError(f"there is no hogdsl server at {self.url}: {found}. {WANTED}")
