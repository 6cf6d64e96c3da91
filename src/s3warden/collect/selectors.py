"""Takes CloudTrail's event selectors, classic and advanced, and hands on what they say. Judges nothing.

Source: PutEventSelectors and AdvancedFieldSelector in the CloudTrail API reference.
"""

from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, one_of, sequence, text
from s3warden.model.trails import AdvancedSelector, BasicSelector, FieldSelector, Selectors

_OBJECTS = "AWS::S3::Object"


def selectors(answer: Answer) -> Selectors:
    """The selectors of a trail or an event data store, whichever kind it has. Raises ShapeError."""
    if not {"EventSelectors", "AdvancedEventSelectors"} & answer.keys():
        raise ShapeError("there are selectors of neither kind")
    basic = (mapping(item, "EventSelector") for item in _list(answer, "EventSelectors"))
    advanced = (mapping(item, "AdvancedEventSelector") for item in _list(answer, "AdvancedEventSelectors"))
    return Selectors(tuple(map(_basic, basic)), tuple(map(_advanced, advanced)))


def _basic(item: Answer) -> BasicSelector:
    kind = one_of(item.get("ReadWriteType", "All"), "ReadWriteType", "All", "ReadOnly", "WriteOnly")
    resources = [mapping(each, "DataResource") for each in _list(item, "DataResources")]
    objects = (each for each in resources if text(each.get("Type"), "Type") == _OBJECTS)
    return BasicSelector(
        reads=kind != "WriteOnly",
        writes=kind != "ReadOnly",
        management=flag(item.get("IncludeManagementEvents", True), "IncludeManagementEvents"),
        objects=tuple(value for each in objects for value in _texts(each, "Values")),
    )


def _advanced(item: Answer) -> AdvancedSelector:
    fields = sequence(item.get("FieldSelectors"), "FieldSelectors")
    return AdvancedSelector(tuple(_field(mapping(each, "FieldSelector")) for each in fields))


def _field(item: Answer) -> FieldSelector:
    return FieldSelector(
        field=text(item.get("Field"), "Field"),
        equals=_texts(item, "Equals"),
        starts_with=_texts(item, "StartsWith"),
        ends_with=_texts(item, "EndsWith"),
        not_equals=_texts(item, "NotEquals"),
        not_starts_with=_texts(item, "NotStartsWith"),
        not_ends_with=_texts(item, "NotEndsWith"),
    )


def _texts(item: Answer, name: str) -> tuple[str, ...]:
    return tuple(text(value, name) for value in _list(item, name))


def _list(item: Answer, name: str) -> list[object] | tuple[object, ...]:
    # What does not apply is left out or null.
    value = item.get(name)
    return () if value is None else sequence(value, name)
