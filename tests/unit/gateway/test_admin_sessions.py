"""Sessions: bounded, mortal, and only as good as the credential that began them."""

from evenhand.gateway.admin import NOBODY, Caller, Role, Shown
from evenhand.gateway.admin.sessions import (
    IDLE_S_MAX,
    LIFE_S_MAX,
    OF_ONE_MAX,
    SESSIONS_MAX,
    Sessions,
)
from support.desk import Clock

ALICE = Caller("alice", Role.OPERATOR)


def shown(caller: Caller) -> Shown:
    return Shown(caller, lambda: caller)


def test_a_session_is_its_callers_until_it_ends() -> None:
    sessions = Sessions(Clock())
    token = sessions.begin(shown(ALICE))
    assert sessions.caller(token) == ALICE
    assert sessions.caller(token + "x") is NOBODY
    assert sessions.caller("") is NOBODY
    assert sessions.end(token) == ALICE
    assert sessions.end(token) is NOBODY
    assert sessions.caller(token) is NOBODY


def test_tokens_are_long_and_never_the_same() -> None:
    sessions = Sessions(Clock())
    tokens = {sessions.begin(shown(Caller(str(n), Role.VIEWER))) for n in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43, "256 bit in base64"


def test_an_idle_session_ends_and_a_used_one_goes_on_until_its_last_hour() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    idle, used = sessions.begin(shown(ALICE)), sessions.begin(shown(ALICE))
    begun = clock.now_s
    while clock.now_s - begun + IDLE_S_MAX / 2 <= LIFE_S_MAX:
        clock.now_s += IDLE_S_MAX / 2
        assert sessions.caller(used) == ALICE
    assert sessions.caller(idle) is NOBODY
    clock.now_s = begun + LIFE_S_MAX + 1
    assert sessions.caller(used) is NOBODY
    assert len(sessions) == 0


def test_a_session_ends_with_its_credential() -> None:
    is_good = True
    sessions = Sessions(Clock())
    token = sessions.begin(Shown(ALICE, lambda: ALICE if is_good else NOBODY))
    assert sessions.caller(token) == ALICE
    is_good = False
    assert sessions.caller(token) is NOBODY
    is_good = True
    assert sessions.caller(token) is NOBODY, "what has ended stays ended"


def test_a_lower_role_holds_at_once() -> None:
    now = ALICE
    sessions = Sessions(Clock())
    token = sessions.begin(Shown(ALICE, lambda: now))
    now = Caller("alice", Role.VIEWER)
    assert sessions.caller(token).role is Role.VIEWER


def test_one_caller_has_a_bounded_number() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    tokens = []
    for _ in range(OF_ONE_MAX + 1):
        clock.now_s += 1
        tokens.append(sessions.begin(shown(ALICE)))
    assert sessions.caller(tokens[0]) is NOBODY, "the one that was unused for longest"
    assert all(sessions.caller(token) == ALICE for token in tokens[1:])


def test_no_number_of_tenants_shuts_the_operator_out() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    operator = sessions.begin(shown(ALICE))
    for number in range(SESSIONS_MAX + 10):
        clock.now_s += 0.001
        sessions.begin(shown(Caller(f"key {number}", Role.TENANT, ("t",))))
    assert len(sessions) == SESSIONS_MAX
    assert sessions.caller(operator) == ALICE


def test_what_has_ended_makes_room() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    for number in range(50):
        sessions.begin(shown(Caller(str(number), Role.VIEWER)))
    clock.now_s += IDLE_S_MAX + 1
    sessions.begin(shown(ALICE))
    assert len(sessions) == 1


def test_no_token_is_in_memory_as_it_is() -> None:
    sessions = Sessions(Clock())
    token = sessions.begin(shown(ALICE))
    assert token not in repr(vars(sessions))
