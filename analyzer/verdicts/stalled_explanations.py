"""Explanations in plain words, one function a rule. They state what the capture shows, never more."""

from __future__ import annotations

from analyzer.evidence.controls import Control
from analyzer.evidence.ptb import PtbSeen
from analyzer.model.text import seconds_of
from analyzer.verdicts.stalled_facts import OVERSIZED, StalledFacts
from analyzer.verdicts.stuck_words import end, stuck

NO_PTB = "The capture holds no PTB (ICMP frag-needed or packet-too-big) for this flow."


def no_ptb(f: StalledFacts) -> str:
    """What the capture holds of PTBs that could have helped: nothing, or some that name larger sizes."""
    if not f.direction.ptbs:
        return NO_PTB
    ptb = f.direction.ptbs[0]
    return (
        f"The PTB in {f.name(ptb.ref)} names an MTU of {ptb.mtu}; the capture holds none that is about packets of "
        f"{f.stuck_segment.ip_len} bytes.{_translator(f, ptb)}"
    )


def _translator(f: StalledFacts, ptb: PtbSeen) -> str:
    """RFC 7915 4.2: a translator names no less than 1280, whatever the MTU of the IPv4 link."""
    if f.direction.version != 6 or ptb.mtu != OVERSIZED[6] or not 0 < ptb.quoted_len <= OVERSIZED[6]:
        return ""
    return (
        f" It rejects a packet of {ptb.quoted_len} bytes and asks for {ptb.mtu}, no less: so does a translator "
        "from IPv6 to IPv4 (NAT64) with a narrower IPv4 link behind it, since no IPv6 MTU is smaller. It wants the "
        "sender to add fragment headers, which hosts no longer do (RFC 8200 5)."
    )


def _begun(control: Control) -> str:
    """A control's words as the beginning of a sentence."""
    return control.text[0].upper() + control.text[1:]


def one_sided(f: StalledFacts) -> str:
    """Only one direction was captured."""
    return (
        f"{stuck(f)}, but the capture holds packets of one direction only, so it cannot tell what arrived. "
        "Capture where both directions pass."
    )


def zero_window(f: StalledFacts) -> str:
    """The receiver's window was closed."""
    window = f.window
    frame = f" ({f.name(window.ref)})" if window and window.ref.frame else ""
    closed = f"The receiver had closed its window{frame}"
    if window is not None and window.size:
        closed = f"The receiver's window of {window.size} bytes had no room for the segment{frame}"
    return f"{closed}: the sender was waiting for the receiver, not for the path."


def ptb_ignored(f: StalledFacts) -> str:
    """A PTB came and had no effect."""
    ptb = f.blamed[0]
    why = {
        None: "Nothing is wrong with the PTB as captured: the sending host (its firewall, its settings) or something "
        "between the capture point and the host discards it.",
        "checksum": "The PTB's ICMP checksum is wrong, so hosts discard it.",
        "tuple": "The PTB quotes addresses or ports that no flow here has: something rewrote the packet (NAT, load "
        "balancer) without rewriting the quote, so the host cannot tell which connection is meant.",
        "sequence": "The PTB quotes a sequence number outside the window, so the host takes it for forged.",
        "mtu_zero": "The PTB names no MTU (0), and the sender does not guess one.",
        "mtu_not_smaller": f"The PTB names an MTU of {ptb.mtu}, no smaller than the packet it rejects "
        f"({ptb.quoted_len} bytes).{_translator(f, ptb)}",
        "below_1280": f"The PTB names an MTU of {ptb.mtu}; IPv6 hosts discard values below 1280.",
    }[ptb.defect]
    return (
        f"A PTB came ({f.name(ptb.ref)}, from {ptb.router}, MTU {ptb.mtu}), but the sender kept its size. "
        f"{stuck(f)}. {why}"
    )


def pmtud_ok(f: StalledFacts) -> str:
    """A PTB came and was obeyed."""
    ptb = f.obeyed[-1]
    return (
        f"PMTUD works: {ptb.router} announced an MTU of {ptb.mtu} ({f.name(ptb.ref)}) and the quoted bytes were "
        "acknowledged afterwards."
    )


