"""Official SDKs through the proxy, on recorded traffic.

usage: sdk.py CUSTODY SHARED FOLDER [PER_FORMAT]

Each recording is asked for twice, directly and through Custody: both answers must be equal, and what
Custody recorded must say what the SDK read. Prints what was compared; exits 1 on the first difference.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import anthropic
import openai

custody, shared, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
per_format = int(sys.argv[4]) if len(sys.argv) > 4 else 8


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


upstream, proxy, api = free_port(), free_port(), free_port()
(folder / "custody.toml").write_text(f"""
data = "{folder}/data"
archive_immutable = false
[proxy]
listen = "127.0.0.1:{proxy}"
[api]
listen = "127.0.0.1:{api}"
[[upstream]]
name = "replay"
base_url = "http://127.0.0.1:{upstream}"
""")
running = [
    subprocess.Popen(
        [sys.executable, shared / "tools/replay_upstream.py", "--port", str(upstream), "--chunk", "97"],
        stdout=subprocess.DEVNULL,
    ),
    subprocess.Popen([custody, "serve", "--config", folder / "custody.toml"], stdout=subprocess.DEVNULL),
]


def stop():
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait(30)


def recordings(form, streaming):
    with open(shared / "corpus/traffic/core.jsonl") as lines:
        found = []
        for line in lines:
            recording = json.loads(line)
            same = recording["format"] == form and recording["streaming"] == streaming
            if same and recording["status"] == 200 and recording["request_body"]:
                found.append(recording)
        return found[:per_format]


def drain(stream):
    return [event.model_dump() for event in stream]


def ask(base, recording):
    """What the SDK reads, as plain data, and the ids that Custody added."""
    body = json.loads(recording["request_body"])
    headers = {"X-Replay-Id": recording["id"]}
    form = recording["format"]
    if form.startswith("anthropic"):
        client = anthropic.Anthropic(base_url=base, api_key="sk-ant-test", max_retries=0)
        call = client.messages.with_raw_response.create
    else:
        client = openai.OpenAI(base_url=base + "/v1", api_key="sk-test", max_retries=0)
        call = {
            "openai.chat_completions": client.chat.completions,
            "openai.responses": client.responses,
            "openai.embeddings": client.embeddings,
        }[form].with_raw_response.create
    required = {
        "anthropic.messages": ("model", "messages", "max_tokens"),
        "openai.chat_completions": ("model", "messages"),
        "openai.responses": ("model", "input"),
        "openai.embeddings": ("model", "input"),
    }[form]
    named = {name: body.pop(name) for name in required if name in body}
    if recording["streaming"]:
        named["stream"] = body.pop("stream", True)
    else:
        body.pop("stream", None)
    body.pop("encoding_format", None)
    raw = call(**named, extra_body=body, extra_headers=headers)
    parsed = raw.parse()
    read = drain(parsed) if recording["streaming"] else parsed.model_dump()
    return read, raw.headers.get("custody-interaction-id")


def recorded_texts(interaction):
    parts = interaction["response"]["parts"]
    return "".join(part.get("text", "") for part in parts if part["kind"] == "text")


def sdk_text(form, streaming, read):
    if form == "openai.chat_completions":
        choices = [c for event in (read if streaming else [read]) for c in event["choices"]]
        side = "delta" if streaming else "message"
        by_index = {}
        for choice in choices:
            content = (choice.get(side) or {}).get("content") or ""
            if isinstance(content, str):
                by_index[choice["index"]] = by_index.get(choice["index"], "") + content
        return "".join(by_index[i] for i in sorted(by_index))
    if form == "anthropic.messages" and streaming:
        return "".join(
            e["delta"]["text"] for e in read
            if e["type"] == "content_block_delta" and e["delta"]["type"] == "text_delta"
        )
    if form == "anthropic.messages":
        return "".join(block.get("text") or "" for block in read["content"] if block["type"] == "text")
    return None


try:
    wait(upstream), wait(proxy), wait(api)
    compared = texts = 0
    for form, streaming in [
        ("openai.chat_completions", False), ("openai.chat_completions", True),
        ("openai.responses", False), ("openai.responses", True), ("openai.embeddings", False),
        ("anthropic.messages", False), ("anthropic.messages", True),
    ]:
        for recording in recordings(form, streaming):
            try:
                direct, _ = ask(f"http://127.0.0.1:{upstream}", recording)
            except Exception as error:  # the SDK cannot send or read this recording at all
                print(f"skipped {form} {recording['id']}: {type(error).__name__}")
                continue
            proxied, interaction_id = ask(f"http://127.0.0.1:{proxy}/replay", recording)
            if direct != proxied:
                sys.exit(f"{form} {recording['id']}: the SDK reads another answer through the proxy")
            url = f"http://127.0.0.1:{api}/api/v1/interactions/{interaction_id}"
            interaction = json.load(urllib.request.urlopen(url))
            if interaction["response"]["outcome"] != "complete":
                print(f"note {form} {recording['id']}: {interaction['response']['outcome']}")
            text = sdk_text(form, streaming, proxied)
            masked = sum(interaction["masking"]["counts"].values()) > 0
            if text is not None and not masked:
                texts += 1
                if recorded_texts(interaction) != text:
                    sys.exit(f"{form} {recording['id']}: recorded {recorded_texts(interaction)[:80]!r}, "
                             f"the SDK read {text[:80]!r}")
            compared += 1
    print(f"compared {compared} answers, {texts} texts")
    if compared < 20:
        sys.exit("too few recordings were compared")
finally:
    stop()
report = subprocess.run(
    [custody, "verify", "--json", "--config", folder / "custody.toml"], capture_output=True, text=True
)
print(report.stdout if report.returncode else "verified")
sys.exit(report.returncode)
