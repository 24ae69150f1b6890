"""Where on the path the capture was taken: at one of the two hosts, or between them.

Three witnesses, the surest first: what the capturing host itself noted (which packets came in, which it
sent), the TTL (a host's own packets still have the one they started with), and the handshake (at a host,
its own answer follows at once).
"""

from __future__ import annotations

from analyzer.evidence.direction import Conversation, Direction
from analyzer.flows.flow_tables import SAW_SYN_ACK
from analyzer.model.flow import Vantage
from analyzer.settings import AT_ONCE, INITIAL_TTLS, MOST_HOPS, QUICK_NS

CLIENT = "client"
SERVER = "server"
BETWEEN = "between"
UNKNOWN = "unknown"


NOT_ESTABLISHED = Vantage(UNKNOWN, "the connection was not established")


def hops(direction: Direction) -> int | None:
    """Routers between this direction's sender and the capture point, by TTL; None: unknown."""
    left = direction.count["ttl_max"]
    if not direction.count["packets"] or left <= 0:
        return None
    count = min((initial - left for initial in INITIAL_TTLS if initial >= left), default=None)
    return count if count is not None and count <= MOST_HOPS else None


def vantage(conversation: Conversation) -> Vantage:
    """Where the conversation was captured."""
    client, server = conversation.direction_to_server(), conversation.direction_to_client()
    if not conversation.seen & SAW_SYN_ACK and not client.count["data_packets"] and not server.count["data_packets"]:
        return NOT_ESTABLISHED
    if noted := _noted(client, server):
        return Vantage(noted, "the capturing host noted which packets it sent and which it received")
    from_client, from_server = hops(client), hops(server)
    if from_client is None or from_server is None:
        return Vantage(UNKNOWN, "packets of one direction only" if client.one_sided else "TTLs say nothing")
    ttls = f"TTL: client packets crossed {_routers(from_client)}, server packets {_routers(from_server)}"
    if from_client and from_server:
        return Vantage(BETWEEN, ttls)
    if from_client != from_server:
        return Vantage(SERVER if from_client else CLIENT, ttls)
    # No router at all on either side: the handshake decides.
    there, back = client.rtt, server.rtt
    if there and back and there * AT_ONCE <= back:
        return Vantage(SERVER, "its answer to the SYN followed at once, the client's took the round trip")
    if there and back and back * AT_ONCE <= there:
        return Vantage(CLIENT, "its answer to the SYN/ACK followed at once, the server's took the round trip")
    return Vantage(UNKNOWN, "both ends are on the same link")


def beside_receiver(conversation: Conversation, direction: Direction) -> bool:
    """True if no router lies between the capture point and the receiver of this direction, by TTL or notes."""
    receiver = SERVER if direction.side == conversation.client_side else CLIENT
    return direction.peer["packets"] > 0 and vantage(conversation).where == receiver


def at_receiver(conversation: Conversation, direction: Direction) -> bool:
    """True if what the capture holds of this direction had arrived: at the receiving host, or on its link.

    No router between is not enough: behind the end of a tunnel the receiver may be far away all the same. So its
    answers, where some are seen, must follow at once.
    """
    if not beside_receiver(conversation, direction):
        return False
    other = conversation.directions[1 - direction.side].rtt
    return direction.rtt <= max(QUICK_NS, other // AT_ONCE)


def _noted(client: Direction, server: Direction) -> str:
    """Who captured, by the directions in the capture; empty where it has none."""
    sent = (client.count["went_out"], server.count["went_out"])
    received = (client.count["came_in"], server.count["came_in"])
    if not any(sent) and not any(received):
        return ""
    if any(out and came for out, came in zip(sent, received, strict=True)):
        return BETWEEN  # the same direction comes in and goes out: forwarded
    if sent[0] or (received[1] and not received[0] and not sent[1]):
        return "" if sent[1] else CLIENT
    return SERVER


def _routers(count: int) -> str:
    return f"{count} router{'' if count == 1 else 's'}" if count else "no router"
