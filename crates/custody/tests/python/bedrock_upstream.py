"""A stand-in for Bedrock that checks every signature with botocore's own signer.

usage: bedrock_upstream.py REGION ACCESS_KEY SECRET TOKEN BEARER

Prints its port, then one JSON line for each request: what came, and what is wrong with it. A request
whose signature is another than botocore makes of the same bytes gets 403, as at AWS.
"""
import datetime
import http.server
import json
import re
import struct
import sys
import zlib

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

region, access_key, secret, token, bearer = sys.argv[1:6]
attempts = {}


def fault(method, target, headers, body):
    """What is wrong with a request's right to be answered; None if nothing is."""
    given = headers.get("authorization", "")
    if given.startswith("Bearer "):
        return None if given == f"Bearer {bearer}" else "UnrecognizedClientException"
    pattern = (r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/bedrock/aws4_request, "
               r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")
    signature = re.fullmatch(pattern, given)
    if not signature:
        return "MissingAuthenticationTokenException"
    key, day, scope_region, names, value = signature.groups()
    names = names.split(";")
    date = headers.get("x-amz-date", "")
    if key != access_key or scope_region != region or not date.startswith(day):
        return "UnrecognizedClientException"
    if headers.get("x-amz-security-token", "") != token:
        return "UnrecognizedClientException"
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    if abs(now - datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")) > datetime.timedelta(minutes=5):
        return "InvalidSignatureException"
    must = {"host", "x-amz-date"} | {name for name in headers if name.startswith("x-amz-")}
    if not must <= set(names) or names != sorted(names):
        return "InvalidSignatureException"
    signed = {name: headers[name] for name in names}
    request = AWSRequest(method, f"https://{headers['host']}{target}", headers=signed, data=body)
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials(access_key, secret, token), "bedrock", region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return None if signer.signature(text, request) == value else "InvalidSignatureException"


def frame(kind, payload):
    """An event of application/vnd.amazon.eventstream."""
    head = b""
    for name, text in [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")]:
        head += struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(text)) + text.encode()
    payload = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


class Bedrock(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, kind, body, extra=()):
        self.send_response_only(status)
        for name, value in [("content-type", kind), ("x-amzn-requestid", "amzn-1"), *extra]:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        wrong = fault("POST", self.path, headers, body)
        seen = {"target": self.path, "headers": headers, "body": len(body), "fault": wrong}
        print(json.dumps(seen), flush=True)
        if wrong:
            message = json.dumps({"message": "The request signature we calculated does not match"})
            return self.answer(403, "application/json", message.encode(), [("x-amzn-errortype", wrong)])
        operation = self.path.split("?")[0].rsplit("/", 1)[-1]
        if "busy" in self.path and not attempts.setdefault(self.path, 0):
            attempts[self.path] += 1
            message = b'{"message":"slow down"}'
            return self.answer(429, "application/json", message, [("x-amzn-errortype", "ThrottlingException")])
        if operation == "converse-stream":
            events = [
                ("messageStart", {"role": "assistant"}),
                ("contentBlockDelta", {"delta": {"text": "signed "}, "contentBlockIndex": 0}),
                ("contentBlockDelta", {"delta": {"text": "again"}, "contentBlockIndex": 0}),
                ("contentBlockStop", {"contentBlockIndex": 0}),
                ("messageStop", {"stopReason": "end_turn"}),
                ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}}),
            ]
            stream = b"".join(frame(kind, payload) for kind, payload in events)
            return self.answer(200, "application/vnd.amazon.eventstream", stream)
        content = [{"type": "text", "text": "signed again"}]
        if operation == "converse":
            content = {"output": {"message": {"role": "assistant", "content": [{"text": "signed again"}]}},
                       "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 7}}
        else:
            content = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                       "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}}
        self.answer(200, "application/json", json.dumps(content).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bedrock)
print(server.server_port, flush=True)
server.serve_forever()
