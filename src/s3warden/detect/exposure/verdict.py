"""The verdict on one bucket: what the engine hands on."""

from dataclasses import dataclass

from s3warden.detect.exposure.proof import Reason, Witness


@dataclass(frozen=True, slots=True)
class Exposure:
    """The verdict on one bucket, with proof. `public` None is unknown: never to be taken for private."""

    public: bool | None
    public_actions: tuple[str, ...]
    authenticated_only: bool
    cross_account: tuple[str, ...]
    policy_status_is_public: bool | None
    via: tuple[str, ...]
    blocked_by: tuple[str, ...]
    witnesses: tuple[Witness, ...] = ()
    reasons: tuple[Reason, ...] = ()
    unknown_because: tuple[str, ...] = ()

    def as_dict(self, name: object = None) -> dict[str, object]:
        """The verdict for JSON, in the keys of the exposure vectors."""
        return {
            "id": name,
            "public": self.public,
            "public_actions": list(self.public_actions),
            "authenticated_only": self.authenticated_only,
            "cross_account": list(self.cross_account),
            "policy_status_is_public": self.policy_status_is_public,
            "via": list(self.via),
            "blocked_by": list(self.blocked_by),
            "witnesses": [witness.as_dict() for witness in self.witnesses],
            "reasons": [reason.as_dict() for reason in self.reasons],
            "unknown_because": list(self.unknown_because),
        }
