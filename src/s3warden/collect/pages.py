"""Follows lists that AWS answers in pages.

Takes the call that asks for a page, hands on all pages or none: a list that breaks off must not pass for a whole one.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol, TypeVar

from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, optional_text, sequence, text

T = TypeVar("T")


class TooLongError(Exception):
    """A list has more pages than anybody is willing to read."""


class Page(NamedTuple):
    """One page of a list: its items as they came, and what to ask for the next page with."""

    items: tuple[Answer, ...]
    token: str | None


class Ask(Protocol):
    """One call, complete but for the page."""

    def __call__(self, **parameters: object) -> Awaitable[Answer]:
        """The answer."""


def page_of(answer: Answer, name: str, token: str = "NextToken") -> Page:  # noqa: S107 - no secret
    """The page whose items are in the part of the answer called `name`. Raises ShapeError."""
    items = tuple(mapping(item, name) for item in sequence(answer.get(name), name))
    return Page(items, optional_text(answer.get(token), token))


async def every_page(ask: Ask, parse: Callable[[Answer], Page], name: str = "NextToken") -> list[Page]:
    """All pages from the first on; `name` is how the call calls the token. Raises ShapeError, and what it raises."""
    pages, asked = [parse(await ask())], set[str]()
    while token := pages[-1].token:
        if token in asked:
            raise ShapeError("the next page of a page is one before it")
        asked.add(token)
        pages.append(parse(await ask(**{name: token})))
    return pages


async def whole_list(ask: Ask, name: str) -> Answer:
    """The answer with all that stands under `name` on the pages of one of S3's lists of a bucket's configurations.

    Raises ShapeError, and what the call raises.
    """
    answer = await ask()
    items = [*_items(answer, name)]
    while flag(answer.get("IsTruncated"), "IsTruncated"):
        token = text(answer.get("NextContinuationToken"), "NextContinuationToken")
        answer = await ask(ContinuationToken=token)
        if answer.get("NextContinuationToken") == token:
            raise ShapeError("the next page of a page is itself")
        items += _items(answer, name)
    return {name: items}


def _items(answer: Answer, name: str) -> list[object] | tuple[object, ...]:
    # S3 leaves an empty list out.
    return sequence(answer.get(name, ()), name)


async def follow(
    ask: Ask, parse: Callable[[Answer], tuple[tuple[T, ...], Mapping[str, str]]], limit: int = 10_000
) -> tuple[T, ...]:
    """All items of a list whose pages hang together in a way of its own.

    `parse` gives the items of a page and the parameters that ask for the next one, none at the end. Raises ShapeError,
    TooLongError after `limit` pages, and what the call raises.
    """
    found: list[T] = []
    start: Mapping[str, str] = {}
    for _ in range(limit):
        items, following = parse(await ask(**start))
        found += items
        if not following:
            return tuple(found)
        if following == start:
            raise ShapeError("the next page of a page is itself")
        start = following
    raise TooLongError(f"more than {limit} pages")
