"""Reads a service of an account region by region: what fails in one region is unreadable there and nowhere else."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead
from s3warden.collect.pages import Ask, every_page, page_of
from s3warden.collect.shapes import Answer, ShapeError
from s3warden.model.bucket import Cause, Present, Reading, Regional, Unreadable

T = TypeVar("T")
Listed = tuple[T, ...] | Unreadable
_SILENT = frozenset({"NoSuchEndpoint", "EndpointConnectionError"})


async def by_region(regions: Collection[str], read: Callable[[str], Awaitable[Reading[T]]]) -> Present[Regional[T]]:
    """What `read` gives for each region, all at once."""
    places = sorted(regions)
    found = await asyncio.gather(*(read(region) for region in places))
    return Present(Regional(tuple(zip(places, found, strict=True))))


async def every_item(
    ask: Ask,
    read: AspectRead[object],
    parse: Callable[[Answer], T],
    *,
    items: str,
    paging: str = "nextToken",
    expected: bool = True,
) -> Listed[T]:
    """The items of a list in pages, parsed; the whole list is unreadable where one page or one item of it is.

    `items` is the part of the answer that holds them, `paging` what the service calls the token for the next page.
    Where the service is not `expected` and nobody answers, there is none; elsewhere silence is a failure like any.
    """
    answered = False

    async def asked(**parameters: object) -> Answer:
        nonlocal answered
        answer = await ask(**parameters)
        answered = True
        return answer

    try:
        pages = await every_page(asked, lambda answer: page_of(answer, items, paging), paging)
        return tuple(parse(item) for page in pages for item in page.items)
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{read.operation}: {error}")
    except AwsError as error:
        if error.code in _SILENT and not expected and not answered:
            return ()
        failed = read.failed(error)
        return failed if isinstance(failed, Unreadable) else ()
