"""The policy of the key that a bucket encrypts with: nobody of another account uses the key by it, unless trusted."""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from s3warden.correct.cuts import EVERYONE, Named, named_in, nobody_of
from s3warden.correct.effect import effect
from s3warden.correct.policy_text import NoPolicyError, also, replaced, statements_of, texts_of
from s3warden.correct.remedy import Edit, Look, Remedy, Scene
from s3warden.correct.service_writes import actions_on
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect
from s3warden.model.keys import Key

MAX_BYTES = 32 * 1024
"""The largest key policy that KMS takes ("Resource quotas" in the KMS developer guide)."""
_CALLER = "kms:CallerAccount"


def _closed(scene: Scene) -> tuple[Edit, ...] | Declined:
    """As few of those whom the policy lets in as mend the rule: those named go, everyone becomes all of the account."""
    key = configured(scene.state, Aspect.DEFAULT_KEY, Key)
    if key is None or key.arn is None:
        return Declined("no_key", "The bucket has no key whose policy could be changed.")
    if key.account != scene.state.ref.account:
        return Declined("foreign_key", "The key belongs to another account, which alone writes its policy.")
    answer = (scene.documents.get(Aspect.KEY_POLICY) or {}).get(key.arn)
    text = str(answer["Policy"]) if isinstance(answer, dict) else ""
    try:
        chosen = _smallest(scene, key.arn, text)
        if chosen is None:
            return Declined("not_mended", "To take those out who are named would not be enough, or is not possible.")
        after = _without(text, chosen, key.account, scene.options.trusted_accounts)
        managed = any(_manages(statement, key.account, key.arn) for statement in statements_of(after))
    except ValueError as error:
        return Declined("policy_not_written", f"The policy of the key cannot be changed: {error}.")
    if not managed:
        return Declined(
            "key_lockout",
            "No statement that would be left plainly lets the account itself manage the key: a person has to write it.",
        )
    return (_edit(scene, key.arn, after, chosen),)


def _smallest(scene: Scene, arn: str, text: str) -> frozenset[Named] | None:
    """None where all of them together would not mend the rule. Raises ValueError."""
    own = scene.state.ref.account
    friends = (own, *scene.options.trusted_accounts)

    def mends(chosen: frozenset[Named]) -> bool:
        left = _without(text, chosen, own, scene.options.trusted_accounts)
        edit = Edit(Aspect.KEY_POLICY, {"Policy": left}, "", place=arn)
        return effect(scene, (edit,)).mends

    listed = statements_of(text)
    strangers = (one for one in named_in(text) if not any(account in one.name for account in friends))
    # All but those in NotPrincipal are not to be taken out one by one.
    chosen = frozenset(one for one in strangers if one.name != EVERYONE or EVERYONE in _names(listed[one.statement]))
    if not mends(chosen):
        return None
    for one in sorted(chosen):
        if mends(chosen - {one}):
            chosen -= {one}
    return chosen


def _names(statement: Mapping[str, object]) -> list[str]:
    principal = statement.get("Principal")
    return texts_of(principal.get("AWS") if isinstance(principal, dict) else principal)


def _without(text: str, chosen: Collection[Named], account: str, trusted: Collection[str]) -> str:
    """The policy without these. A statement for everyone alone stays for the callers of the account, of those accounts
    that it names for the account and trusted ones; it lets in nobody whom it did not."""
    listed = statements_of(text)
    alone = {one for one in chosen if one.name == EVERYONE and _for_everyone_alone(listed[one.statement])}
    stays = {one: _staying(listed[one.statement], account, trusted) for one in alone}
    bound = {one for one in alone if stays[one]}
    for one in sorted(bound):
        callers = stays[one]
        statement = also(listed[one.statement], "StringEquals", _CALLER, callers if callers[1:] else callers[0])
        text = replaced(text, one.statement, statement, MAX_BYTES)
    left = nobody_of(text, set(chosen) - bound, MAX_BYTES).left
    if left is None:
        raise NoPolicyError("a policy cannot be without statements")
    return left


def _staying(statement: Mapping[str, object], account: str, trusted: Collection[str]) -> list[str]:
    """The callers for whom a statement for everyone stays."""
    condition = statement.get("Condition")
    keys = condition.get("StringEquals") if isinstance(condition, dict) else None
    named = [v for k, v in (keys if isinstance(keys, dict) else {}).items() if k.lower() == _CALLER.lower()]
    return [one for each in named for one in texts_of(each) if one == account or one in trusted] if named else [account]


def _for_everyone_alone(statement: Mapping[str, object]) -> bool:
    return statement.get("Principal") in (EVERYONE, {"AWS": EVERYONE}, {"AWS": [EVERYONE]})


def _manages(statement: Mapping[str, object], account: str, arn: str) -> bool:
    """Whether a statement plainly lets somebody of the account change the policy of the key."""
    condition, names = statement.get("Condition") or {}, _names(statement)
    guarded = condition == {"StringEquals": {_CALLER: account}}
    own = any(name == account or name.split(":")[4:5] == [account] for name in names)
    return (
        statement.get("Effect") == "Allow"
        and (own or (guarded and EVERYONE in names))
        and (guarded or not condition)
        and any(fnmatchcase("kms:putkeypolicy", action.lower()) for action in texts_of(statement.get("Action")))
        and any(fnmatchcase(arn, resource) for resource in texts_of(statement.get("Resource")))
    )


def _edit(scene: Scene, arn: str, after: str, chosen: Collection[Named]) -> Edit:
    named = sorted({one.name for one in chosen if one.name != EVERYONE})
    open_to_all = any(one.name == EVERYONE for one in chosen)
    who = ", ".join([*(["everyone outside the account"] if open_to_all else []), *named])
    return Edit(
        Aspect.KEY_POLICY,
        {"Policy": after},
        f"Take {who} out of the policy of the key {arn}",
        place=arn,
        losses=tuple(Loss(LossKind.ACCOUNT, name) for name in named),
        doubts=(*(("who uses the key by a statement for everyone",) if open_to_all else ()), *_shared(scene.look)),
    )


def _shared(look: Look) -> Iterator[str]:
    """What of other buckets under the same key nobody can tell."""
    if look.key_users is None or not look.whole:
        yield "which other buckets the key encrypts"
    elif look.key_users:
        yield f"who reads these buckets, which the key encrypts too: {', '.join(look.key_users)}"


CLOSED = Remedy(
    id="close-key-policy",
    title="Take accounts that are not trusted out of the policy of the bucket's key",
    rules=frozenset({"bucket-kms-key-policy-public"}),
    reads=frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_POLICY}),
    risk=Risk.HIGH,
    risk_text="The accounts no longer read or write what the key encrypts, in any bucket and any service that uses it.",
    iam_actions=actions_on(Aspect.KEY_POLICY),
    plan=_closed,
)

REMEDIES = (CLOSED,)
