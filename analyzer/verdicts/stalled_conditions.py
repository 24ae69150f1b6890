"""What the rules for stalled series ask: conditions, each a clause and what shows it; and how sure they are."""

from __future__ import annotations

from analyzer.settings import FEW_MISSING, LARGE_LOST, SEVERAL
from analyzer.verdicts.rule import Condition
from analyzer.verdicts.stalled_facts import StalledFacts

C = Condition[StalledFacts]

# What was captured.

one_direction_only = C("the capture holds packets of one direction only", lambda f: f.direction.one_sided)
capture_blind = C("too much is missing from the capture to be sure of anything", lambda f: f.capture_blind)
capture_lossy = C("the capture misses more than a few acknowledged bytes", lambda f: f.capture_lossy)
starts_within = C(
    "the capture starts within the stall and shows nothing that got through",
    lambda f: f.before is None and f.passed is None and f.direction.full_size == 0,
)
times_go_back = C("times go backwards in this connection", lambda f: f.direction.backwards)
ends_before_answer_is_due = C(
    "the capture ends before an answer is due",
    lambda f: f.direction.ended_ts - f.series.first.ts < max(f.settings.control_wait_ns, 2 * f.direction.rtt),
)

# The stuck segment and its series.

hung = C("it is an episode: sent again three times at least, over a second or more", lambda f: f.hung)
episode = C("it is an episode at one size: sent again three times at least, over a second or more", lambda f: f.episode)
sent_again_twice = C("the segment was sent again twice at least", lambda f: f.series.retransmission_count >= 2)
lasts_a_second = C(
    "the transmissions lie a second apart at least", lambda f: f.series.span >= f.settings.episode_span_ns
)
lasts_three_seconds = C(
    "the transmissions lie three seconds apart at least", lambda f: f.series.span >= f.settings.hole_ns
)
resolved = C("the stuck bytes were acknowledged in the end", lambda f: f.resolved and (f.series.acked_by or True))
with_df = C("the stuck segment has DF (or is IPv6)", lambda f: f.stuck_segment.df)
without_df = C("the stuck segment has no DF", lambda f: not f.stuck_segment.df)
oversized = C("the stuck segment is larger than every path carries, and its size is known", lambda f: f.oversized)
size_on_wire = C("the stuck segment had its captured size on the wire", lambda f: f.stuck_size_known)
gave_up_size = C(
    "the sender gave up that size by itself, and smaller or without DF the bytes got through",
    lambda f: f.gave_up_size and f.fell_back,
    lambda f: f.series.changed,
)
unanswered_or_gave_up_size = C(
    "it hangs unanswered, or the sender gave up its size by itself",
    lambda f: (f.resolved and f.fell_back is not None and f.gave_up_size) or (f.hung and not f.resolved),
)

# The receiver.

window_closed = C("the receiver's window was closed", lambda f: f.window_closed and f.window, lambda f: f.window)
arrived = C("the capture was taken at its receiver, where the copies arrived", lambda f: f.arrived)
answered_by_acks = C(
    "each copy is answered by an ACK that does not take it",
    lambda f: f.refused if f.refused is not None and f.refused.kind == "ack" else None,
)
answered_by_reset = C(
    "it is answered by a RST", lambda f: f.refused if f.refused is not None and f.refused.kind == "data" else None
)
answered_at_all = C("the copies are answered without being taken", lambda f: f.refused)
peer_gone = C("the peer had closed before", lambda f: f.peer_gone)
peer_fell_silent = C(
    "nothing of this connection passed, others hang as well, and the peer is not heard any more",
    lambda f: f.others_hang if f.passed is None and f.peer_spoke is None else None,
)
failed_and_silent = C(
    "smaller packets failed as well and the peer is not heard any more",
    lambda f: f.failed if f.peer_spoke is None else None,
)

# Smaller packets.

control = C(
    "something smaller got through meanwhile, and what failed does not outweigh it",
    lambda f: f.control,
    lambda f: f.failed,
)
own_control = C(
    "something smaller of this connection got through meanwhile",
    lambda f: f.control if f.control is not None and f.control.kind != "sibling" else None,
    lambda f: f.failed,
)
data_control = C(
    "smaller data of this connection got through meanwhile",
    lambda f: f.control if f.control is not None and f.control.kind == "data" else None,
    lambda f: f.failed,
)
control_or_just_before = C(
    "something smaller got through meanwhile, or right before where several large ones were lost",
    lambda f: f.control or (f.just_before if f.failed is None and len(f.large_lost) >= SEVERAL else None),
    lambda f: f.failed,
)
control_or_before = C(
    "something smaller got through, before it or meanwhile", lambda f: f.control or f.before, lambda f: f.failed
)
passed_at_all = C("something smaller got through, before it or meanwhile", lambda f: f.before or f.passed)
small_ones_pass = C(
    "something smaller got through meanwhile, or before and nothing smaller failed",
    lambda f: f.control or (f.before if f.failed is None and f.passed is not None else None),
    lambda f: f.failed,
)
failed = C("something smaller failed as well", lambda f: f.failed)
data_fail_others_pass = C(
    "smaller data of this connection fail while bare ACKs or other connections pass",
    lambda f: (
        f.failed
        if f.failed is not None and f.failed.kind == "data" and f.passed is not None and f.passed.kind != "data"
        else None
    ),
)
nothing_passes = C(
    "something smaller failed, or nothing smaller was tried, the peer is not heard any more, and packets as large had "
    "got through before or the stuck one is small itself",
    lambda f: (
        f.failed or (f.passed is None and f.peer_spoke is None and (f.as_large[0] or f.siblings_as_large[0] or f.small))
    ),
    lambda f: f.passed or f.peer_spoke,
)

