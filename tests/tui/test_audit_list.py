"""The audit history: the newest on top, pages asked for as they come on screen, a million at no cost."""

from __future__ import annotations

from tests.timing import stopwatch
from tests.tui.recording import RecordingFace
from tests.tui.stage import frame, stage
from workbench.session.views import LedgerGrew


def _asked(face: RecordingFace) -> list[tuple[object, ...]]:
    return [call for call in face.calls if call[0] == "audit"]


async def test_the_newest_entry_is_on_top_and_only_pages_on_screen_are_asked_for() -> None:
    async with stage(RecordingFace(ledger=18204)) as on:
        assert "18203 read" in frame(on.app)
        assert _asked(on.face) == [("audit", 18200, 18204), ("audit", 18000, 18200)] or sorted(
            map(str, _asked(on.face))
        ) == sorted(map(str, [("audit", 18200, 18204), ("audit", 18000, 18200)]))


async def test_a_denial_stands_out_by_its_word() -> None:
    async with stage(RecordingFace(ledger=5)) as on:
        row = next(line for line in frame(on.app).splitlines() if "    3 " in line)
        assert "DENY" in row


async def test_the_tail_is_followed_while_the_cursor_is_on_it() -> None:
    async with stage(RecordingFace(ledger=100)) as on:
        on.face.ledger = 103
        on.face.tell(LedgerGrew(103))
        await on.until(lambda: "  102 search" in frame(on.app))
        assert on.app.main.audit.list.cursor == 0


async def test_entries_that_arrive_do_not_move_what_is_being_read() -> None:
    async with stage(RecordingFace(ledger=1000)) as on:
        rows = on.app.main.audit.list
        await on.press("alt+4", "ctrl+d", "ctrl+d")
        await on.calm()
        reading = rows.row_of(rows.cursor)
        on.face.ledger = 1007
        on.face.tell(LedgerGrew(1007))
        await on.until(lambda: rows.size_known == 1007)
        assert reading is not None
        assert rows.row_of(rows.cursor) == reading


async def test_a_million_entries_mount_at_no_cost_and_the_oldest_can_be_reached() -> None:
    async with stage(RecordingFace(ledger=0)) as on:
        on.face.ledger = 1_000_000
        with stopwatch() as taken:
            on.app.main.audit.list.grow(1_000_000)
        assert taken.seconds < 0.1
        await on.press("alt+4", "G")
        await on.until(lambda: "    0 search" in frame(on.app))


async def test_a_page_that_could_not_be_read_is_asked_for_again() -> None:
    from workbench.core.errors import LedgerBroken

    class Failing(RecordingFace):
        def audit(self, start: int, stop: int):  # type: ignore[no-untyped-def]
            if not self.calls:
                self.calls.append(("failed",))
                raise LedgerBroken("The ledger cannot be read.", "Run `workbench audit verify`.")
            return super().audit(start, stop)

    async with stage(Failing(ledger=10)) as on:
        assert "The ledger cannot be read." in on.notice
        on.app.main.audit.list.repaint()
        await on.until(lambda: "    9 read" in frame(on.app))


def _opened(face: RecordingFace) -> int:
    return sum(call == ("audit_opened",) for call in face.calls)


async def test_looking_through_the_ledger_is_recorded_once_and_not_for_each_scroll() -> None:
    async with stage(RecordingFace(ledger=1000)) as on:
        assert _opened(on.face) == 0
        await on.press("alt+4", "j", "ctrl+d", "G", "g", "alt+4")
        await on.until(lambda: _opened(on.face) == 1)
        await on.press("enter")
        await on.until(lambda: "Entry 999" in frame(on.app))
        await on.press("escape", "j")
        await on.calm()
        assert _opened(on.face) == 1
        await on.press("alt+1")
        await on.until(lambda: not on.app.feed._auditing)
        await on.press("alt+4")
        await on.until(lambda: _opened(on.face) == 2)


async def test_enter_shows_all_fields_of_the_entry_under_the_cursor() -> None:
    async with stage(RecordingFace(ledger=1000)) as on:
        await on.press("alt+4", "j", "j", "enter")
        await on.until(lambda: "Entry 997" in frame(on.app))
        assert ("audit_entry", 997) in on.face.calls
        assert '"field_3": "value"' in frame(on.app)
        await on.press("escape")
        await on.until(lambda: "Entry 997" not in frame(on.app))


async def test_the_record_is_verified_from_the_palette_beside_the_loop() -> None:
    async with stage(RecordingFace(ledger=10)) as on:
        on.app.act("app.verify", listed=True)
        await on.until(lambda: "Entries 0 to 18203 hold." in frame(on.app))
        assert ("verify",) in on.face.calls
        assert "newest external anchor size 18200" in on.notice
