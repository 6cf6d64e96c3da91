"""What AWS chose when it made something, as an id, put into a call that needs it.

Takes a call and what asks AWS, hands on the call with the id in it, None where there is no such thing. Only reads.
"""

from dataclasses import replace
from functools import partial

from s3warden.aws.errors import AwsError
from s3warden.collect.pages import every_page, page_of
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import ShapeError, text
from s3warden.model.action import Call, canonical
from s3warden.model.bucket import AccountRef


async def completed(reader: ServiceReader, account: AccountRef, call: Call) -> Call | None:
    """The call with the id that AWS chose; as it is where it needs none. Raises AwsError."""
    wanted = call.chosen
    if wanted is None:
        return call
    ask = partial(reader.service, account, call.service, wanted.operation, region=call.region, **wanted.arguments)
    try:
        pages = await every_page(ask, lambda answer: page_of(answer, wanted.items, "NextToken"))
        listed = [item for page in pages for item in page.items if item.get(wanted.key) == wanted.value]
        ids = [text(item.get(wanted.parameter), wanted.parameter) for item in listed]
    except ShapeError as error:
        raise AwsError("Malformed", str(error), operation=wanted.operation) from error
    if len(ids) > 1:
        raise AwsError("Ambiguous", f"there are {len(ids)} called {wanted.value}", operation=wanted.operation)
    return (
        replace(call, parameters=canonical({**call.arguments, wanted.parameter: ids[0]}), chosen=None) if ids else None
    )