def taught_by_sibling(f: StalledFacts) -> str:
    """A PTB about another connection taught the host."""
    ptb = f.told
    assert ptb is not None  # noqa: S101  # the rule requires it
    return (
        f"PMTUD works: {ptb.router} announced an MTU of {ptb.mtu} to the sender's host about another connection "
        f"({f.name(ptb.ref)}), and sent no larger than that the bytes of this one were acknowledged."
    )


def ptb_pending(f: StalledFacts) -> str:
    """A PTB came at the end of the capture."""
    ptb = next(p for p in f.about if p.plausible and p.mtu < f.stuck_segment.ip_len)
    return (
        f"A PTB came ({f.name(ptb.ref)}, MTU {ptb.mtu}), but the capture ends before it shows whether the sender "
        "obeyed. Capture longer."
    )


def recovered(f: StalledFacts) -> str:
    """The sender fell back by itself."""
    new = f.fell_back
    assert new is not None  # noqa: S101  # the rule requires it
    how = (
        "without DF"
        if f.stuck_segment.df and not new.df and new.ip_len >= f.stuck_segment.ip_len
        else f"as {new.ip_len} bytes"
    )
    if not new.df and f.stuck_segment.df and new.ip_len < f.stuck_segment.ip_len:
        how += " without DF"
    lost = seconds_of(f.series.waited_ns)
    control = f.control or f.just_before
    small = f" Meanwhile {control.text}." if control is not None and control is f.control else ""
    if control is not None and control is f.just_before:
        small = f" {_begun(control)}."
    return (
        f"{stuck(f)} in vain. The sender then gave up that size by itself: sent {how} ({f.name(new.ref)}) the "
        f"same bytes were acknowledged. The hang cost {lost}.{small} {no_ptb(f)}"
    )


def loss_in_run(f: StalledFacts) -> str:
    """The segment got through in the end."""
    if f.fell_back is not None and f.as_large != (None, None):
        return f"{stuck(f)} {end(f)}; packets as large got through as well, so its size was not the reason."
    if f.fell_back is not None or not f.stuck_size_known:
        return (
            f"{stuck(f)} {end(f)}, in another shape. Nothing smaller is seen to have got through meanwhile, so an "
            "outage explains it as well as its size does."
        )
    if f.series.acked_by is None:
        return f"{stuck(f)}; it was acknowledged later, by a packet that was not recorded."
    return f"{stuck(f)} {end(f)}: it got through at its own size in the end."


def content_drop(f: StalledFacts) -> str:
    """As large ones got through meanwhile."""
    control = f.as_large[1]
    assert control is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)} {end(f)}, yet {control.text} meanwhile. Not its size but something else about this one packet "
        "gets it dropped: look for an inspecting device (IPS, WAF, proxy) on the path."
    )


def content_or_path(f: StalledFacts) -> str:
    """As large ones of another connection got through meanwhile, and this one lost a single segment."""
    control = f.siblings_as_large[1]
    assert control is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)} {end(f)}, yet {control.text} meanwhile, and it is the only segment of this connection that was "
        "lost. Something about this one packet gets it dropped (IPS, WAF, proxy), or this connection takes a narrower "
        "one of several parallel paths: try the same content from another source port."
    )


def loss_at_the_end(f: StalledFacts) -> str:
    """Ordinary loss, cut off by the end of the capture."""
    return f"{stuck(f)}; then the capture ends. Packets as large got through, so this is ordinary loss so far."


def by_chance(f: StalledFacts) -> str:
    """So much is lost that chance explains the run."""
    losses, as_large, sibling = f.losses, f.as_large[1], f.siblings_as_large[1]
    if f.unlucky and as_large is not None:
        lost = f"{losses.lost} of {losses.sent} other packets were lost"
        why = f"{as_large.text}, and {lost}: at this rate it may be chance"
    elif f.siblings_unlucky and sibling is not None:
        why = f"{sibling.text}, where {f.siblings_rate:.0%} of the bytes are lost: at this rate it may be chance"
    else:
        why = (
            f"{losses.small_lost} of {losses.small_sent} smaller packets were lost as well: where bits are damaged, "
            "longer packets are lost the more often, and this may be chance"
        )
    return f"{stuck(f)} and was never acknowledged, but {why}."


