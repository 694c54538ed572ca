"""Which passwords are taken, and that a hash is argon2id and tells the right one from all others."""

import asyncio
import threading

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from backend.core.errors import BadRequest
from backend.users import passwords

GOOD = "coat hanger violet sparrow"


@pytest.mark.parametrize("weak", ["", "short", "password123", "marie2026", "aaaaaaaaaaaa", "x" * 200])
async def test_weak_passwords_are_refused_with_advice(weak: str) -> None:
    with pytest.raises(BadRequest, match="password") as refused:
        await passwords.check_strength(weak, ["marie", "marie@example.org"])
    assert refused.value.code in ("password_weak", "password_length")


async def test_a_few_words_are_strong_enough() -> None:
    await passwords.check_strength(GOOD, ["marie"])


async def test_the_event_loop_goes_on_while_a_password_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge waits for a word that only the loop can give."""
    given, judge = threading.Event(), passwords.zxcvbn

    def slow(password: str, user_inputs: list[str]) -> dict:
        assert given.wait(60), "nothing else went on meanwhile"
        return judge(password, user_inputs=user_inputs)

    monkeypatch.setattr(passwords, "zxcvbn", slow)
    judging = asyncio.ensure_future(passwords.check_strength(GOOD))
    await asyncio.sleep(0)
    given.set()
    await judging


def test_what_is_kept_is_argon2id_as_the_rfc_wants_it() -> None:
    kept = asyncio.run(passwords.hash_password(GOOD))
    made = extract_parameters(kept)
    assert (made.type, made.memory_cost, made.time_cost) == (Type.ID, 65_536, 3)
    assert GOOD not in kept
    tries = {GOOD: True, GOOD + " ": False, "": False, GOOD.upper(): False}
    assert {p: asyncio.run(passwords.matches(p, kept)) for p in tries} == tries
    assert not asyncio.run(passwords.matches("nobody has this password", None))
