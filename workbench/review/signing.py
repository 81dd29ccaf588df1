"""Takes approvals that people sign with their own SSH keys, until as many have as policy demands.

The sealed program has no sockets, so it reaches no SSH agent and no security key. It writes the statement,
the person signs it in a terminal of their own (`ssh-keygen -Y sign`), and the program takes the signature:

1. `offer`: everything that approving checks holds; the statement is stored with what it stands for.
2. `take`: the signature belongs to one of the stored statements, whole, and to a key that stands under
   exactly one name in the file of allowed signers.
3. The statement made again from what holds now is the same, byte for byte.
4. Nobody who signed this item already has this name or this key.
5. Earlier signatures are checked again, as of now: one that was withdrawn meanwhile does not count. Those for
   other hunks do not count either. When an item goes stale they are all forgotten.
6. The signature is in the ledger before it counts. The last one that is needed is the decision that applies.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench.broker import Broker
from workbench.core.clock import utc_now
from workbench.core.errors import Refused, UsageError, WorkbenchError
from workbench.core.ids import short
from workbench.core.records import Json, ProposalState, sha256
from workbench.evidence.signatures import AllowedSigners, Signer, check
from workbench.review import rows
from workbench.review.desk import Choice, Desk, Ready, Result
from workbench.review.queue import Offer, Queue
from workbench.review.statements import Facts, statement

ROLE = "approver"
_TRIED = 20
"""Statements that one signature is tried on, the newest first."""
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Terms:
    """What a stored statement stands for, beside its bytes."""

    shown_sha256: str
    hunks: tuple[int, ...]
    split: tuple[int, ...]
    reasons: tuple[tuple[int, str], ...]
    reason: str
    salt: str
    """In hex."""
    acknowledged: int
    printed_name: str
    time: str
    ledger: tuple[str, int, str]

    @property
    def choice(self) -> Choice:
        """The hunks to take."""
        return Choice(self.hunks, self.split, dict(self.reasons))

    @property
    def bound(self) -> tuple[object, ...]:
        """What all who sign one item must agree in."""
        return self.shown_sha256, self.hunks, self.split


class Signing:
    """The signed approvals of one desk."""

    def __init__(self, desk: Desk, broker: Broker, queue: Queue) -> None:
        """Take signatures for what lies on `desk`."""
        self._desk = desk
        self._broker = broker
        self._queue = queue

    def offer(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice,
        *,
        reason: str,
        acknowledged: int,
        printed_name: str,
    ) -> bytes:
        """Return the statement that approves an item exactly as shown, and keep it until it is signed.

        Args:
            proposal_id: The item.
            shown_sha256: The digest of the rendering the person saw.
            choice: The hunks to take.
            reason: The person's words; the statement holds a commitment to them.
            acknowledged: As for `Desk.approve`.
            printed_name: Who is going to sign, in words.

        Raises:
            WorkbenchError: It could not be approved, signed or not; says why.
        """
        ready = self._desk.ready(proposal_id, shown_sha256, choice, reason=reason, acknowledged=acknowledged)
        if isinstance(ready, Result):
            raise Refused(ready.message, "Look at it again: `workbench queue show ID`.")
        _ = self._allowed()  # before anybody signs in vain
        checkpoint = self._broker.checkpoint()
        terms = Terms(
            shown_sha256=shown_sha256,
            hunks=tuple(sorted(set(choice.hunks))),
            split=tuple(sorted(set(choice.split))),
            reasons=tuple(sorted((choice.reasons or {}).items())),
            reason=reason,
            salt=secrets.token_hex(_SALT_BYTES),
            acknowledged=acknowledged,
            printed_name=printed_name,
            time=utc_now(),
            ledger=(checkpoint.origin, checkpoint.size, checkpoint.trailer().rsplit(" ", 1)[1]),
        )
        made = self._statement(ready, terms)
        self._queue.offer(ready.item.proposal.id, made, json.dumps(asdict(terms), ensure_ascii=True))
        return made

    def take(self, proposal_id: str, signature: bytes) -> Result:
        """Take a signature: record it, and carry the approval out where it was the last one needed.

        Raises:
            Refused: It does not count; says why. The item waits as before.
            WorkbenchError: Recording or writing failed; the item waits.
        """
        item = self._queue.get(proposal_id)
        allowed = self._allowed()
        offer, signer = self._match(item.proposal.id, signature, allowed)
        terms = _terms(offer)
        ready = self._desk.ready(
            item.proposal.id,
            terms.shown_sha256,
            terms.choice,
            reason=terms.reason,
            acknowledged=terms.acknowledged,
        )
        if isinstance(ready, Result):
            return ready
        if self._statement(ready, terms) != offer.statement:
            raise Refused(
                "The statement that was signed does not describe the item as it is now.",
                "Write a new one: `workbench queue approve ID --statement-out FILE`.",
            )
        earlier = self._standing(ready, terms, allowed)
        _require_someone_else(signer, earlier)
        required = max(self._broker.policy.demand(ready.paths).signatures, 1)
        have = len(earlier) + 1
        signed: dict[str, Json] = {
            "statement_sha256": sha256(offer.statement),
            "statement": offer.statement.decode(),
            "signature": signature.decode("ascii").strip(),
            "principal": signer.principal,
            "key_fpr": signer.fingerprint,
            "allowed_signers_sha256": allowed.sha256,
            "justification_salt": terms.salt,
        }
        record = rows.Signed(signed, required, have)
        if have >= required:
            return self._desk.settle(ready, terms.choice, terms.reason, record)
        decision = self._desk.decision(ready, terms.choice, terms.reason)
        changes = tuple(content.change for content in ready.contents)
        self._broker.record(rows.decided(decision, changes, hidden=ready.shown.hidden, signed=record))
        self._queue.sign(offer, signature)
        said = f"{have} of {required} approvals, by {signer.principal}; the next must be someone else."
        return Result(ProposalState.QUEUED, said, proposal_id=item.proposal.id)

    def said(self, proposal_id: str) -> str:
        """Return how many signatures an item needs and has, in words; empty where it needs none."""
        item = self._queue.get(proposal_id)
        paths = [path for change in item.proposal.changes for path in (change.path, change.renamed_from)]
        demand = self._broker.policy.demand(filter(None, paths))
        if item.state is not ProposalState.QUEUED or not demand.signatures:
            return ""
        have = sum(offer.signature is not None for offer in self._queue.offers(item.proposal.id))
        whose = ", next must be someone else" if have else ""
        return f"{have} of {demand.signatures} signed approvals{whose} ({demand.rule.name})"

    def _allowed(self) -> AllowedSigners:
        path = self._broker.policy.settings.allowed_signers
        if not path:
            raise Refused(
                "Policy names no file of allowed signers, so no signature can count.",
                'Set allowed_signers = "/path" under [approvals] in the administrator\'s or your own policy.',
            )
        return AllowedSigners.read(path, not_beneath=self._broker.root)

    def _statement(self, ready: Ready, terms: Terms) -> bytes:
        policy = self._broker.policy
        return statement(
            Facts(
                proposal_id=ready.item.proposal.id,
                changes=tuple(content.change for content in ready.contents),
                shown_sha256=terms.shown_sha256,
                hunks=terms.hunks,
                split=terms.split,
                acknowledged=terms.acknowledged,
                printed_name=terms.printed_name,
                role=ROLE,
                time=terms.time,
                reason=terms.reason,
                salt=bytes.fromhex(terms.salt),
                policy_version=policy.name,
                policy_sha256=policy.sha256,
                ledger=terms.ledger,
            )
        )

    def _match(self, proposal_id: str, signature: bytes, allowed: AllowedSigners) -> tuple[Offer, Signer]:
        """Return the statement that was signed, and by whom."""
        refused: WorkbenchError | None = None
        for offer in self._queue.offers(proposal_id)[:_TRIED]:
            try:
                return offer, check(offer.statement, signature, allowed)
            except Refused as error:
                refused = refused or error
        raise refused or UsageError(
            "No statement of this item was written to be signed.",
            f"First: workbench queue approve {short(proposal_id)} --statement-out FILE",
        )

    def _standing(self, ready: Ready, terms: Terms, allowed: AllowedSigners) -> list[Signer]:
        """Return who signed this very thing before, and still may."""
        found = []
        for offer in self._queue.offers(ready.item.proposal.id):
            if offer.signature is None or _terms(offer).bound != terms.bound:
                continue
            if self._statement(ready, _terms(offer)) != offer.statement:
                continue  # what it is kept to stand for is not what was signed
            try:
                found.append(check(offer.statement, offer.signature, allowed))
            except Refused:
                continue  # withdrawn, expired, or not for these bytes: it does not count
        return found


def _require_someone_else(signer: Signer, earlier: Sequence[Signer]) -> None:
    for one in earlier:
        if one.principal == signer.principal or one.fingerprint == signer.fingerprint:
            raise Refused(
                f"{signer.principal} has signed this item already.",
                "The next signature must be someone else's, with a key of their own.",
            )


def _terms(offer: Offer) -> Terms:
    try:
        fields: dict[str, Any] = json.loads(offer.terms)
        terms = Terms(**fields)
        return replace(
            terms,
            hunks=tuple(terms.hunks),
            split=tuple(terms.split),
            reasons=tuple((int(hunk), str(why)) for hunk, why in terms.reasons),
            ledger=(str(terms.ledger[0]), int(terms.ledger[1]), str(terms.ledger[2])),
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise WorkbenchError(
            f"A stored statement cannot be read back ({type(error).__name__}).",
            "Write a new one: `workbench queue approve ID --statement-out FILE`.",
        ) from error
