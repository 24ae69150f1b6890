"""Explanations in plain words, one function a rule. They state what the capture shows, never more."""

from __future__ import annotations

from analyzer.verdicts.facts import Facts

NO_PTB = "The capture holds no PTB (ICMP frag-needed or packet-too-big) for this flow."


def no_ptb(f: Facts) -> str:
    """What the capture holds of PTBs that could have helped: nothing, or some that name larger sizes."""
    if not f.way.ptbs:
        return NO_PTB
    ptb = f.way.ptbs[0]
    return (
        f"The PTB in {f.way.name(ptb.ref)} names an MTU of {ptb.mtu}; the capture holds none that is about packets of "
        f"{f.head.ip_len} bytes."
    )


def seconds(ns: int) -> str:
    """A duration for people: 0.35 s, 14.2 s, 15 min."""
    s = ns / 1e9
    if s >= 600:
        return f"{s / 60:.0f} min"
    return f"{s:.2f} s" if s < 1 else f"{s:.1f} s"


def times(count: int) -> str:
    """A count for people: once, twice, 5 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _stuck(f: Facts) -> str:
    run, head = f.run, f.head
    df = "" if f.way.version == 6 else (" with DF" if head.df else " without DF")
    original = f"The segment of {head.ip_len} bytes{df} (first sent in {f.way.name(run.tries[0].ref)})"
    return f"{original} was retransmitted {times(run.retransmissions)} within {seconds(run.span)}"


def _end(f: Facts) -> str:
    ack = f.run.acked_by
    return f"until {f.way.name(ack.ref)} acknowledged it" if ack else "and was never acknowledged"


def one_sided(f: Facts) -> str:
    """Only one direction was captured."""
    return (
        f"{_stuck(f)}, but the capture holds packets of one direction only, so it cannot tell what arrived. "
        "Capture where both directions pass."
    )


def zero_window(f: Facts) -> str:
    """The receiver's window was closed."""
    window = f.window
    frame = f" ({f.way.name(window.ref)})" if window and window.ref.frame else ""
    return f"The receiver had closed its window{frame}: the sender was waiting for the receiver, not for the path."


def ptb_ignored(f: Facts) -> str:
    """A PTB came and had no effect."""
    ptb = f.ignored[0]
    why = {
        None: "Nothing is wrong with it as captured: the sending host (its firewall, its settings) or something "
        "between the capture point and the host discards it.",
        "checksum": "Its ICMP checksum is wrong, so hosts discard it.",
        "tuple": "It quotes addresses or ports that no flow here has: something rewrote the packet (NAT, load "
        "balancer) without rewriting the quote, so the host cannot tell which connection is meant.",
        "sequence": "It quotes a sequence number outside the window, so the host takes it for forged.",
        "mtu_zero": "It names no MTU (0), and the sender does not guess one.",
        "mtu_not_smaller": f"It names an MTU of {ptb.mtu}, no smaller than the packet it rejects "
        f"({ptb.quoted_len} bytes).",
        "below_1280": f"It names an MTU of {ptb.mtu}; IPv6 hosts discard values below 1280.",
    }[ptb.defect]
    return (
        f"A PTB came ({f.way.name(ptb.ref)}, from {ptb.router}, MTU {ptb.mtu}), but the sender kept its size: "
        f"{_stuck(f)}. {why}"
    )


def pmtud_ok(f: Facts) -> str:
    """A PTB came and was obeyed."""
    ptb = f.obeyed[-1]
    return (
        f"PMTUD works: {ptb.router} announced an MTU of {ptb.mtu} ({f.way.name(ptb.ref)}) and the quoted bytes were "
        "acknowledged afterwards."
    )


def ptb_pending(f: Facts) -> str:
    """A PTB came at the end of the capture."""
    ptb = next(p for p in f.about if p.plausible and p.mtu < f.head.ip_len)
    return (
        f"A PTB came ({f.way.name(ptb.ref)}, MTU {ptb.mtu}), but the capture ends before it shows whether the sender "
        "obeyed. Capture longer."
    )


def recovered(f: Facts) -> str:
    """The sender fell back by itself."""
    new = f.fell_back
    assert new is not None  # noqa: S101  # the rule requires it
    how = "without DF" if f.head.df and not new.df and new.ip_len >= f.head.ip_len else f"as {new.ip_len} bytes"
    if not new.df and f.head.df and new.ip_len < f.head.ip_len:
        how += " without DF"
    lost = seconds((f.run.acked_by or new).ts - f.run.first.ts)
    return (
        f"{_stuck(f)} in vain. The sender then gave up that size by itself: sent {how} ({f.way.name(new.ref)}) the "
        f"same bytes were acknowledged. The hang cost {lost}. {no_ptb(f)}"
    )


