"""What a policy demands of every request: TLS, a TLS version, encrypted uploads. Judged by meaning, not by shape.

Takes a bucket policy, hands on a `Requirement` with a loophole as proof: a request that breaks the demand and that no
Deny refuses. The question is the engine's own: grant everything to everyone, and see what the Denies leave.
"""

from dataclasses import dataclass, replace

from s3warden.detect.exposure import actions
from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.callers import Caller, anonymous, members, service, strangers
from s3warden.detect.exposure.channels import ACL, WORK, Channel, Inquiry, groups
from s3warden.detect.exposure.compiled import Place, Rule, compile_document, granting, named_accounts
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.normal import Condition, Operator
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.exposure.survey import document_of, facts_of
from s3warden.detect.exposure.values import number


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whether the demand holds. `loophole` is a request that breaks it; `because` says why the answer is unknown."""

    holds: bool | None
    loophole: Witness | None = None
    because: str = ""


_PLAIN_HTTP = Condition(Operator("Bool"), "aws:securetransport", ("false",))
_PRESIGNED = Condition(Operator("StringEquals"), "s3:authtype", ("REST-QUERY-STRING",))
_SSE = "s3:x-amz-server-side-encryption"


def tls_required(inputs: ExposureInputs) -> Requirement:
    """Whether every request over plain http is refused: by anyone, for the bucket and for each object in it."""
    return _refused(inputs, actions.ALL, (_PLAIN_HTTP,))


def tls_at_least(inputs: ExposureInputs, version: str) -> Requirement:
    """Whether every request over a TLS version below `version` is refused; plain http is another demand."""
    point = number(version)
    spans = () if point is None else (point,)
    return _refused(inputs, actions.ALL, (Condition(Operator("NumericLessThan"), "s3:tlsversion", (version,), spans),))


def uploads_encrypted(
    inputs: ExposureInputs, algorithms: tuple[str, ...] = ("AES256", "aws:kms", "aws:kms:dsse")
) -> Requirement:
    """Whether every upload that does not ask for one of `algorithms` in its header is refused."""
    other = Condition(Operator("StringEquals", negated=True), _SSE, algorithms)
    return _refused(inputs, actions.OF_CLASS[actions.WRITE], (other,))


def presigned_until(inputs: ExposureInputs, milliseconds: int) -> Requirement:
    """Whether every request by a presigned URL is refused once its signature is older than that."""
    text = str(milliseconds)
    point = number(text)
    spans = () if point is None else (point,)
    old = Condition(Operator("NumericGreaterThan"), "s3:signatureage", (text,), spans)
    return _refused(inputs, actions.ALL, (old, _PRESIGNED))


def _refused(inputs: ExposureInputs, asked: int, breaking: tuple[Condition, ...]) -> Requirement:
    """Whether the Denies refuse every request for one of `asked` under the conditions `breaking`."""
    place = Place(f"arn:{inputs.partition}:s3:::{inputs.bucket}", f"arn:{inputs.partition}:s3:::{inputs.bucket}/")
    bucket = compile_document(document_of(inputs.policy, "the bucket policy"), "policy", place)
    everything: Rule = replace(granting(ACL, "any grant", asked, True, place), conditions=breaking)
    facts, accounts = facts_of(inputs, [bucket, replace(bucket, rules=(everything,))])
    channel = Channel(ACL, "bucket policy", ((everything,),), bucket.denies, facts, bucket.document, place)
    inquiry = Inquiry(channel, asked, Budget(WORK))
    doubt = ""
    parts = list(groups((everything, *bucket.denies), asked))
    for caller in _everyone(inputs, channel, accounts, named_accounts([bucket]).get(inputs.owner, set())):
        for granted, on_object in parts:
            found = inquiry.witness(caller, granted, on_object)
            if isinstance(found, Witness):
                return Requirement(False, found)
            doubt = doubt or found or ""
    return Requirement(None, because=doubt) if doubt else Requirement(True)


def _everyone(
    inputs: ExposureInputs, channel: Channel, accounts: dict[str, frozenset[str]], own: set[str]
) -> list[Caller]:
    """Strangers, services, every named account and the owner's: nobody is exempt from a demand on all requests."""
    mentioned = channel.facts.mentions.keys()
    found = [*anonymous(mentioned), *strangers(mentioned, web=channel.web), *service(mentioned)]
    found += members(inputs.owner, sorted(own), mentioned, web=False)
    for account, listed in sorted(accounts.items()):
        found += members(account, sorted(listed), mentioned, web=False)
    return found
