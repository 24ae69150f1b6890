"""The rules for UDP conversations: what datagrams sent again, PTBs and sizes tell.

As `stalled_rules` and `unstalled_rules` for TCP, but a datagram has no cumulative acknowledgement: what came is known
only from what answers it. So none is of high confidence.
"""

from __future__ import annotations

from analyzer.settings import LEAST_LARGE_ANSWERS, LEAST_RETRANSMISSIONS
from analyzer.verdicts import conversation_explanations as words
from analyzer.verdicts.conversation_facts import UdpFacts
from analyzer.verdicts.rule import EVERYTHING, Condition, Rule, checked, low, medium

C = Condition[UdpFacts]


class UdpRule(Rule[UdpFacts]):
    """A rule for a UDP conversation."""


one_end_only = C("the datagrams of one end only were captured", lambda f: not f.both)
stuck = C(
    "a datagram of more than 1,280 bytes is sent again twice or more, or asked for again, over a second at least, and "
    "nothing shows that it came",
    lambda f: f.repeated,
)
long_episode = C(
    "it is sent again, or asked for again, three times or more over a second at least", lambda f: f.episode
)
several = C("this happens to two different datagrams or more", lambda f: f.several)
has_df = C("routers may not fragment it (DF, or IPv6), and its sender did not", lambda f: f.df)
has_no_df = C("its sender fragmented it, or routers may (no DF)", lambda f: f.no_df)
control_meanwhile = C(
    "smaller ones of these hosts came meanwhile: they were answered, or nobody asked for them again",
    lambda f: f.control,
)
control_at_all = C("smaller ones of these hosts came in the minute before, or meanwhile", lambda f: f.control_before)
as_large_came = C(
    "one as large came, in this or another conversation, or a TCP flow, of these hosts", lambda f: f.as_large
)
from_elsewhere = C(
    "answers come to its sender from another address, at the same ports, that it did not ask",
    lambda f: f.from_elsewhere,
)
small_stuck = C("small datagrams are sent again likewise", lambda f: f.small_stuck)
unheard = C(
    "so much else followed its last transmission that an answer to it would not have been kept", lambda f: f.unheard
)
small_alike = C(
    "two smaller ones or more of these hosts got lost meanwhile, and no more than that came", lambda f: f.small_alike
)
misses = C("the capture holds answers without their questions: it may miss answers, too", lambda f: f.misses)
refused = C(
    "an ICMP error tells another reason: unreachable, prohibited, nobody listens, TTL exceeded", lambda f: f.refused
)
told = C("a valid PTB quotes the conversation", lambda f: f.ptb)
at_receiver = C("it was captured where it had arrived, as TTLs tell", lambda f: f.beside_receiver)
one_link = C("nothing tells at which end it was captured: no packet had passed a router", lambda f: f.on_one_link)
rest_missing = C("of each only the first fragment came to where it was captured", lambda f: f.rest_missing)
routed = C("it had passed a router where it was captured, as TTLs tell", lambda f: f.routed)
rest_hidden = C(
    "a capture filter for ports may have left out the others, and nobody asks for them", lambda f: f.rest_hidden
)
parts_missing = C(
    "a part of a message that IKE cut (RFC 7383) comes again, twice or more over a second at least, and the first part "
    "of it, or anything of more than 1,280 bytes, never came, and no answer to it",
    lambda f: f.parts_missing,
)
moved = C("IKE began on port 500, where it was answered, and on port 4500 nothing came back", lambda f: f.moved)
in_tunnel = C(
    "it is an encrypted tunnel (WireGuard, OpenVPN, ESP in UDP) with packets of more than 1,280 bytes",
    lambda f: f.tunnel,
)
disobeyed = C(
    "a datagram sent before the PTB is sent again, too big, more than a second and less than five minutes after it",
    lambda f: f.disobeyed,
)
larger_sent = C("the sender sends larger ones with DF after it", lambda f: f.larger_after)
probing = C(
    "its receiver says of others that nobody listens at the port: they probe the path, and larger ones are meant",
    lambda f: f.probing,
)
went_on = C("the receiver then goes on with the exchange", lambda f: f.went_on)
asked_for = C("the other end asks for it again, or goes on with what it sent before", lambda f: f.asked_for)
repeated = C(
    "a question is sent again, twice or more, without an answer",
    lambda f: any(not each.asked and each.times >= LEAST_RETRANSMISSIONS for each in f.own_stuck),
)
repeats = C(
    "the same datagram of more than 1,280 bytes is sent again at growing gaps, of a protocol whose answers do not tell "
    "what they answer",
    lambda f: f.repeats,
)
some_stuck = C("a datagram is sent again and nothing shows that it came", lambda f: f.all_stuck)
large_with_df = C(
    "packets of more than 1,280 bytes with DF were sent, three or more, and the other end went on after each",
    lambda f: f.large[0] >= LEAST_LARGE_ANSWERS and f.large[1] > 0 and not f.large[2],
)
large_without_df = C(
    "packets of more than 1,280 bytes were sent, three or more, and the other end went on after each",
    lambda f: f.large[0] >= LEAST_LARGE_ANSWERS and f.large[1] + f.large[2] > 0,
)

