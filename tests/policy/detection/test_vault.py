"""Values go out of a text and come back into the same place of the same file, or not at all."""

from __future__ import annotations

import ast
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.detection import fakes
from workbench.policy.detection import (
    ForeignPlaceholder,
    ForgedPlaceholder,
    Material,
    PlaceholdersNotKept,
    Redacted,
    UnknownPlaceholder,
    Vault,
    VaultClosed,
    VaultError,
    escaped,
    holds_placeholder,
    scan,
)

SSN, CARD = fakes.ssn(), fakes.card()
TOKEN = "ghp_" + fakes.text(fakes.ALPHANUMERIC, 36)


def _redact(vault: Vault, text: str, path: str = "a.txt", encoding: str = "utf-8") -> Redacted:
    data = text.encode(encoding)
    material = Material.CODE if path.endswith(".py") else Material.DATA
    return vault.redact(path, data, scan(data, material))


def test_a_value_goes_out_and_comes_back() -> None:
    vault = Vault()
    text = f"ssn {SSN}, card {CARD}, again {SSN}"
    redacted = _redact(vault, text)
    assert SSN.encode() not in redacted.data
    assert CARD.encode() not in redacted.data
    assert redacted.replaced == 3
    restored = vault.restore("a.txt", shown=redacted.data, answer=redacted.data)
    assert restored.data == text.encode()
    assert restored.restored == 3


def test_equal_values_are_equal_placeholders_in_a_session_and_others_in_another() -> None:
    vault = Vault()
    first, second = _redact(vault, SSN, "a.txt").data, _redact(vault, SSN, "b.txt").data
    assert first == second
    assert _redact(Vault(), SSN).data != first
    assert _redact(vault, fakes.ssn(group=46)).data != first


def test_code_with_placeholders_still_parses() -> None:
    code = f'ssn = "{SSN}"\nheaders = {{"Authorization": "token {TOKEN}"}}\n'
    redacted = _redact(Vault(), code, "a.py")
    assert b"__WB_SSN_" in redacted.data
    assert redacted.data.isascii()
    ast.parse(redacted.data)


def test_prose_shows_placeholders_in_brackets() -> None:
    assert _redact(Vault(), SSN).data.decode().startswith("⟦SSN:")


def test_an_edit_around_a_placeholder_is_restored() -> None:
    vault = Vault()
    redacted = _redact(vault, f'connect("{TOKEN}")\n', "a.py")
    answer = b"# retry once\n" + redacted.data.replace(b"connect(", b"connect_with_retry(")
    restored = vault.restore("a.py", shown=redacted.data, answer=answer)
    assert restored.data == f'# retry once\nconnect_with_retry("{TOKEN}")\n'.encode()


@pytest.mark.parametrize(
    "text", ["__WB_SSN_cfb2" + "25a2__", "⟦SSN:cfb2" + "25a2⟧", "x __wb_pan_1__", "⟦ssn : 1"]
)
def test_text_that_already_holds_the_syntax_is_refused(text: str) -> None:
    vault = Vault()
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(ForgedPlaceholder):
            _redact(vault, f"{text} {SSN}", encoding=encoding)
    assert vault.held == 0


def test_a_placeholder_of_another_file_is_refused() -> None:
    vault = Vault()
    theirs = _redact(vault, f"card {CARD}", "secret.txt")
    ours = _redact(vault, f"ssn {SSN}", "a.txt")
    with pytest.raises(ForeignPlaceholder):
        vault.restore("a.txt", shown=ours.data, answer=theirs.data)
    with pytest.raises(ForeignPlaceholder):
        vault.restore("a.txt", shown=theirs.data, answer=theirs.data)


def test_a_placeholder_of_another_part_of_the_file_is_refused() -> None:
    vault = Vault()
    whole = _redact(vault, f"{SSN}\n{CARD}\n")
    first, second = whole.data.splitlines()
    with pytest.raises(ForeignPlaceholder):
        vault.restore("a.txt", shown=first, answer=first + second)


def test_placeholders_left_out_or_repeated_are_refused() -> None:
    vault = Vault()
    redacted = _redact(vault, f"ssn {SSN}")
    for answer in (b"ssn removed", redacted.data + redacted.data):
        with pytest.raises(PlaceholdersNotKept):
            vault.restore("a.txt", shown=redacted.data, answer=answer)


