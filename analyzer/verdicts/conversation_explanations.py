"""What the rules for UDP conversations say, and the frames on which that rests."""

from __future__ import annotations

from analyzer.evidence.exchanges import Stuck, ike_part
from analyzer.model.text import plural, seconds
from analyzer.verdicts.conversation_facts import UdpFacts
from analyzer.verdicts.rule import Frames

NO_PTB = "No PTB about it is in this capture."


def _what(f: UdpFacts) -> str:
    best = f.stuck[0]
    span = seconds((best.last - best.first) / 1e9)
    if best.asked:
        again = plural(len(best.asked) - 1, "time")
        text = f"An answer of {best.size} bytes was asked for again {again} over {span}"
    else:
        times = plural(len(best.sent), "time")
        text = f"A datagram of {best.size} bytes was sent {times} over {span}, without an answer"
    more = len(f.stuck) - 1
    return text + (f", and {plural(more, 'more datagram')} of this size or larger likewise" if more else "")


def _smaller(f: UdpFacts) -> str:
    sizes = [size for _, size, _ in f.controls]
    if not sizes:
        return "nothing smaller is known to come"
    when = "meanwhile" if f.control is not None else "before it"
    return f"smaller ones of these hosts, of up to {max(sizes)} bytes, came {when}"


def blackhole(f: UdpFacts) -> str:
    """Smaller ones pass meanwhile, and several large ones do not."""
    return f"{_what(f)}; {_smaller(f)}. {NO_PTB}"


def probable(f: UdpFacts) -> str:
    """As above, with weaker proof."""
    return f"{_what(f)}; {_smaller(f)}. {NO_PTB} A program that takes no such datagram looks the same."


def suspected(f: UdpFacts) -> str:
    """Nothing smaller is known to pass."""
    return f"{_what(f)}; {_smaller(f)}. {NO_PTB} That its size is the reason is no more than a guess."


def fragments(f: UdpFacts) -> str:
    """What may be, or is, fragmented does not get through."""
    fragmented = all(s.fragmented for each in f.stuck for s in each.sent)
    how = "Its sender fragments it" if fragmented else "Routers may fragment it"
    return f"{_what(f)}; {_smaller(f)}. {how}: fragments seem to get lost."


def _told_size(f: UdpFacts) -> str:
    ptb = f.ptb
    return f"A PTB of {ptb.router} says that {ptb.mtu} bytes fit" if ptb is not None else ""


def ignored(f: UdpFacts) -> str:
    """The same again."""
    again = plural(len(f.disobeyed), "time")
    return f"{_told_size(f)}; the same datagram was sent again {again} more than a second later, as large as before."


def obeyed(f: UdpFacts) -> str:
    """Nothing larger."""
    return f"{_told_size(f)}, and nothing larger with DF was sent after it."


def probed(f: UdpFacts) -> str:
    """Larger ones, on purpose."""
    return (
        f"{_told_size(f)}; larger ones came after it, as of a program that probes the path: the receiver says of "
        "others that nobody listens at the port."
    )


def went_on(f: UdpFacts) -> str:
    """Larger ones, and no harm."""
    return f"{_told_size(f)}; larger ones came after it, as of a sender that probes sizes, and the exchange went on."


def pending(f: UdpFacts) -> str:
    """Not known."""
    return f"{_told_size(f)}; whether its sender goes by it this capture does not tell."


def arrived(f: UdpFacts) -> str:
    """Behind whatever may be narrow."""
    return f"{_what(f)}. It was captured where it had arrived, as TTLs show: its size did not keep it back."


def missing(f: UdpFacts) -> str:
    """The receiver's end shows that it got a part of each."""
    return f"{_what(f)}. Of each only the first fragment came to this point: the others get lost before it."


def hidden(f: UdpFacts) -> str:
    """A filter shows no more either."""
    return (
        f"{_what(f)}. Of each only the first fragment is in the capture: the others got lost, or a capture filter for "
        "ports, which later fragments have not, left them out. Capture without one."
    )


