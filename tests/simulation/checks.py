"""The invariants of docs/protocol.md, each a function from a history to what is wrong with it.

They read the history and nothing else, so that they can be held against any other implementation;
tests/simulation/test_removed_rules.py shows that each of them can fail.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from messaging.events import EventType
from messaging.fold import Report, fold
from messaging.states import FINAL, RANK, TRANSITIONS, AttemptState, MessageState
from protocol import constant
from tests.simulation.history import (
    Answered,
    AttemptBecame,
    Became,
    Changed,
    Ended,
    Forgot,
    Handed,
    Heard,
    History,
    Inbox,
    Inserted,
    OptedIn,
    OptedOut,
    Paired,
    Peeked,
    ReceivedSms,
    Started,
    Stored,
    WentBack,
)

Check = Callable[[History], Iterator[str]]

PACE_SECONDS = constant("pace_seconds")
SEGMENTS_PER_MINUTE = constant("segments_per_minute")
GONE_PAST = frozenset({"owner: again", "resend"})  # what may put a doubtful message back
_EPSILON = 0.002  # the phone counts in whole milliseconds


def violations(history: History) -> list[str]:
    """All that is wrong, each with the name of its invariant in front; [] where nothing is."""
    has_lost = any(history.all(WentBack))
    return [
        f"{name}: {wrong}"
        for name, check in CHECKS.items()
        if not has_lost or name in HOLD_AFTER_A_LOSS
        for wrong in check(history)
    ]


def sent_once(history: History) -> Iterator[str]:
    """One start an attempt, and one a message apart from attempts its owner chose to go past."""
    starts = Counter((start.message, start.n) for start in history.all(Started))
    for (message, n), count in starts.items():
        if count > 1:
            yield f"message {message}, attempt {n} was started {count} times"
    superseded = {(a.message, a.n) for a in history.all(AttemptBecame) if a.is_superseded}
    wanted = Counter(c.message for c in history.all(Changed) if c.cause in GONE_PAST)
    losses = sum(1 for _ in history.all(WentBack))  # what may have been sent since goes again
    wanted.update({i.message: losses for i in history.all(Inserted) if i.resend})
    for message, count in Counter(key[0] for key in starts).items():
        alone = sum(1 for key in starts if key[0] == message and key not in superseded)
        if alone > 1 or count > 1 + wanted[message]:
            yield f"message {message} was sent {count} times"
    by_resend = {c.message for c in history.all(Changed) if c.cause == "resend"}
    for message in by_resend - {i.message for i in history.all(Inserted) if i.resend}:
        yield f"message {message} was sent again without its owner's wish"


def sent_means_started(history: History) -> Iterator[str]:
    started: set[int] = set()
    for entry in history.entries:
        match entry:
            case Started():
                started.add(entry.message)
            case Changed(to_state="sent" | "delivered" | "undelivered"):
                if entry.message not in started and not entry.cause.startswith("owner"):
                    yield f"message {entry.message} is {entry.to_state}, but no radio was asked"


def unsent_means_not_started(history: History) -> Iterator[str]:
    """`cancelled` and `expired` say for certain that no radio was asked."""
    started = {start.message for start in history.all(Started)}
    for end in history.all(Ended):
        if end.state in {"cancelled", "expired"} and end.message in started:
            yield f"message {end.message} is {end.state}, but a radio was asked"


def nothing_lost(history: History) -> Iterator[str]:
    """Each accepted message is there, and comes to an end that somebody knows or can see."""
    lost = {message for gone in history.all(WentBack) for message in gone.lost}
    known = {inserted.message for inserted in history.all(Inserted)} - lost
    ends = {end.message: end.state for end in history.all(Ended)}
    if set(ends) != known:
        yield f"messages {sorted(set(ends) ^ known)} are not on both lists"
    for answer in history.all(Answered):
        if answer.status == 201 and answer.message not in ends.keys() | lost:
            yield f"message {answer.message} was accepted and is gone"
    open_states = set(ends.values()) - {state.value for state in FINAL} - {"uncertain"}
    for state in sorted(open_states):
        yield f"messages {sorted(m for m, s in ends.items() if s == state)} stay {state} for ever"


def nothing_guessed(history: History) -> Iterator[str]:
    """What a phone wrote down reaches the server, unless the phone lost its memory first."""
    forgot = {(gone.phone, gone.life) for gone in history.all(Forgot)}
    stored = {(s.message, s.n, s.type, s.part) for s in history.all(Stored)}
    for heard in history.all(Heard):
        if (heard.phone, heard.life) in forgot:
            continue
        if (heard.message, heard.n, heard.type, heard.part) not in stored:
            yield f"message {heard.message}: {heard.phone} heard {heard.type}, the server did not"
    came = Counter((sms.sender, sms.text) for sms in history.all(ReceivedSms))
    remembered = Counter(
        (sms.sender, sms.text)
        for sms in history.all(ReceivedSms)
        if (sms.phone, sms.life) not in forgot
    )
    kept = Counter(text for box in history.all(Inbox) for text in box.texts)
    for sms, count in came.items():
        if not remembered[sms] <= kept[sms] <= count:
            yield f"the SMS {sms} came {count} times and stands {kept[sms]} times in the inbox"


def ranks_never_fall(history: History) -> Iterator[str]:
    ranks: dict[tuple[int, int], int] = {}
    for became in history.all(AttemptBecame):
        state, key = AttemptState(became.state), (became.message, became.n)
        if state is AttemptState.RELEASED:
            continue
        if RANK[state] < ranks.get(key, 0):
            yield f"message {key[0]}, attempt {key[1]} fell back to {state}"
        ranks[key] = RANK[state]


def order_does_not_matter(history: History) -> Iterator[str]:
    """The same reports shuffled and doubled fold to the same state as the server came to."""
    reports: defaultdict[tuple[int, int], list[Report]] = defaultdict(list)
    for s in history.all(Stored):
        reports[s.message, s.n].append(Report(EventType(s.type), s.part, s.parts, s.code))
    last = {(a.message, a.n): a.state for a in history.all(AttemptBecame)}
    chance = random.Random(0)
    for key, state in last.items():
        shuffled = reports[key] * 2
        chance.shuffle(shuffled)
        if fold(shuffled).state.value != state:
            yield f"message {key[0]}, attempt {key[1]} is {state}, its reports say otherwise"


def one_key_one_message(history: History) -> Iterator[str]:
    by_key: defaultdict[str, set[int]] = defaultdict(set)
    for answer in history.all(Answered):
        if answer.status == 201 and answer.message is not None:
            by_key[answer.key].add(answer.message)
    for key, messages in by_key.items():
        if len(messages) > 1:
            yield f"the key {key} made messages {sorted(messages)}"
    rows = Counter((i.tenant, i.external_id) for i in history.all(Inserted))
    for (_, external_id), count in rows.items():
        if count > 1:
            yield f"external_id {external_id} stands {count} times"


def nothing_starts_after_its_end(history: History) -> Iterator[str]:
    """Not after it was cancelled or expired, not after its deadline or its lease, not to somebody
    who had opted out before a phone got it."""
    over: dict[int, str] = {}
    called_off: set[int] = set()  # while in doubt: an earlier attempt may start, no new one
    opted_out: set[tuple[str, str]] = set()
    handed_to_opted_out: set[tuple[int, int]] = set()
    start_by: dict[tuple[int, int], float] = {}
    rows = {inserted.message: inserted for inserted in history.all(Inserted)}
    for entry in history.entries:
        match entry:
            case Changed(to_state="cancelled" | "expired"):
                over[entry.message] = entry.to_state
            case Changed(to_state="uncertain", cause="owner" | "cancelled"):
                called_off.add(entry.message)
            case Changed(cause="owner: again"):
                called_off.discard(entry.message)
            case OptedOut():
                opted_out.add((entry.tenant, entry.recipient))
            case OptedIn():
                opted_out.discard((entry.tenant, entry.recipient))
            case Handed():
                key, row = (entry.message, entry.n), rows[entry.message]
                if key not in start_by and (row.tenant, row.recipient) in opted_out:
                    handed_to_opted_out.add(key)
                if key not in start_by and entry.message in called_off:
                    yield f"message {entry.message} was handed out after it was cancelled in doubt"
                start_by[key] = max(entry.start_by, start_by.get(key, 0))
            case Started():
                key, row = (entry.message, entry.n), rows[entry.message]
                if entry.message in over:
                    yield f"message {entry.message} was started after it was {over[entry.message]}"
                if key in handed_to_opted_out:
                    yield f"message {entry.message} was sent to somebody who had opted out"
                if entry.at > start_by.get(key, 0) + _EPSILON:
                    yield f"message {entry.message} was started after its lease"
                if row.send_before is not None and entry.at > row.send_before + _EPSILON:
                    yield f"message {entry.message} was started after its deadline"


_DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]


def sending_hours_hold(history: History) -> Iterator[str]:
    any_hour = {inserted.message for inserted in history.all(Inserted) if inserted.any_hour}
    for start in history.all(Started):
        hours = history.hours.get(start.tenant)
        if hours is None or start.message in any_hour:
            continue
        day, now = start.local_time.split()
        if not _is_open(hours, int(day) - 1, now):
            yield f"message {start.message} was started at {start.local_time}, outside {hours}"


def _is_open(hours: str, day: int, now: str) -> bool:
    today, yesterday = _windows(hours, day), _windows(hours, (day - 1) % 7)
    return any(opens <= now and (now < closes or closes < opens) for opens, closes in today) or any(
        now < closes < opens for opens, closes in yesterday
    )


def _windows(hours: str, day: int) -> list[list[str]]:
    for rule in hours.split("; "):
        days, _, windows = rule.rpartition(" ")
        first, _, last = (days or "Mo-Su").partition("-")
        if _DAYS.index(first) <= day <= _DAYS.index(last or first):
            return [window.split("-") for window in windows.split(",")]
    return []


def pace_holds(history: History) -> Iterator[str]:
    by_phone: defaultdict[str, list[Started]] = defaultdict(list)
    for start in history.all(Started):
        for earlier in by_phone[start.phone]:
            distance = start.at - earlier.at
            if earlier.sim == start.sim and distance < PACE_SECONDS - _EPSILON:
                yield f"{start.phone} started two messages within {distance:.1f} s"
        by_phone[start.phone].append(start)
        minute = [s for s in by_phone[start.phone] if s.at > start.at - 60 + _EPSILON]
        segments = sum(s.segments for s in minute)
        if segments > SEGMENTS_PER_MINUTE and len(minute) > 1:
            yield f"{start.phone} sent {segments} segments within a minute"


def nothing_starts_without_service(history: History) -> Iterator[str]:
    for start in history.all(Started):
        if start.blocked:
            yield f"message {start.message} was started with {start.blocked}"


def a_lost_memory_is_doubted(history: History) -> Iterator[str]:
    """When a phone is paired anew, nothing that its former memory held goes on as if it were."""
    last: dict[tuple[int, int], str] = {}
    holder: dict[tuple[int, int], tuple[str, int]] = {}
    for entry in history.entries:
        match entry:
            case AttemptBecame():
                last[entry.message, entry.n] = entry.state
            case Handed():
                holder[entry.message, entry.n] = entry.phone, entry.life
            case Paired():
                for (message, n), (phone, life) in holder.items():
                    is_lost = phone == entry.phone and life < entry.life
                    if is_lost and last[message, n] in {"leased", "sending"}:
                        yield f"message {message} is {last[message, n]} by an install that is gone"


def highest_priority_first(history: History) -> Iterator[str]:
    """Each answer in order, and nothing more urgent left behind by it."""
    rows = {inserted.message: inserted for inserted in history.all(Inserted)}
    answers: defaultdict[int, list[int]] = defaultdict(list)
    pending: set[int] = set()
    seen: set[tuple[int, int]] = set()

    def rank(message: int) -> tuple[int, int]:
        return -rows[message].priority, message

    for entry in history.entries:
        match entry:
            case Inserted(state="pending") | Changed(to_state="pending"):
                pending.add(entry.message)
            case Changed(from_state="pending"):
                pending.discard(entry.message)
            case Handed():
                given = answers[entry.answer]
                if given and rank(given[-1]) > rank(entry.message):
                    yield f"{entry.phone} got message {given[-1]} before {entry.message}"
                given.append(entry.message)
                is_new = (entry.message, entry.n) not in seen
                seen.add((entry.message, entry.n))
                row = rows[entry.message]
                for other in pending if is_new else ():
                    is_takable = rows[other].any_hour or not row.any_hour
                    is_his = rows[other].tenant == row.tenant
                    if is_his and is_takable and rank(other) < rank(entry.message):
                        yield f"{entry.phone} got message {entry.message}, and {other} waits"


def every_change_is_written_once(history: History) -> Iterator[str]:
    state = {inserted.message: inserted.state for inserted in history.all(Inserted)}
    for entry in history.entries:
        if isinstance(entry, Changed):
            if entry.from_state != state[entry.message]:
                yield f"message {entry.message}: {entry.from_state} was {state[entry.message]}"
            allowed = TRANSITIONS[MessageState(entry.from_state)]
            if entry.to_state not in allowed:
                yield f"message {entry.message}: {entry.from_state} never becomes {entry.to_state}"
            state[entry.message] = entry.to_state
        elif isinstance(entry, Became) and entry.state != state[entry.message]:
            yield f"message {entry.message} became {entry.state}, and no row says why"


def tenants_are_apart(history: History) -> Iterator[str]:
    tenant = {inserted.message: inserted.tenant for inserted in history.all(Inserted)}
    for entry in history.entries:
        if isinstance(entry, Started | AttemptBecame) and entry.tenant != tenant[entry.message]:
            yield f"message {entry.message} of {tenant[entry.message]} went to {entry.tenant}"
        elif isinstance(entry, Peeked) and entry.status != 404:
            yield f"message {entry.message} was shown to the other tenant ({entry.status})"


# I12 (a phone's wrong clock changes nothing) compares two histories: see test_seeds.py.
CHECKS: dict[str, Check] = {
    "I1 sent once": sent_once,
    "I2 sent means started": sent_means_started,
    "I2 unsent means not started": unsent_means_not_started,
    "I3 nothing lost": nothing_lost,
    "I3 nothing guessed": nothing_guessed,
    "I4 ranks never fall": ranks_never_fall,
    "I5 order does not matter": order_does_not_matter,
    "I6 one key, one message": one_key_one_message,
    "I7 nothing starts after its end": nothing_starts_after_its_end,
    "I8 sending hours": sending_hours_hold,
    "I9 pace": pace_holds,
    "rule 1 priority": highest_priority_first,
    "rule 6 new install": a_lost_memory_is_doubted,
    "rule 8 service": nothing_starts_without_service,
    "I10 every change is written once": every_change_is_written_once,
    "I11 tenants": tenants_are_apart,
}

# What the database lost it cannot know: whether it was cancelled, what a phone has reported. Nothing is
# sent twice all the same.
HOLD_AFTER_A_LOSS = frozenset(
    {
        "I1 sent once",
        "I3 nothing lost",
        "I8 sending hours",
        "I9 pace",
        "rule 8 service",
        "I11 tenants",
    }
)
