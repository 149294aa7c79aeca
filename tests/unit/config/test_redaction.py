"""Secrets don't get into logs, whichever way they come."""

import json
import logging
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr

from fluxtune.config import Settings, load_settings
from fluxtune.config.logs import set_up_logs
from fluxtune.config.redaction import HIDDEN, Redactor

SECRET = "Zq8vK2mN4pR7sT1wX9yB"


@pytest.mark.parametrize(
    "text",
    [
        f"GET /?token={SECRET}&next=/ 200",
        f"postgresql://studio:{SECRET}@db.example/fluxtune refused",
        f"headers {{'Authorization': 'Bearer {SECRET}', 'accept': '*/*'}}",
        f"x-key: {SECRET}",
        f'{{"password": "{SECRET}", "name": "a"}}',
        f"api_key={SECRET}",
        f"fluxtune-{SECRET}{SECRET}",
        f"Cookie: fluxtune_session_7860={SECRET}",
        f"https://s3.example/a?X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"-----{'BEGIN'} PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    ],
)
def test_secrets_are_known_by_how_they_look(text: str) -> None:
    shown = Redactor().text(text)
    assert SECRET not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "job ended", "GET /api/datasets/0198c0ffee0198c0ffee0198c0ffee01 200", "3 tokens of the prompt were cut off",
        "key_name work", "http://127.0.0.1:7860/system/access", "a photo of @rex, 12:30",
    ],
)  # fmt: skip
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert Redactor().text(text) == text


def test_values_are_hidden_by_the_name_they_stand_under() -> None:
    shown = Redactor().value(
        {"token": SECRET, "deep": [{"smtp_password": SECRET}], "key_name": "work", "token_id": "t1"}
    )
    assert shown == {"token": HIDDEN, "deep": [{"smtp_password": HIDDEN}], "key_name": "work", "token_id": "t1"}


def test_secrets_of_the_settings_are_known_by_value(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, hosted={"key": SECRET}, telemetry={"headers": {"k": "another-secret"}})
    redactor = Redactor(settings)
    assert redactor.text(f"the server said: {SECRET}? another-secret!") == f"the server said: {HIDDEN}? {HIDDEN}!"
    settings.hosted.key = SecretStr("changed-in-the-browser")
    redactor.refresh()
    assert redactor.text("changed-in-the-browser") == HIDDEN


@given(st.text(max_size=80))
@examples(max_examples=40)
def test_hiding_twice_is_hiding_once(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


def test_no_way_into_the_file(settings: Settings) -> None:
    before = structlog.get_config(), logging.getLogger().handlers[:], logging.getLogger().level
    try:
        settings.hosted.key = SecretStr(SECRET)
        set_up_logs(settings, "server", console=False)
        log = structlog.get_logger("ours")
        log.info("signed in", token=SECRET, url=f"/?token={SECRET}", sent={"x-key": SECRET})
        logging.getLogger("theirs").warning("posted to https://a:%s@b.example", SECRET, extra={"authorization": SECRET})
        try:
            raise ValueError(f"answered 401 to Bearer {SECRET}")
        except ValueError:
            log.exception("broke")
        lines = settings.paths.log_file.read_text().splitlines()
    finally:
        for handler in logging.getLogger().handlers:
            handler.close()
        structlog.configure(**before[0])
        logging.getLogger().handlers[:] = before[1]
        logging.getLogger().setLevel(before[2])
    assert [json.loads(line)["level"] for line in lines] == ["info", "warning", "error"]
    assert SECRET not in "".join(lines)
    assert "ValueError" in lines[2]