def test_changed_and_invented_placeholders_are_refused() -> None:
    vault = Vault()
    redacted = _redact(vault, f'x = "{SSN}"', "a.py")
    token = redacted.data[redacted.data.index(b"__WB") : redacted.data.rindex(b'"')]
    bent = (
        token[:-3] + b"_",
        token.lower(),
        token[:-4] + b"0__",
        token.replace(b"SSN", b"PAN"),
        b"__WB_SSN_00000000__",
    )
    for other in bent:
        if other == token:
            continue
        for answer in (redacted.data.replace(token, other), redacted.data + b" " + other):
            with pytest.raises(UnknownPlaceholder):
                vault.restore("a.py", shown=redacted.data, answer=answer)


def test_a_file_that_was_not_redacted_receives_nothing_of_another() -> None:
    vault = Vault()
    theirs = _redact(vault, f"card {CARD}", "secret.txt")
    with pytest.raises(ForeignPlaceholder):
        vault.restore("b.txt", shown=b"nothing protected", answer=theirs.data)
    untouched = vault.restore("b.txt", shown=b"nothing protected", answer=b"something else")
    assert (untouched.data, untouched.restored) == (b"something else", 0)


def test_text_about_placeholders_can_be_edited_where_nothing_is_protected() -> None:
    vault = Vault()
    about = "Values become __WB_SSN_<digest>__ or ⟦SSN:cfb2".encode() + "25a2⟧.".encode()
    answer = b"# Title\n" + about
    assert vault.restore("docs.md", shown=about, answer=answer).data == answer
    with pytest.raises(UnknownPlaceholder):
        vault.restore("docs.md", shown=about, answer=answer + b"__WB_PAN_")


def test_an_answer_in_another_encoding_is_refused() -> None:
    vault = Vault()
    data = f"nr {SSN}".encode("utf-16")
    found = scan(data, Material.DATA)
    redacted = vault.redact("a.txt", data, found)
    with pytest.raises(VaultError):
        vault.restore("a.txt", shown=redacted.data, answer=redacted.data + b"x", encoding=found.encoding)


def test_the_other_form_of_a_placeholder_is_the_same_placeholder() -> None:
    vault = Vault()
    redacted = _redact(vault, SSN)
    kind, digest = redacted.data.decode().strip("⟦⟧").split(":")
    assert (
        vault.restore("a.txt", shown=redacted.data, answer=f"__WB_{kind}_{digest}__".encode()).data
        == SSN.encode()
    )


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16", "utf-32"])
def test_every_encoding_comes_back_byte_for_byte(encoding: str) -> None:
    vault = Vault()
    data = f"Größe é {SSN} end, {CARD}\n".encode(encoding)
    found = scan(data, Material.DATA)
    redacted = vault.redact("a.txt", data, found)
    assert redacted.replaced == 2
    redacted.data.decode(encoding)
    restored = vault.restore("a.txt", shown=redacted.data, answer=redacted.data, encoding=found.encoding)
    assert restored.data == data


def test_overlapping_findings_leave_nothing_of_either() -> None:
    vault = Vault()
    text = f"PID|1||48213^^^LAB^MR||SYNTH^JANE||19700101|F|||{SSN}|jane@clinic-synthetic.org\r"
    redacted = _redact(vault, text)
    assert redacted.replaced == 1
    assert b"SYNTH" not in redacted.data
    assert vault.restore("a.txt", shown=redacted.data, answer=redacted.data).data == text.encode()


def test_only_chosen_findings_are_replaced() -> None:
    data = f"{SSN} {CARD}".encode()
    found = scan(data, Material.DATA)
    chosen = [one for one in found.findings if one.rule_id == "ssn"]
    redacted = Vault().redact("a.txt", data, found, chosen)
    assert CARD.encode() in redacted.data
    assert SSN.encode() not in redacted.data


def test_a_vault_shows_and_writes_nothing() -> None:
    vault = Vault()
    redacted = _redact(vault, f"{SSN} and more text")
    assert SSN not in repr(vault)
    assert "and more text" not in repr(redacted)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(vault)
    with pytest.raises(AttributeError):
        _ = vault.__dict__