def loss_in_run(f: Facts) -> str:
    """The segment got through in the end."""
    if f.fell_back is not None and f.as_large != (None, None):
        return f"{_stuck(f)} {_end(f)}; packets as large got through as well, so its size was not the reason."
    return f"{_stuck(f)} {_end(f)}: it got through at its own size in the end."


def content_drop(f: Facts) -> str:
    """As large ones got through meanwhile."""
    control = f.as_large[1]
    assert control is not None  # noqa: S101  # the rule requires it
    return (
        f"{_stuck(f)} {_end(f)}, yet {control.text} meanwhile. Not its size but something else about this one packet "
        "gets it dropped: look for an inspecting device (IPS, WAF, proxy) on the path."
    )


def ended_in_recovery(f: Facts) -> str:
    """Ordinary loss, cut off by the end of the capture."""
    return f"{_stuck(f)}; then the capture ends. Packets as large got through, so this is ordinary loss."


def short_blackhole(f: Facts) -> str:
    """A black hole by the looks, but too short."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    return (
        f"{_stuck(f)}, while {passed.text}. Nothing as large ever got through. {no_ptb(f)} The capture ends "
        "too early to be sure."
    )


def too_short(f: Facts) -> str:
    """Too short to tell."""
    return (
        f"{_stuck(f)}; then the capture ends, too early to tell loss from a black hole. Capture for 10 s or more of "
        "the hang."
    )


def too_lossy(f: Facts) -> str:
    """The capture lost packets itself."""
    missing = f"{f.way.missing_share:.0%} of the acknowledged bytes are missing from the capture"
    if f.way.missing_share <= f.settings.capture_loss:
        missing = "bytes that the peer acknowledged selectively are missing from the capture"
    return f"{_stuck(f)}, but {missing}: it lost packets itself and cannot tell."


def blackhole(f: Facts) -> str:
    """A black hole with its positive control."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    return (
        f"{_stuck(f)} and was never acknowledged, while {passed.text}. Nothing as large ever got through in this "
        f"direction. {no_ptb(f)}{_only_one(f)}{_later(f)}"
    )


def _later(f: Facts) -> str:
    return f" Later {f.as_large_later.text}: by then the path was another, or wider." if f.as_large_later else ""


def _only_one(f: Facts) -> str:
    if not f.only_one_tried:
        return ""
    return " It is the only packet that large; one dropped for its content looks the same: the pings below tell."


def path_changed(f: Facts) -> str:
    """A path that became narrower."""
    passed = f.passed
    assert passed is not None  # noqa: S101  # the rule requires it
    return (
        f"{_stuck(f)} and was never acknowledged, while {passed.text}. {len(f.large_lost)} different segments as large "
        "were all lost. Earlier such packets got through: the path seems to have changed to a narrower one. "
        + no_ptb(f)
    )


def fragment_loss(f: Facts) -> str:
    """Large packets without DF vanish."""
    control = f.passed or f.before
    small = f", while {control.text}" if control else ""
    return (
        f"{_stuck(f)}{small}. Without DF routers may fragment such packets: fragments get lost (a firewall that drops "
        "them), or the packet where it would have to be fragmented."
    )


def dead_path(f: Facts) -> str:
    """Nothing passes any more."""
    if f.failed is not None:
        return f"{_stuck(f)} and was never acknowledged; {f.failed.text}. Nothing passes any more, whatever its size."
    if f.as_large[0] is not None:
        return (
            f"{_stuck(f)} and was never acknowledged; nothing came back any more, and packets as large had got through "
            "before. No smaller packet was tried, so a path that became narrower cannot be excluded."
        )
    return f"{_stuck(f)} and was never acknowledged, although it is small: nothing passes any more."


def probable(f: Facts) -> str:
    """A black hole without a control meanwhile."""
    control = f.before or f.passed
    small = f"{control.text[0].upper()}{control.text[1:]}" if control else ""
    return (
        f"{_stuck(f)} and was never acknowledged. {small}; nothing as large ever did. No smaller packet was tried "
        f"meanwhile, so a path that died at that moment cannot be excluded. {no_ptb(f)}"
    )


def starts_late(f: Facts) -> str:
    """The capture starts within the stall."""
    return f"{_stuck(f)}, but the capture starts in the middle of the stall and shows nothing that got through."


def stall(f: Facts) -> str:
    """No known cause."""
    if f.as_large[0] is not None:
        return (
            f"{_stuck(f)} and was never acknowledged. Packets as large had got through before, and smaller ones may "
            "still do: neither loss nor a dead path nor the size alone explains it."
        )
    return f"{_stuck(f)} {_end(f)}. None of the known causes explains it."
