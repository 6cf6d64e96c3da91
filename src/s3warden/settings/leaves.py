"""The shape of the tree: which settings there are, under which path and in which section."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from s3warden.model.secret import SecretRef
from s3warden.settings.sections import Settings

PREFIX = "S3WARDEN_"
NESTED = "__"


def leaves() -> dict[tuple[str, ...], FieldInfo]:
    """Every setting that is set as one value, in order: `("aws", "region")`. Lists of tables count as one."""
    return dict(_leaves(Settings, ()))


def _leaves(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _leaves(field.annotation, (*path, name))
        else:
            yield (*path, name), field


@cache
def variables() -> dict[str, tuple[str, ...]]:
    """The path of every environment variable that is a setting."""
    return {variable(path): path for path in leaves()}


def variable(path: tuple[str, ...]) -> str:
    """The environment variable of a setting."""
    return PREFIX + NESTED.join(path).upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether the setting holds a reference to a secret."""
    return field.annotation is SecretRef or SecretRef in get_args(field.annotation)


def is_structured(field: FieldInfo) -> bool:
    """Whether the setting is a list or a table of its own, which an environment variable gives as JSON."""
    annotation: Any = field.annotation
    return getattr(annotation, "__origin__", None) in {tuple, dict}


def members(field: FieldInfo) -> tuple[type[BaseModel], ...]:
    """The sections that a list of tables may hold."""
    return tuple(_models(field.annotation))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
