"""What is said inside of a tunnel that `datagram_tunnels` made: `python inner_talk.py server|TALK SERVER [CLIENT]`."""

from __future__ import annotations

import socket
import sys
import threading
import time

PORT, VOICE = 8080, 8081
SECONDS = 14.0


def serve(address: str) -> None:
    """Answer with as many bytes as asked for, take what comes, and send voice back."""
    voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    voice.bind((address, VOICE))
    threading.Thread(target=echo, args=(voice,), daemon=True).start()
    listening = socket.create_server((address, PORT))
    while True:
        peer, _ = listening.accept()
        threading.Thread(target=answer, args=(peer,), daemon=True).start()


def echo(voice: socket.socket) -> None:
    """Each datagram of voice is answered by one."""
    while True:
        data, back = voice.recvfrom(2000)
        voice.sendto(data, back)


def answer(peer: socket.socket) -> None:
    """A line says how many bytes are wanted."""
    file = peer.makefile("rb")
    try:
        while line := file.readline():
            words = line.split()
            if words[0] == b"take":
                file.read(int(words[1]))
                peer.sendall(b"!")
            else:
                peer.sendall(bytes(int(words[1])))
    except OSError:
        return


def connected(server: str, client: str) -> socket.socket:
    """A connection through the tunnel."""
    made = socket.create_connection((server, PORT), timeout=10, source_address=(client, 0))
    made.settimeout(SECONDS)
    return made


def ask(connection: socket.socket, size: int) -> None:
    """Have `size` bytes sent."""
    connection.sendall(b"give %d\n" % size)
    left = size
    while left > 0:
        got = connection.recv(65536)
        if not got:
            return
        left -= len(got)


def main(talk: str, server: str, client: str) -> None:
    """Hold one of the talks."""
    end = time.time() + SECONDS
    if talk == "voice":
        voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        voice.bind((client, 0))
        while time.time() < end:
            voice.sendto(bytes(172), (server, VOICE))
            time.sleep(0.05)
        return
    connection = connected(server, client)
    try:
        if talk == "hello":
            ask(connection, 300)
        elif talk == "small":
            while time.time() < end:
                ask(connection, 300)
                time.sleep(0.9)
        elif talk == "upload":
            ask(connection, 300)
            connection.sendall(b"take 20000\n" + bytes(20000))
            connection.recv(1)
        elif talk in ("download", "bulk"):
            ask(connection, 300)
            ask(connection, 20_000 if talk == "download" else 150_000)
    except TimeoutError:
        print(talk, "timed out", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    else:
        main(*sys.argv[1:])
