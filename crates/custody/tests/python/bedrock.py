"""boto3 through the proxy.

usage: bedrock.py HOST:PORT CALL…

CALL is AUTH:OPERATION:MODEL with AUTH one of `signed`, `bearer` (the key from AWS_BEARER_TOKEN_BEDROCK)
and `none`. Prints one JSON line a call: what boto3 read, or the error as an application sees it. A bearer
key boto3 sends over TLS alone: there is a relay before the proxy that ends it, as an ingress does.
"""
import asyncio
import datetime
import ipaddress
import json
import os
import ssl
import sys
import tempfile
import threading

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

proxy, calls = sys.argv[1], sys.argv[2:]
bearer = os.environ["AWS_BEARER_TOKEN_BEDROCK"]


def certificate():
    """A file with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.datetime.now(datetime.timezone.utc)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1)).add_extension(here, False)
            .sign(key, hashes.SHA256()))
    file = tempfile.NamedTemporaryFile(suffix=".pem")
    file.write(made.public_bytes(serialization.Encoding.PEM))
    file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()))
    file.flush()
    return file


def relay(file):
    """The port of something that ends TLS before the proxy."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file.name)
    host, port = proxy.split(":")

    async def pipe(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, to_writer), pipe(to_reader, writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return server.sockets[0].getsockname()[1]


def client(auth):
    # Another region than the upstream's: the client's own does not choose.
    session = {"region_name": "us-west-2"}
    if auth == "bearer":
        os.environ["AWS_BEARER_TOKEN_BEDROCK"] = bearer
    else:
        os.environ.pop("AWS_BEARER_TOKEN_BEDROCK", None)
        session |= {"aws_access_key_id": "AKIACLIENTEXAMPLE", "aws_secret_access_key": "client-secret",
                    "aws_session_token": "client-session"}
    more = {"signature_version": UNSIGNED} if auth == "none" else {}
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, **more)
    endpoint = f"https://127.0.0.1:{tls}" if auth == "bearer" else f"http://{proxy}"
    return boto3.Session(**session).client(
        "bedrock-runtime", endpoint_url=f"{endpoint}/bedrock", config=config, verify=pem.name)


def ask(bedrock, operation, model):
    messages = [{"role": "user", "content": [{"text": "who signs?"}]}]
    if operation == "converse":
        got = bedrock.converse(modelId=model, messages=messages)
        return got, got["output"]["message"]["content"][0]["text"]
    if operation == "converse_stream":
        got = bedrock.converse_stream(modelId=model, messages=messages)
        deltas = [event["contentBlockDelta"] for event in got["stream"] if "contentBlockDelta" in event]
        return got, "".join(delta["delta"]["text"] for delta in deltas)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages}
    got = bedrock.invoke_model(modelId=model, body=json.dumps(body), trace="ENABLED")
    return got, json.loads(got["body"].read())["content"][0]["text"]


pem = certificate()
tls = relay(pem)
for call in calls:
    auth, operation, model = call.split(":", 2)
    try:
        got, text = ask(client(auth), operation, model)
        said = {"text": text}
    except ClientError as error:
        got = error.response
        said = {"code": got["Error"]["Code"], "message": got["Error"]["Message"]}
    meta = got["ResponseMetadata"]
    said |= {"status": meta["HTTPStatusCode"], "retries": meta["RetryAttempts"],
             "id": meta["HTTPHeaders"]["custody-interaction-id"]}
    print(json.dumps(said), flush=True)
