"""Kills the service around its publications, many times, and counts: `python -m tests.crash.harness --trials 20`.

Each trial asks for publications on two accounts, lets something happen to them (see `HAPPENINGS`), lets the living go
on, and compares what the marketplace has with what was asked for: exactly one listing each. Anything doubled, lost or
stuck makes it fail. All drafts look alike and every choice comes from the seed. Owns what happens; the place it happens
in is `world.py`'s.
"""

import argparse
import itertools
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from backend.core.modes import Mode
from backend.core.operator_metrics import PUBLISH_STEPS
from backend.publications.journal import State
from tests.crash.world import ACCOUNTS, Worker, World, world

STEPS = tuple(step for step in PUBLISH_STEPS if step != "materials")
"""The form's; nothing tells what these garments are made of."""
MODES: tuple[Mode, ...] = ("draft", "publish")
CLICK = (State.FILLED, State.SUBMITTING)
FROZEN = 60.0
"""Seconds a worker is frozen at most: on SQLite it may hold the database's lock meanwhile, and nobody goes on."""
DONE = (State.CONFIRMED, State.RECONCILED, State.CONFIRMED_WITH_DIFFERENCES)


@dataclass
class Tally:
    """`expected` listings were asked for, `found` are there; what was killed is counted by what happened."""

    database: str
    asked: int
    trials: int = 0
    kills: int = 0
    expected: int = 0
    found: int = 0
    doubled: int = 0
    lost: int = 0
    stuck: int = 0
    reconciled: int = 0
    seconds: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)
    at_steps: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        wrong = self.doubled or self.lost or self.stuck or self.notes
        return bool(wrong) or self.expected != self.found or self.trials < self.asked