def arrived(f: StalledFacts) -> str:
    """The copies are in a capture of their receiver."""
    control = f.arrived
    assert control is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)} {end(f)}. It was {control.text}: the path carries {f.stuck_segment.ip_len} bytes up to "
        "here. What keeps the receiving host from taking it is behind this point: its firewall, its checksum test, its "
        "TCP."
    )


def refused(f: StalledFacts) -> str:
    """The copies arrive, and the host does not take them."""
    control = f.refused
    assert control is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)} and was never acknowledged, but {control.text}. The path carries it; look at the receiving host."
    )


def peer_gone(f: StalledFacts) -> str:
    """The peer had closed."""
    control = f.peer_gone
    assert control is not None  # noqa: S101  # the rule requires it
    return f"{stuck(f)} and was never acknowledged; {control.text}. Most likely nobody is there to take it."


def payload_fails(f: StalledFacts) -> str:
    """Data of any size vanish, bare ACKs and other connections pass."""
    passed, failed = f.passed, f.failed
    assert passed is not None and failed is not None  # noqa: S101, PT018  # the rule requires them
    return (
        f"{stuck(f)} and was never acknowledged, while {passed.text}; but {failed.text}. Data of this connection fail "
        "whatever their size: look for a device that drops their payload, or that has lost the connection (NAT, load "
        "balancer), not at the MTU."
    )


def short_blackhole(f: StalledFacts) -> str:
    """A black hole by the looks, but too short."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)}, while {passed.text}. Nothing as large is seen to get through. {no_ptb(f)} The capture ends "
        "too early to be sure."
    )


def slow_blackhole(f: StalledFacts) -> str:
    """A black hole by the looks, on a slow path."""
    small = f.control or f.before
    text = f"{_begun(small)}. " if small else ""
    return (
        f"{stuck(f)}; {len(f.large_lost)} different segments as large were lost, and none is seen to get through. "
        f"{text}{no_ptb(f)} The capture ends too early to be sure."
    )


def too_short(f: StalledFacts) -> str:
    """Too short to tell."""
    large = " Packets as large had got through before." if f.as_large[0] is not None else ""
    if f.given_up:
        return (
            f"{stuck(f)} and was never acknowledged; then the sender gave up, too early to tell loss from a black "
            f"hole.{large}"
        )
    if f.unanswered_ns >= f.settings.control_wait_ns:
        return (
            f"{stuck(f)} and is unanswered when the capture ends {seconds_of(f.unanswered_ns)} later: too few copies "
            f"to tell loss from a black hole.{large} Capture for 10 s or more of the hang."
        )
    return (
        f"{stuck(f)}; then the capture ends, too early to tell loss from a black hole.{large} Capture for 10 s or "
        "more of the hang."
    )


def too_lossy(f: StalledFacts) -> str:
    """The capture lost packets itself."""
    missing = f"{f.direction.missing_share:.0%} of the acknowledged bytes are missing from the capture"
    if f.direction.missing_share <= f.settings.capture_loss:
        missing = "bytes that the peer acknowledged selectively are missing from the capture"
    return f"{stuck(f)}, but {missing}: it lost packets itself and cannot tell."


def blackhole(f: StalledFacts) -> str:
    """A black hole with its positive control."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    return (
        f"{stuck(f)} and was never acknowledged, while {passed.text}. Nothing as large is seen to get through in this "
        f"connection. {no_ptb(f)}{_only_one(f)}{_failed_too(f)}{_lossy(f)}{_later(f)}"
    )


def _later(f: StalledFacts) -> str:
    later = f.siblings_as_large[2]
    return f" Later {later.text}: by then the path was another, or wider." if later else ""


def _failed_too(f: StalledFacts) -> str:
    return f" But {f.failed.text}." if f.failed is not None else ""