def unheard(f: UdpFacts) -> str:
    """Too much goes on beside it."""
    return (
        f"{_what(f)} until then. So many other datagrams of this conversation followed its last transmission that an "
        "answer to that would not have been kept: whether it came at last is not known here."
    )


def repeated(f: UdpFacts) -> str:
    """What comes back may be about anything."""
    best = f.repeats[0]
    span = seconds(best.span / 1e9)
    return (
        f"A datagram of {best.size} bytes was sent {plural(len(best.sent), 'time')} over {span}, at growing gaps, "
        "while the other end went on. Whether it came is not known: nothing in this protocol tells what is about it."
    )


def repeated_frames(f: UdpFacts) -> Frames:
    """Of all transmissions."""
    return f.repeats[0].frames


def parts(f: UdpFacts) -> str:
    """IKE cut the message, and its larger parts do not come."""
    sent = f.parts_missing
    part = ike_part(sent[0].head) or (0, 0)
    span = seconds((sent[-1].ts - sent[0].ts) / 1e9)
    return (
        f"Part {part[0]} of {part[1]} of an IKE message, {sent[0].size} bytes, came {plural(len(sent), 'time')} over "
        f"{span}; part 1, which is as large as any other, never came. {NO_PTB} A larger fragment size than the path "
        "carries looks so."
    )


def part_frames(f: UdpFacts) -> Frames:
    """Of the part that came."""
    return tuple(each.ref for each in f.parts_missing)


def moved(f: UdpFacts) -> str:
    """Port 4500 may be blocked, or large datagrams get lost."""
    return (
        f"{_what(f)}. IKE was answered on port 500, and nothing came back on port 4500: a firewall may drop that port, "
        "or large datagrams get lost. Capture at the other end: if smaller datagrams of port 4500, or first fragments, "
        "come there, it is their size."
    )


def dead(f: UdpFacts) -> str:
    """Nothing came back."""
    best = max((each for each in f.all_stuck if not each.asked), key=lambda each: each.times)
    return f"A datagram of {best.size} bytes was sent {plural(len(best.sent), 'time')}, and nothing came back."


def stall(f: UdpFacts) -> str:
    """No reason is shown."""
    best = max(f.all_stuck, key=lambda each: each.times)
    again = plural(best.times, "time")
    return (
        f"A datagram of {best.size} bytes was sent again, or asked for again, {again}; "
        "nothing shows that its size is the reason."
    )


def one_direction(_: UdpFacts) -> str:
    """Syslog and the like."""
    return "The datagrams of one end only were captured, as is normal for what wants no answer."


def in_tunnel(f: UdpFacts) -> str:
    """Nobody can read it."""
    return (
        f"An encrypted tunnel, with packets of up to {f.tunnel} bytes: which of them came cannot be told from outside. "
        "What TCP inside of it meets shows in a capture at the tunnel's inner interface."
    )


def full_size(f: UdpFacts) -> str:
    """Large ones with DF."""
    return f"Packets of up to {f.large[1]} bytes with DF were sent, and the other end went on after them."


def without_df(f: UdpFacts) -> str:
    """Large ones without."""
    largest = max(f.large[1:])
    return f"Packets of up to {largest} bytes, some without DF, were sent, and the other end went on after them."


def small(_: UdpFacts) -> str:
    """Small ones."""
    return "Nothing large enough to tell was sent, and gone on from, often enough."


def main_frames(f: UdpFacts) -> Frames:
    """Of what shows it best."""
    return f.stuck[0].frames if f.stuck else ()


def any_frames(f: UdpFacts) -> Frames:
    """Of what was sent again most, whatever its size."""
    best: Stuck = max(f.all_stuck, key=lambda each: each.times)
    return best.frames


def told_frames(f: UdpFacts) -> Frames:
    """Of the PTB."""
    return (f.ptb.ref,) if f.ptb is not None else ()


def told_again_frames(f: UdpFacts) -> Frames:
    """And of what was sent in spite of it."""
    return (*told_frames(f), *(each.ref for each in f.disobeyed[:8]))