def test_a_closed_vault_has_forgotten_everything() -> None:
    vault = Vault()
    redacted = _redact(vault, SSN)
    held = [*vault._values.values()]
    vault.close()
    vault.close()
    assert vault.held == 0
    assert all(set(value) == {0} for value in held)
    with pytest.raises(VaultClosed):
        vault.restore("a.txt", shown=redacted.data, answer=redacted.data)
    with pytest.raises(VaultClosed):
        _redact(vault, SSN)


def test_values_whose_digests_begin_alike_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.policy.detection.digests import SessionKey

    real = SessionKey.digest
    monkeypatch.setattr(
        SessionKey, "digest", lambda key, purpose, value: "00000000" + real(key, purpose, value)[8:]
    )
    vault = Vault()
    text = f"{SSN} {fakes.ssn(group=46)} {SSN}"
    redacted = _redact(vault, text)
    assert vault.restore("a.txt", shown=redacted.data, answer=redacted.data).data == text.encode()


@given(
    st.lists(st.sampled_from([SSN, CARD, TOKEN, " x ", "\n", "é", "_", "__", "key: ", "⟧", "|"]), max_size=14)
)
def test_what_is_redacted_and_answered_unchanged_comes_back(parts: list[str]) -> None:
    vault = Vault()
    text = " ".join(parts)
    for path in ("a.txt", "a.py"):
        redacted = _redact(vault, text, path)
        assert vault.restore(path, shown=redacted.data, answer=redacted.data).data == text.encode()


@given(st.binary(max_size=200))
def test_any_answer_is_restored_or_refused(answer: bytes) -> None:
    vault = Vault()
    redacted = _redact(vault, f"a {SSN}")
    try:
        restored = vault.restore("a.txt", shown=redacted.data, answer=redacted.data + answer)
    except VaultError:
        return
    assert restored.data == f"a {SSN}".encode() + answer


def test_what_was_replaced_once_is_replaced_wherever_else_it_stands_as_a_word() -> None:
    vault = Vault()
    first = _redact(vault, f"ssn {SSN}")
    plain = f"again {SSN}, {SSN}x not, x{SSN} not".encode()
    later = vault.redact("b.txt", plain, scan(b"", Material.DATA))
    assert first.data.removeprefix(b"ssn ") in later.data
    assert later.data.count(SSN.encode()) == 2
    assert vault.restore("b.txt", shown=later.data, answer=later.data).data == plain
    assert vault.recalls(plain)
    assert not vault.recalls(b"nothing of it")
    assert vault.covered(f"say {SSN}") != f"say {SSN}"


@given(st.lists(st.sampled_from([SSN, CARD, TOKEN, "x", " ", "_", "\n", "é", ":"]), max_size=14))
def test_values_held_from_another_file_come_back_as_well(parts: list[str]) -> None:
    vault = Vault()
    _redact(vault, f"{SSN} {CARD} {TOKEN}", "other.txt")
    text = "".join(parts)
    redacted = _redact(vault, text)
    assert vault.restore("a.txt", shown=redacted.data, answer=redacted.data).data == text.encode()
    for place in redacted.replacements:
        assert redacted.data[place.shown_start : place.shown_end].decode().startswith("⟦")


def test_a_cover_leaves_placeholders_of_its_own_and_takes_out_the_rest() -> None:
    vault = Vault()
    own = _redact(vault, f'key = "{TOKEN}"\n', "a.py").data
    text = own + f"{SSN}\n".encode()
    covered = vault.cover(text, scan(text, Material.DATA))
    assert covered.startswith(own)
    assert SSN.encode() not in covered
    assert vault.outside(own, scan(own, Material.CODE)).findings == ()


def test_a_blank_is_as_long_in_the_same_lines_and_holds_nothing() -> None:
    vault = Vault()
    key = fakes.private_key()
    text = f'a = """{key}"""\nb = "{TOKEN}"\nuse("{TOKEN}")\n'.encode()
    found = scan(text, Material.CODE)
    blank = vault.blanked(text, found, found.findings)
    assert len(blank) == len(text)
    assert [len(line) for line in blank.split(b"\n")] == [len(line) for line in text.split(b"\n")]
    assert TOKEN.encode() not in blank
    assert blank.startswith(b'a = """')
    assert vault.held == 0


def test_escaped_text_holds_no_placeholder() -> None:
    for text in ("__WB_SSN_cfb2" + "25a2__", "⟦SSN:cfb2" + "25a2⟧", "x __wb_pan_1__"):
        assert not holds_placeholder(escaped(text).encode())