# Packets as large.

as_large_since = C("a packet as large of this connection got through meanwhile or since", lambda f: f.as_large[1])
as_large = C("a packet as large of this connection got through", lambda f: f.as_large[0] or f.as_large[1])
sibling_as_large_meanwhile = C(
    "a packet as large of another connection got through meanwhile", lambda f: f.siblings_as_large[1]
)
sibling_as_large_so_far = C(
    "a packet as large of another connection got through before or meanwhile",
    lambda f: f.siblings_as_large[0] or f.siblings_as_large[1],
)
sibling_as_large = C(
    "a packet as large of another connection got through",
    lambda f: f.siblings_as_large[0] or f.siblings_as_large[1] or f.siblings_as_large[2],
)
several_large_lost = C(
    "two different segments as large were lost", lambda f: f.large_lost if len(f.large_lost) >= SEVERAL else None
)
many_large_lost = C(
    "three different segments as large were lost", lambda f: f.large_lost if len(f.large_lost) >= LARGE_LOST else None
)
many_lost_since = C(
    "three different segments as large were lost, here or in other connections, since one got through",
    lambda f: f.narrowed if len(f.narrowed) >= LARGE_LOST else None,
)
cut_off = C(
    "only bare ACKs or other connections pass, others lose nothing as large, and it is young",
    lambda f: f.control is not None and f.control.kind != "data" and not f.siblings_lost and not f.settled,
)
several_tried = C(
    "several packets as large were tried, or something smaller got through meanwhile",
    lambda f: f.control or not f.only_one_tried,
)

# Chance.

by_chance = C(
    "at the rate of all other losses it may be chance", lambda f: f.unlucky or f.siblings_unlucky or f.damaged
)
no_chance = C("at the rate of all other losses it is hardly chance", lambda f: f.losses.expected < f.settings.chance)

# PTBs.

ptb_obeyed = C("a PTB was obeyed", lambda f: f.obeyed, lambda f: f.about)
ptb_blamed = C("a PTB came, and the sender kept its size", lambda f: f.blamed, lambda f: f.about)
ptb_about_sibling = C("a PTB about another connection told the sender's host", lambda f: f.told)
ptb_outcome_open = C(
    "a PTB came that asks for less, and the capture does not show whether it was obeyed",
    lambda f: f.outcome_open,
)
failed_without_control = C(
    "smaller packets failed as well, and none is known to pass", lambda f: f.failed if f.control is None else None
)

# How sure a rule is, where that depends on the facts.


def recovered_confidence(f: StalledFacts) -> str:
    """High if smaller data of this connection got through during an episode at one size; else medium."""
    return "high" if f.episode and f.control is not None and f.control.kind == "data" else "medium"


def blackhole_confidence(f: StalledFacts) -> str:
    """High if the proof is complete; low if over 5 % of the acknowledged bytes are not in the capture; else medium.

    Complete: the SYN was captured, frames show smaller data of this connection that got through, nothing smaller
    failed, and more than one packet that large was tried.
    """
    if f.direction.missing_share > FEW_MISSING:
        return "low"
    # Not what came later, which the words tell: the end of a capture must not make it surer.
    control = f.control
    seen_from_start = f.direction.full_size > 0
    sure = seen_from_start and control is not None and control.kind == "data" and control.frames and f.failed is None
    return "high" if sure and not f.only_one_tried and not f.capture_lossy else "medium"


def changed_confidence(f: StalledFacts) -> str:
    """Low if only bare ACKs or other connections pass and these lose nothing as large, else medium."""
    alone = f.control is not None and f.control.kind != "data" and not f.siblings_lost
    return "low" if alone else "medium"


def fragment_confidence(f: StalledFacts) -> str:
    """High if smaller data of this connection passed and no other one got as large through meanwhile; else low."""
    sure = f.control is not None and f.control.kind == "data" and f.siblings_as_large[1] is None
    return "high" if sure else "low"


def dead_confidence(f: StalledFacts) -> str:
    """Low if nothing smaller was tried; high if its own smaller packets failed and the peer is silent; else medium."""
    if f.failed is None:
        return "low"
    return "high" if f.failed.kind != "sibling" and f.peer_spoke is None else "medium"
