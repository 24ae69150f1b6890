"""One end of a QUIC connection for `datagram_programs`: `python quic_talk.py server|client --size N`. Needs aioquic."""

from __future__ import annotations

import argparse
import asyncio
import ssl

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

SERVER = "198.51.100.2"
ANSWER = 60_000
PROBES = (1444, 1444, 1444, 1372, 1372, 1372)


class Talk(QuicConnectionProtocol):
    """The server's answer."""

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived) and event.end_stream and not self._quic.configuration.is_client:
            asyncio.get_running_loop().create_task(self.answer(event.stream_id))

    async def answer(self, stream: int) -> None:
        self._quic.send_stream_data(stream, bytes(ANSWER // 2), False)
        self.transmit()
        await asyncio.sleep(0.5)
        if ASKED.later:
            self._quic._max_datagram_size = ASKED.later
        if ASKED.probing:
            await self.probe()
        self._quic.send_stream_data(stream, bytes(ANSWER // 2), True)
        self.transmit()

    async def probe(self) -> None:
        """Datagrams of other sizes: any packet of one byte, behind it what no receiver can read."""
        for size in PROBES:
            address = self._quic._network_paths[0].addr
            head = bytes([0x40]) + self._quic._peer_cid.cid
            self._transport.sendto(head.ljust(size - 28, bytes([size & 255])), address)
            await asyncio.sleep(0.3)


async def main() -> None:
    """Serve, or ask."""
    configuration = QuicConfiguration(
        is_client=ASKED.end == "client",
        alpn_protocols=["x"],
        max_datagram_size=ASKED.size,
        verify_mode=ssl.CERT_NONE,
        idle_timeout=12,
    )
    if ASKED.end == "server":
        configuration.load_cert_chain("c.pem", "k.pem")
        await serve(SERVER, 4433, configuration=configuration, create_protocol=Talk)
        await asyncio.sleep(100)
        return
    async with connect(SERVER, 4433, configuration=configuration, create_protocol=Talk) as client:
        reader, writer = await client.create_stream()
        writer.write(b"GET /")
        writer.write_eof()
        print("got", len(await asyncio.wait_for(reader.read(), 15)))


PARSER = argparse.ArgumentParser()
PARSER.add_argument("end", choices=("server", "client"))
PARSER.add_argument("--size", type=int, default=1200)
PARSER.add_argument("--probing", type=int, default=0)
PARSER.add_argument("--later", type=int, default=0)

if __name__ == "__main__":
    ASKED = PARSER.parse_args()
    asyncio.run(main())
