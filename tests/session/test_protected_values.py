"""A model sees placeholders, the file keeps its values, and no store of the program holds one in clear."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner, commanding, run_to_end
from tests.model.scripted import ScriptedEngine
from tests.policy.detection import fakes
from tests.repositories import FILES, make_folder, make_repository
from tests.session.driving import Driver, driving
from workbench.boundary import Runner
from workbench.core import places
from workbench.core.records import CheckVerdict
from workbench.ledger import LedgerReader
from workbench.model import GenerationRequest

KEY = "AKIA" + fakes.text(fakes.BASE32, 16)
OTHER = "ghp_" + fakes.text(fakes.ALPHANUMERIC, 36)
SOURCE = f'''"""Sends readings."""

OTHER = "{OTHER}"


def connect(host):
    """Open the connection."""
    return host.login("{KEY}", retries=1)


def again(host):
    return host.login("{KEY}", retries=9)
'''.encode()
TASK = "Use three retries in `connect` of send.py"
TOKEN = re.compile(r"__WB_SECRET_[0-9a-f]+__")

Answer = Callable[[GenerationRequest], str]


class Answering(ScriptedEngine):
    """Answers each request by what is in it: placeholders cannot be known before."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(self._said(answers))

    def _said(self, answers: tuple[Answer, ...]) -> Iterator[str]:
        for answer in answers:
            yield answer(self.requests[-1])

    def prompts(self) -> str:
        return "\n".join(message.text for request in self.requests for message in request.messages)


def _connect(token: str, before: str = "") -> str:
    body = f'    """Open the connection."""\n{before}    return host.login("{token}", retries=3)\n'
    return f"```python\ndef connect(host):\n{body}```"


def _shown(request: GenerationRequest) -> tuple[str, str]:
    """Return the placeholders of the key and of the other value, as the prompt shows them."""
    text = request.messages[1].text
    other, key = TOKEN.findall(text[text.index("OTHER") :])[:2]
    return key, other


def _copies(request: GenerationRequest) -> str:
    return _connect(_shown(request)[0])


@pytest.fixture
def sending(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "sending", {**FILES, "send.py": SOURCE})


def _outcomes(driver: Driver, kind: str) -> list[tuple[str, str]]:
    rows = driver.session.audit(0, driver.session.audit_size())
    return [(row.subject, row.result) for row in rows if row.type == kind]


def test_a_value_is_kept_in_the_file_and_never_shown_to_the_model(sending: Path) -> None:
    engine = Answering(_copies)
    with driving(sending, engine) as driver:
        assert driver.run(TASK) == "queued"
        shown = driver.session.shown(driver.session.queue()[0].id)
        assert driver.approve_first() == "applied"
        assert _outcomes(driver, "scan.completed") == [("send.py", "ok")]
    assert (sending / "send.py").read_bytes() == SOURCE.replace(b"retries=1", b"retries=3")
    assert KEY not in engine.prompts()
    assert OTHER not in engine.prompts()
    assert "Copy each one exactly" in engine.prompts()
    evidence = {check.name: check.evidence for check in shown.checks}["secrets"]
    assert "3 protected values kept" in evidence
    assert all(check.verdict is not CheckVerdict.FAIL for check in shown.checks)
    # The decision is about the bytes that are written: what is shown is the file, not the placeholders.
    assert KEY in shown.files[0].after
    assert not TOKEN.search(shown.files[0].after)


def test_provenance_says_where_the_spans_are_on_disk(sending: Path) -> None:
    with driving(sending, Answering(_copies)) as driver:
        driver.run(TASK)
        (span,) = driver.session.shown(driver.session.queue()[0].id).spans
    assert (span.start, span.end) == (0, len(SOURCE))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda request: _connect("__WB_SECRET_0badc0de__"), "changed or never given out"),
        (lambda request: _connect(_shown(request)[0][:-4] + "00__"), "changed or never given out"),
        (lambda request: _connect(_shown(request)[1]), "protected values"),
        (lambda request: _connect("nothing"), "2 protected values; 3 were shown"),
        (
            lambda request: _connect(_shown(request)[0], f'    log("{_shown(request)[0]}")\n'),
            "4 protected values; 3 were shown",
        ),
    ],
    ids=["forged", "changed", "moved", "left out", "repeated"],
)
def test_a_draft_that_does_not_keep_each_placeholder_is_refused_with_the_reason(
    sending: Path, answer: Answer, reason: str
) -> None:
    engine = Answering(answer, answer, answer, answer)
    with driving(sending, engine) as driver:
        assert driver.run(TASK) == "nothing"
        assert driver.session.queue() == ()
        said = "\n".join(utterance.text for utterance in driver.session.transcript())
    assert reason in said
    assert (sending / "send.py").read_bytes() == SOURCE


def test_a_placeholder_of_another_file_is_refused(sending: Path) -> None:
    kept: list[str] = []

    def first(request: GenerationRequest) -> str:
        kept.append(_shown(request)[0])
        return _copies(request)

    def foreign(_request: GenerationRequest) -> str:
        return f'```python\ndef median(readings):\n    return "{kept[0]}"\n```'

    engine = Answering(first, foreign, foreign, foreign, foreign)
    with driving(sending, engine) as driver:
        assert driver.run(TASK) == "queued"
        assert driver.run("Fix `median` in vitals/summary.py") == "nothing"
        said = "\n".join(utterance.text for utterance in driver.session.transcript())
    assert "it did not come from" in said