NOT_ITS_SIZE = (unheard, as_large_came, from_elsewhere, small_stuck, small_alike, misses, refused)
"""What shows that something got no answer for another reason than its size, or that it may have got one."""

UDP: tuple[UdpRule, ...] = checked(
    (
        UdpRule(
            id="udp/ptb-ignored",
            verdict="ptb_ignored",
            requires=(told, disobeyed),
            excludes=(went_on, probing),
            confidence=medium,
            words=words.ignored,
            frames=words.told_again_frames,
        ),
        UdpRule(
            id="udp/pmtud-works",
            verdict="pmtud_ok",
            requires=(told,),
            excludes=(larger_sent,),
            confidence=medium,
            words=words.obeyed,
            frames=words.told_frames,
        ),
        UdpRule(
            id="udp/pmtud-probed",
            verdict="pmtud_ok",
            requires=(told, larger_sent, probing),
            confidence=medium,
            words=words.probed,
            frames=words.told_frames,
        ),
        UdpRule(
            id="udp/pmtud-went-on",
            verdict="pmtud_ok",
            requires=(told, larger_sent, went_on),
            confidence=low,
            words=words.went_on,
            frames=words.told_frames,
        ),
        UdpRule(
            id="udp/ptb-pending",
            verdict="inconclusive",
            requires=(told, larger_sent),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.pending,
            frames=words.told_frames,
        ),
        UdpRule(
            id="udp/fragments-missing",
            verdict="fragment_loss",
            requires=(stuck, routed, rest_missing),
            excludes=(unheard, as_large_came, small_stuck, small_alike, misses, refused, rest_hidden, told),
            confidence=low,
            words=words.missing,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/fragments-hidden",
            verdict="inconclusive",
            requires=(stuck, routed, rest_missing),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.hidden,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/parts-missing",
            verdict="blackhole_suspected",
            requires=(parts_missing,),
            excludes=(told,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.parts,
            frames=words.part_frames,
        ),
        UdpRule(
            id="udp/arrived",
            verdict="inconclusive",
            requires=(stuck, at_receiver),
            excludes=(rest_missing,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.arrived,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/blackhole",
            verdict="blackhole",
            requires=(stuck, long_episode, several, has_df, control_meanwhile),
            excludes=(*NOT_ITS_SIZE, at_receiver, one_link, told),
            confidence=medium,
            words=words.blackhole,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/blackhole-probable",
            verdict="blackhole_probable",
            requires=(stuck, has_df, control_at_all),
            excludes=(*NOT_ITS_SIZE, at_receiver, one_link, told),
            yields_to=("udp/blackhole",),
            confidence=low,
            words=words.probable,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/fragments-several",
            verdict="fragment_loss",
            requires=(stuck, long_episode, several, has_no_df, control_meanwhile),
            excludes=(*NOT_ITS_SIZE, at_receiver, one_link, told),
            confidence=medium,
            words=words.fragments,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/fragments",
            verdict="fragment_loss",
            requires=(stuck, has_no_df, control_at_all),
            excludes=(*NOT_ITS_SIZE, at_receiver, one_link, told),
            yields_to=("udp/fragments-several",),
            confidence=low,
            words=words.fragments,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/suspected",
            verdict="blackhole_suspected",
            requires=(stuck, long_episode, has_df, asked_for),
            excludes=(*NOT_ITS_SIZE, at_receiver, told),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.suspected,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/unheard",
            verdict="inconclusive",
            requires=(stuck, unheard),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.unheard,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/moved",
            verdict="inconclusive",
            requires=(stuck, moved),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.moved,
            frames=words.main_frames,
        ),
        UdpRule(
            id="udp/no-answer",
            verdict="dead_path",
            requires=(one_end_only, repeated),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.dead,
            frames=words.any_frames,
        ),
        UdpRule(
            id="udp/stall",
            verdict="stall",
            requires=(some_stuck, repeated),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.stall,
            frames=words.any_frames,
        ),
        UdpRule(
            id="udp/one-direction",
            verdict="not_exercised",
            requires=(one_end_only,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.one_direction,
        ),
        UdpRule(
            id="udp/in-tunnel",
            verdict="inconclusive",
            requires=(in_tunnel,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.in_tunnel,
        ),
        UdpRule(
            id="udp/repeated",
            verdict="inconclusive",
            requires=(repeats,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.repeated,
            frames=words.repeated_frames,
        ),
        UdpRule(
            id="udp/full-size",
            verdict="ok",
            requires=(large_with_df,),
            yields_to=(EVERYTHING,),
            confidence=medium,
            words=words.full_size,
        ),
        UdpRule(
            id="udp/without-df",
            verdict="no_df",
            requires=(large_without_df,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.without_df,
        ),
        UdpRule(
            id="udp/small",
            verdict="not_exercised",
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.small,
        ),
    )
)
"""The first that applies decides."""
