"""Settings that cost or save, put as agreed: transfer acceleration, and who pays for requests."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect

_REQUESTER, _OWNER = "Requester", "BucketOwner"


def _accelerated(scene: Scene) -> tuple[Edit, ...] | Declined:
    on = scene.options.transfer_acceleration == "on"
    summary = f"Switch transfer acceleration {'on' if on else 'off'}"
    return (Edit(Aspect.ACCELERATE, {"Status": "Enabled" if on else "Suspended"}, summary),)


def _paid(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.REQUEST_PAYMENT) or {}
    payer = _OWNER if known.get("Payer") == _REQUESTER else _REQUESTER
    if payer == _OWNER and analysed(inputs_of(scene.state, scene.options)).public is not False:
        # Whoever has to pay has to sign.
        return Declined("would_open", "The bucket is open to all who sign; then it would be to those who do not, too.")
    who = "the requester" if payer == _REQUESTER else "the owner"
    doubt = ("who reads the bucket unsigned, or without saying that it pays",) if payer == _REQUESTER else ()
    return (Edit(Aspect.REQUEST_PAYMENT, {"Payer": payer}, f"Let {who} pay for requests", doubts=doubt),)


ACCELERATE = Remedy(
    id="set-transfer-acceleration",
    title="Switch transfer acceleration as agreed",
    rules=frozenset({"bucket-transfer-acceleration"}),
    reads=frozenset({Aspect.ACCELERATE}),
    risk=Risk.LOW,
    risk_text="Accelerated transfers cost more; switched off, clients that use the endpoint for them are refused.",
    iam_actions=("s3:PutAccelerateConfiguration",),
    plan=_accelerated,
    undo_text="AWS knows no way back to never: an undo suspends it.",
)
PAY = Remedy(
    id="set-request-payment",
    title="Let who was agreed pay for requests",
    rules=frozenset({"bucket-requester-pays"}),
    reads=frozenset({Aspect.REQUEST_PAYMENT}),
    risk=Risk.MEDIUM,
    risk_text="Where the requester pays, unsigned requests and those that do not say so are refused; else you pay.",
    iam_actions=("s3:PutBucketRequestPayment",),
    plan=_paid,
)

REMEDIES = (ACCELERATE, PAY)