def test_a_file_that_forges_placeholders_beside_real_values_is_not_read(sending: Path) -> None:
    (sending / "send.py").write_bytes(SOURCE + b"\n# __WB_SECRET_0badc0de__\n")
    engine = Answering(_copies)
    with driving(sending, engine) as driver:
        assert driver.run(TASK) == "refused"
        assert "already holds text in the form" in driver.session.status().error
        assert _outcomes(driver, "scan.completed") == [("send.py", "denied")]
    assert engine.requests == []


def test_a_file_found_by_search_is_shown_with_placeholders_too(sending: Path) -> None:
    engine = Answering(_copies)
    with driving(sending, engine) as driver:
        assert driver.run("Use three retries in `connect`") == "queued"
    assert KEY not in engine.prompts()


def test_a_value_that_was_hidden_in_one_file_is_hidden_in_the_next_without_its_context(sending: Path) -> None:
    password = "Kestrel" + "Dawn77"
    (sending / "settings.py").write_text(f'db_password = "{password}"\n\n\ndef load():\n    return 1\n')
    (sending / "use.py").write_text(f'def use(db):\n    return db.check("{password}")\n')
    engine = Answering(
        lambda _request: "```python\ndef load():\n    return 2\n```",
        lambda request: f'```python\ndef use(db):\n    return not db.check("{_token(request)}")\n```',
    )
    with driving(sending, engine) as driver:
        assert driver.run("Return 2 from `load` in settings.py") == "queued"
        assert driver.run("Turn the answer of `use` in use.py around") == "queued"
        after = [driver.session.shown(item.id).files[0].after for item in driver.session.queue()]
    assert password not in engine.prompts()
    assert any(f'not db.check("{password}")' in text for text in after)


def _token(request: GenerationRequest) -> str:
    found = TOKEN.search(request.messages[1].text)
    assert found is not None
    return found.group()


def test_what_policy_blocks_is_not_shown_at_all(sending: Path) -> None:
    (sending / "pay.py").write_text(f'def charge():\n    return "{fakes.card()}"\n')
    engine = Answering()
    with driving(sending, engine) as driver:
        assert driver.run("Fix `charge` in pay.py") == "refused"
        assert "not shown to the model" in driver.session.status().error
    assert engine.requests == []


def test_the_person_is_told_what_is_in_a_task_and_the_value_is_not_kept(
    sending: Path, private_places: Path
) -> None:
    engine = Answering(_copies)
    with driving(sending, engine) as driver:
        told = driver.session.foresee(f"{TASK}; the key is {KEY}")
        assert "aws-access-key-id" in told
        assert "placeholder in its place" in told
        assert driver.session.foresee(TASK) == ""
        assert driver.run(f"{TASK}; the key is {KEY}") == "queued"
        assert KEY not in driver.session.queue()[0].task
        assert KEY not in "".join(utterance.text for utterance in driver.session.transcript())
    assert KEY not in engine.prompts()


def test_no_store_holds_a_hidden_value_but_the_queue_which_holds_the_files_own_bytes(
    tmp_path: Path, private_places: Path
) -> None:
    root = make_folder(tmp_path / "sending", {**FILES, "send.py": SOURCE})
    engine = Answering(
        lambda _request: _connect("__WB_SECRET_0badc0de__"),
        _copies,
        _copies,
    )
    with driving(root, engine) as driver:
        driver.session.indexing.refresh(lambda _progress: None)
        assert driver.session.indexing.counts().files
        assert driver.run(f"{TASK}, not {KEY}") == "queued"
        driver.session.reject(driver.session.queue()[0].id, reason="again")
        assert driver.run(TASK) == "queued"
        assert driver.approve_first() == "applied"
    values = (KEY.encode(), OTHER.encode())
    # The index folds its words to lower case and splits them: a part of a value says as much.
    parts = [*values, KEY[4:].encode(), *OTHER.encode().split(b"_")[1:]]
    holding = {
        path.name
        for path in private_places.rglob("*")
        if path.is_file() and any(part.lower() in path.read_bytes().lower() for part in parts)
    }
    assert holding == {"queue.db"}
    with LedgerReader.open(places.repository_state(root)) as reader:
        opened = [
            reader.open_sealed(entry, name)
            for entry in reader.entries()
            for name in _sealed_names(entry.body.get("sealed"))
        ]
    assert any(b"__WB_SECRET_" in text for text in opened), "the prompts must be among what was opened"
    assert not any(value in text for value in values for text in opened)


def _sealed_names(sealed: object) -> list[str]:
    return list(sealed) if isinstance(sealed, dict) else []


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


@needs_seal
@needs_landlock
def test_what_a_command_prints_is_sealed_without_the_values_in_it(
    sending: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with commanding(sending, runner, monkeypatch) as driver:
        run_to_end(driver, "cat", "send.py")
    with LedgerReader.open(places.repository_state(sending)) as reader:
        entries = [entry for entry in reader.entries() if entry.type == "command.outcome"]
        (printed,) = [reader.open_sealed(entry, "output") for entry in entries]
    assert b"def connect(host)" in printed
    assert KEY.encode() not in printed
    assert OTHER.encode() not in printed