def _lossy(f: StalledFacts) -> str:
    if not f.capture_lossy:
        return ""
    return f" The capture itself lost packets ({f.direction.missing_share:.0%} of the acknowledged bytes are missing)."


def parallel_paths(f: StalledFacts) -> str:
    """Other connections get as large through, this one none of several."""
    control, small = f.siblings_as_large[1], f.control
    assert control is not None and small is not None  # noqa: S101, PT018  # the rule requires them
    return (
        f"{stuck(f)} and was never acknowledged, while {small.text}. {len(f.large_lost)} different segments as large "
        f"were lost in this connection and none got through, yet {control.text} meanwhile: of parallel paths (ECMP, "
        "link aggregation, several hosts behind one address) one is narrow. Test with several source ports. "
        f"{no_ptb(f)}"
    )


def other_paths_before(f: StalledFacts) -> str:
    """Another connection got as large through, before this one hung."""
    control, small = f.siblings_as_large[0], f.control
    assert small is not None  # noqa: S101  # the rule requires it
    other = f"{_begun(control)} before" if control else "Another connection did so before"
    return (
        f"{stuck(f)} and was never acknowledged, while {small.text}. {len(f.large_lost)} different segments as large "
        f"were lost in this connection and none got through. {other}: this one takes a narrower one of several "
        f"parallel paths, or the path became narrower. Test with several source ports. {no_ptb(f)}"
    )


def _only_one(f: StalledFacts) -> str:
    if not f.only_one_tried:
        return ""
    return " It is the only packet that large; one dropped for its content looks the same: the pings below tell."


def path_changed(f: StalledFacts) -> str:
    """A path that became narrower."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    where = f", {len(f.siblings_lost)} of them in other connections," if f.siblings_lost else ""
    return (
        f"{stuck(f)} and was never acknowledged, while {passed.text}. {len(f.narrowed)} different segments as large"
        f"{where} were all lost. Earlier such packets got through: the path seems to have changed to a narrower one. "
        + no_ptb(f)
    )


def fragment_loss(f: StalledFacts) -> str:
    """Large packets without DF vanish."""
    control = f.passed or f.before
    small = f", while {control.text}" if control else ""
    return (
        f"{stuck(f)}{small}. Without DF routers may fragment such packets: fragments get lost (a firewall that drops "
        "them), or the packet where it would have to be fragmented."
    )


def dead_path(f: StalledFacts) -> str:
    """Nothing is seen to pass any more."""
    if f.failed is not None:
        rest = "Nothing is seen to pass any more, whatever its size" if f.peer_spoke is None else "Its size is not why"
        return f"{stuck(f)} and was never acknowledged; {f.failed.text}. {rest}."
    if f.small:
        return (
            f"{stuck(f)} and was never acknowledged, although every path carries its size. No other packet was tried, "
            "so whether the path is dead, or the peer, is not shown."
        )
    return (
        f"{stuck(f)} and was never acknowledged; nothing came back any more, and packets as large had got through "
        "before. No smaller packet was tried, so a path that became narrower cannot be excluded."
    )


def probable(f: StalledFacts) -> str:
    """A black hole without a control meanwhile."""
    control = f.before or f.passed
    small = _begun(control) if control else ""
    return (
        f"{stuck(f)} and was never acknowledged. {small}; nothing as large is seen to. No smaller packet was tried "
        f"meanwhile, so a path that died at that moment cannot be excluded. {no_ptb(f)}"
    )


def starts_late(f: StalledFacts) -> str:
    """The capture starts within the stall."""
    return f"{stuck(f)}, but the capture starts in the middle of the stall and shows nothing that got through."


def stall(f: StalledFacts) -> str:
    """No known cause."""
    if f.as_large[0] is not None or f.siblings_as_large[0] is not None:
        return (
            f"{stuck(f)} and was never acknowledged. Packets as large had got through before, and smaller ones may "
            "still do: neither loss nor a dead path nor the size alone explains it."
        )
    return f"{stuck(f)} {end(f)}. None of the known causes explains it."
