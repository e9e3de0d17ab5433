"""What luna remembers, through the blocking Python client."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from luna_client import LunaError

from scripts import ANSWER, WHOLE


def test_memory(client, fake):
    fake.script(WHOLE)
    begun = datetime.now(timezone.utc)
    for session, input in (("산책", "오늘 날씨가 어때?"), ("산책", "내일은?"), ("일", "회의가 언제야?")):
        client.answer(input, user_id="memory", session_id=session)
    memory = client.memory("memory")
    assert [turn.user for turn in memory.recent(2)] == ["회의가 언제야?", "내일은?"]
    newest, oldest = memory.conversations("산책")
    assert memory.conversations("산책", limit=1, offset=1) == [oldest]
    assert memory.conversation(newest.id) == newest
    assert (newest.user_message, newest.assistant_message, newest.mode) == ("내일은?", ANSWER, "api")
    assert begun - timedelta(minutes=1) < oldest.timestamp <= newest.timestamp
    found = memory.search("날씨")
    assert (found.total, found.results[0].id) == (1, oldest.id)
    assert [part.text for part in found.results[0].snippet if part.match] == ["날씨"]
    assert memory.search(since=begun - timedelta(minutes=1), session_id="일").total == 1
    assert memory.search(until=begun - timedelta(minutes=1)).total == 0
    assert [session.session_id for session in memory.sessions()] == ["일", "산책"]
    assert memory.sessions()[1].conversations == 2
    stats = memory.stats()
    assert (stats.total_conversations, stats.unique_sessions) == (3, 2)
    assert sum(stats.conversations_by_date.values()) == 3
    assert stats.first_conversation == oldest.timestamp
    memory.delete(newest.id)
    with pytest.raises(LunaError) as failure:
        memory.conversation(newest.id)
    assert failure.value.code == "NOT_FOUND"
    assert memory.clear("일") == 1
    assert memory.clear() == 1
    assert memory.stats().first_conversation is None


def test_summaries(client, fake):
    fake.script(WHOLE)
    memory = client.memory("summaries")
    assert (memory.summary(), memory.summarize().status) == ("", "failed")
    client.answer("안녕", user_id="summaries")
    fake.script({"steps": [{"text": "인사를 나눴다."}, {"finish": "STOP"}, {"done": True}]})
    assert memory.summarize().summary == "인사를 나눴다." == memory.summary()
    (summary,) = memory.summaries()
    assert (summary.content, summary.summarized_turns) == ("인사를 나눴다.", 1)


def test_what_was_exported_is_imported(client, fake, tmp_path):
    fake.script(WHOLE)
    client.answer("안녕", user_id="export")
    file = tmp_path / "export.ndjson"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(client.memory("export").export())
    for mode, counts in (("rb", (1, 0)), ("r", (0, 1))):
        with file.open(mode) as lines:
            result = client.memory("import").import_(lines)
        assert (result.imported, result.skipped) == counts
    (turn,) = client.memory("import").conversations()
    assert turn.user_message == "안녕"


LONG = "가" * 30_000  # 90 kB


def test_a_file_of_any_length_is_imported(client):
    time = "2026-01-01T00:00:{:02}Z"
    turns = [
        {"conversation": {"timestamp": time.format(n), "user_message": f"{n}", "assistant_message": LONG}}
        for n in range(7)
    ]
    lines = [json.dumps(turn, ensure_ascii=False) + "\n" for turn in turns]
    memory = client.memory("long")
    assert memory.import_(lines).imported == 7
    assert [turn.user_message for turn in memory.conversations()] == list("6543210")


def test_the_originals_history_is_imported(client):
    entry = {"assistant": LONG, "metadata": {"emotion": "joy", "intent": "", "mode": "api"}}
    turns = [entry | {"timestamp": f"2025-01-01T00:00:{n:02}", "user": f"{n}"} for n in range(7)]
    file = json.dumps(turns, ensure_ascii=False, indent=2).splitlines(keepends=True)
    memory = client.memory("original")
    assert memory.import_(file).imported == 7
    assert [turn.emotion for turn in memory.conversations()] == ["joy"] * 7


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig"), ids=("plain", "BOM"))
def test_a_byte_order_mark_is_no_part_of_the_file(client, tmp_path, encoding):
    entry = {"assistant": LONG, "metadata": {"emotion": "joy"}}
    turns = [entry | {"timestamp": f"2025-01-01T00:00:{n:02}", "user": f"{n}"} for n in range(7)]
    file = tmp_path / "conversation_history.json"
    file.write_text(json.dumps(turns, ensure_ascii=False, indent=2), encoding=encoding)
    with file.open("rb") as lines:
        assert client.memory(f"mark-{encoding}").import_(lines).imported == 7


@pytest.mark.parametrize("text", ("{}\n", b"{}\n"), ids=("text", "bytes"))
def test_a_files_text_is_no_file(client, text):
    with pytest.raises(TypeError, match="expected a file"):
        client.memory("text").import_(text)


def test_a_bad_line_is_named(client):
    memory = client.memory("bad", language="en")
    with pytest.raises(LunaError) as failure:
        memory.import_(["\n", "{}\n"])
    assert failure.value.code == "INVALID_INPUT"
    assert failure.value.message.startswith("line 2: ")
    good = {"conversation": {"timestamp": "2026-01-01T00:00:00Z", "user_message": "예", "assistant_message": LONG}}
    with pytest.raises(LunaError) as failure:
        memory.import_([json.dumps(good, ensure_ascii=False) + "\n"] * 4 + ["{}\n"])
    assert failure.value.message.startswith("line 3: ")
    assert failure.value.message.endswith(" (not counting the first 2)")


def test_a_line_that_no_request_can_hold_is_not_worth_a_retry(client):
    with pytest.raises(LunaError) as failure:
        client.memory("huge").import_(["x" * (9 << 19)])
    assert (failure.value.code, failure.value.retryable) == ("INPUT_TOO_LARGE", False)


def test_nothing_to_import_is_no_error(client):
    assert client.memory("nothing").import_([]).imported == 0
