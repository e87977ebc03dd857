"""Events on their way to one client."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from runtime.server.outbox import BATCH_BYTES, Outbox


def delivered(outbox: Outbox) -> "asyncio.Future[list[list[int]]]":
    """The batches that are sent until the outbox is finished."""

    async def collect() -> list[list[int]]:
        batches: list[list[int]] = []

        async def send(text: str) -> None:
            batches.append(json.loads(text)["events"])

        await outbox.deliver(send)
        return batches

    return asyncio.ensure_future(collect())


def test_what_waits_is_sent_together_and_in_order():
    async def scene() -> list[list[int]]:
        outbox = Outbox(1000)
        assert all(outbox.put(str(n)) for n in range(5))
        assert repr(outbox) == "<Outbox 5 events, 5 bytes>"
        outbox.finish()
        return await delivered(outbox)

    assert asyncio.run(scene()) == [[0, 1, 2, 3, 4]]


def test_a_message_does_not_grow_without_bound():
    async def scene() -> list[list[int]]:
        outbox = Outbox(1 << 30)
        for _ in range(5):
            outbox.put(f'"{"x" * BATCH_BYTES}"')
        outbox.finish()
        return await delivered(outbox)

    assert [len(batch) for batch in asyncio.run(scene())] == [1] * 5


def test_there_is_no_room_beyond_the_bound_but_for_the_last_one():
    async def scene() -> list[list[int]]:
        outbox = Outbox(3)
        assert outbox.put("11")
        assert not outbox.put("22")
        assert outbox.put("33", last=True)
        outbox.finish()
        return await delivered(outbox)

    assert asyncio.run(scene()) == [[11, 33]]


def test_what_was_sent_makes_room():
    async def scene() -> list[list[int]]:
        outbox = Outbox(2)
        sending = delivered(outbox)
        for n in range(10, 20):
            assert outbox.put(str(n))
            while "0 events" not in repr(outbox):
                await asyncio.sleep(0)
        outbox.finish()
        return await sending

    assert list(chain.from_iterable(asyncio.run(scene()))) == list(range(10, 20))


def test_nothing_is_lost_or_reordered_between_a_thread_and_the_loop():
    async def scene() -> list[list[int]]:
        outbox = Outbox(1 << 20)
        sending = delivered(outbox)

        def fill() -> None:
            for n in range(2000):
                assert outbox.put(str(n))

        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, fill)
        outbox.finish()
        return await sending

    assert list(chain.from_iterable(asyncio.run(scene()))) == list(range(2000))
