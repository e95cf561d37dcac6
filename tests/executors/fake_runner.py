"""A runner that executes `arguments["source"]` with the protocol's verbs at hand; stdlib only.

What it says is what the source says: so it can also lie, fall silent and garble.
"""

import json
import socket
import struct
import sys
import traceback
from pathlib import Path


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    header, payload = receive(channel)
    inputs = {}
    for entry in header["inputs"]:
        if entry["path"] is None:
            inputs[entry["slot"]] = payload[: entry["size"]]
            payload = payload[entry["size"] :]
        else:
            inputs[entry["slot"]] = Path(entry["path"]).read_bytes()
    scratch = header["scratch"]

    def send(record, data=b""):
        head = json.dumps(record).encode()
        channel.sendall(struct.pack(">IQ", len(head), len(data)) + head + data)

    def output(name, data, summary="", size=None, path=None):
        record = {"type": "output", "name": name, "codec": "bytes", "type_name": "bytes"}
        record.update(summary=summary, path=path, size=len(data) if size is None else size)
        send(record, b"" if path else data)

    def output_file(name, data, size=None):
        path = Path(scratch) / name
        path.write_bytes(data)
        output(name, data, path=str(path), size=size)

    def display(**items):
        names = [{"mime": m.replace("_", "/"), "size": len(d)} for m, d in items.items()]
        send({"type": "display", "items": names}, b"".join(items.values()))

    def failed(kind, error):
        record = {"type": "failed", "kind": kind, "type_name": type(error).__name__}
        record.update(message=str(error), file="cells/a.py", line=1, hint=None)
        send({**record, "traceback": traceback.format_exc()})

    namespace = {
        "__name__": "__cell__",
        "channel": channel,
        "display": display,
        "header": header,
        "inputs": inputs,
        "output": output,
        "output_file": output_file,
        "scratch": scratch,
        "send": send,
    }
    try:
        exec(header["arguments"]["source"], namespace)
    except SystemExit as error:
        failed("exit", error)
    except KeyboardInterrupt as error:
        failed("interrupt", error)
    except BaseException as error:  # noqa: BLE001 - whatever the source raises
        failed("exception", error)
    else:
        send({"type": "done"})


def receive(channel):
    header_size, payload_size = struct.unpack(">IQ", exactly(channel, 12))
    return json.loads(exactly(channel, header_size)), exactly(channel, payload_size)


def exactly(channel, size):
    data = bytearray()
    while len(data) < size:
        piece = channel.recv(size - len(data))
        assert piece, "the parent is gone"
        data += piece
    return bytes(data)


if __name__ == "__main__":
    main()