@dataclass
class Trial:
    """One trial under way: `target` is the publication something happens to; `steps` come round one by one."""

    place: World
    chance: random.Random
    steps: Iterator[str]
    tally: Tally
    target: str
    patience: float

    def wait_for(self, *states: State, step: str = "", limit: float = 40.0) -> Worker | None:
        """The worker that has the target once it stands there; None when it ended before, or never came there."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            row = self.place.look(self.target)
            if row.state in states and step in ("", row.step):
                return self.place.worker_of(row.claimed_by)
            if row.state in DONE or row.state == State.NEEDS_PERSON or self.place.has_doubled:
                return None
            time.sleep(0.01)
        return None

    def at_a_step(self) -> Worker | None:
        step = next(self.steps)
        worker = self.wait_for(State.PREPARING, State.SUBMITTING, step=step)
        self.tally.at_steps[step] += worker is not None
        return worker

    def at_the_click(self) -> Worker | None:
        worker = self.wait_for(self.chance.choice(CLICK))
        time.sleep(self.chance.uniform(0, 0.25))
        return worker

    def kill(self, worker: Worker | None, *, only: str = "") -> None:
        if worker is not None:
            self.tally.kills += worker.send(signal.SIGKILL, only=only) > 0


def at_a_moment(trial: Trial) -> None:
    """Everything is killed at a random moment."""
    time.sleep(trial.chance.uniform(0, 4))
    for worker in trial.place.workers:
        trial.kill(worker)


def at_a_step(trial: Trial) -> None:
    """The worker is killed at a named step, each in its turn."""
    trial.kill(trial.at_a_step())


def at_the_click(trial: Trial) -> None:
    """The worker is killed between the point of no return and the proof."""
    trial.kill(trial.at_the_click())


def without_its_browser(trial: Trial) -> None:
    """The worker is killed at the click, its driver and browser are left to notice."""
    trial.kill(trial.at_the_click(), only="python")


def browser_alone(trial: Trial) -> None:
    """The browser is killed under a living worker."""
    trial.kill(trial.chance.choice((trial.at_a_step, trial.at_the_click))(), only="chrom")


def lost_answer(trial: Trial) -> None:
    """The marketplace stores the listing, and its answer never arrives; sometimes the worker is killed as well."""
    trial.place.sandbox.set_fault("dropped_after", "submit")
    if trial.chance.random() < 0.5:
        trial.kill(trial.wait_for(State.SUBMITTING, State.UNCERTAIN))


def lost_question(trial: Trial) -> None:
    """The submission never arrives; sometimes the worker is killed as well."""
    trial.place.sandbox.set_fault("dropped_before", "submit")
    if trial.chance.random() < 0.5:
        trial.kill(trial.wait_for(State.SUBMITTING, State.UNCERTAIN))


def slow_answer(trial: Trial) -> None:
    """The marketplace takes its time, and the worker is killed meanwhile."""
    trial.place.sandbox.set_fault("latency", "submit", seconds=1.0)
    trial.kill(trial.at_the_click())


def zombie(trial: Trial) -> None:
    """A worker freezes, loses its slot, and wakes up when another has gone on with its publication."""
    place = trial.place
    worker = trial.chance.choice((trial.at_a_step, trial.at_the_click))()
    if worker is None:
        return
    frozen = worker.send(signal.SIGSTOP)
    place.steal_slot(worker.executor)
    trial.tally.kills += frozen > 0
    if trial.chance.random() < 0.7:
        place.settle([trial.target], FROZEN)
    else:
        time.sleep(trial.chance.uniform(0, 3))
    worker.send(signal.SIGCONT)
    time.sleep(trial.chance.uniform(0.5, 1.5))
    worker.kill()


HAPPENINGS: Mapping[str, tuple[Callable[[Trial], None], int]] = {
    "at_a_moment": (at_a_moment, 1),
    "at_a_step": (at_a_step, 1),
    "at_the_click": (at_the_click, 1),
    "without_its_browser": (without_its_browser, 1),
    "browser_alone": (browser_alone, 1),
    "lost_answer": (lost_answer, 1),
    "lost_question": (lost_question, 1),
    "slow_answer": (slow_answer, 1),
    "one_of_two": (at_the_click, 2),
    "one_of_two_at_a_step": (at_a_step, 2),
    "zombie": (zombie, 2),
}
"""What may happen, and to how many workers."""


def run_trial(
    place: World, chance: random.Random, steps: Iterator[str], tally: Tally, happening: str, patience: float
) -> None:
    what, workers = HAPPENINGS[happening]
    place.have_workers(workers)
    before = place.listings()
    mode = chance.choice(MODES)
    ids = [place.publish(account, mode) for account in ACCOUNTS]
    what(Trial(place, chance, steps, tally, ids[0], patience))
    rows = place.settle(ids, patience)
    place.sandbox.clear_faults()
    made = place.listings() - before
    tally.trials += 1
    tally.happened[happening] += 1
    tally.expected += len(ids)
    tally.found += made.total()
    tally.reconciled += sum(row.state == State.RECONCILED for row in rows)
    ours = {row.listing_id for row in rows if row.listing_id}
    doubled = max(0, made.total() - len(ids))
    lost = sum(row.state in DONE and row.listing_id not in made for row in rows)
    lost += sum(row.state in (State.FAILED, State.CANCELLED) for row in rows)
    stuck = sum(row.state not in DONE and row.state not in (State.FAILED, State.CANCELLED) for row in rows)
    if stuck and not doubled:
        print(place.tell_where_they_hang(), file=sys.stderr)
    tally.doubled, tally.lost, tally.stuck = tally.doubled + doubled, tally.lost + lost, tally.stuck + stuck
    if doubled or lost or stuck or ours != set(made):
        told = [
            f"{row.id} {row.state} {row.error_code or ''} {row.listing_id or ''}: {row.error or ''}" for row in rows
        ]
        tally.notes.append(f"{happening}, {mode}: listings {dict(made)}, " + "; ".join(told))


def run(kind: str, asked: argparse.Namespace) -> Tally:
    """All trials on one database. Each happening comes round equally often, in an order of the seed's."""
    chance = random.Random(f"{asked.seed}{kind}")
    tally = Tally(kind, asked.trials)
    steps = itertools.cycle(chance.sample(STEPS, len(STEPS)))
    names = asked.only or list(HAPPENINGS)
    started = time.monotonic()
    with world(kind, asked.trials * len(ACCOUNTS), tuple(asked.fault), asked.url) as place:
        order = [names[n % len(names)] for n in range(asked.trials)]
        chance.shuffle(order)
        for number, happening in enumerate(order, 1):
            if time.monotonic() - started > asked.minutes * 60:
                break
            run_trial(place, chance, steps, tally, happening, asked.patience)
            told = (
                f"{kind}: {number} of {asked.trials}, {tally.kills} kills, {tally.found} of {tally.expected} listings"
            )
            print(f"\r{told}, {len(tally.notes)} wrong", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    tally.seconds = round(time.monotonic() - started, 1)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20, help="on each database")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--url", help="a PostgreSQL server's database to use instead of a server of its own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=240, help="no trial begins after so many: a run cut short fails"
    )
    parser.add_argument("--patience", type=float, default=120, help="seconds after which a publication counts as stuck")
    parser.add_argument("--only", nargs="*", default=(), choices=list(HAPPENINGS), help="only these happenings")
    parser.add_argument("--fault", nargs="*", default=(), help="break the journal on purpose: see worker.py")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    kinds = ("sqlite", "postgresql") if asked.database == "both" else (asked.database,)
    with ProcessPoolExecutor(len(kinds)) as pool:
        tallies = list(pool.map(run, kinds, [asked] * len(kinds)))
    if asked.json:
        print(json.dumps([vars(tally) for tally in tallies], indent=2))
    else:
        show(tallies)
    return int(any(tally.failed for tally in tallies))


def show(tallies: list[Tally]) -> None:
    columns = ("trials", "kills", "expected", "found", "doubled", "lost", "stuck", "reconciled", "seconds")
    print(f"{'':12}" + "".join(f"{name:>12}" for name in columns))
    for tally in tallies:
        print(f"{tally.database:12}" + "".join(f"{getattr(tally, name):>12}" for name in columns))
        for note in tally.notes:
            print(f"  {note}")


if __name__ == "__main__":
    sys.exit(main())
