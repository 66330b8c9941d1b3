"""Tells Custody what an application did beside its calls to the model, and of calls that cannot go
through the proxy. Standard library only.

    python3 examples/python/tell.py            # a recorder runs on 127.0.0.1:8080
"""

import json
import secrets
import time
import urllib.error
import urllib.request


class Custody:
    """Posts events; returns when they are durable, raises when they are refused."""

    def __init__(self, url="http://127.0.0.1:8080", token=None, **always):
        self.url, self.token, self.always = url.rstrip("/") + "/custody/v1/events", token, always

    def tell(self, *events):
        body = json.dumps([{**self.always, **event} for event in events]).encode()
        headers = {"content-type": "application/json"}
        if self.token:
            headers["custody-token"] = self.token
        for pause in (0.2, 1, 5, None):
            try:
                request = urllib.request.Request(self.url, body, headers)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)["events"]
            except urllib.error.HTTPError as error:
                if error.code != 503 or pause is None:
                    raise RuntimeError(f"{error.code}: {error.read().decode()}") from error
            except urllib.error.URLError:
                if pause is None:
                    raise
            time.sleep(pause)


def main():
    trace = secrets.token_hex(16)
    custody = Custody(service="helpdesk", environment="dev", correlation_id=trace)
    policy = "Refunds are paid within 14 days of the return, to the card that was charged."
    custody.tell({"type": "retrieval", "user": "alice", "query": "refund time", "documents": [
        {"id": "policy-7", "source": "kb/refunds", "score": 0.83, "rank": 1, "text": policy}]})
    began = time.time()
    request = {"model": "local-model", "messages": [
        {"role": "system", "content": f"Answer from this:\n{policy}"},
        {"role": "user", "content": "When is my refund paid?"}]}
    # Here the application would ask a model that it runs inside of its own process.
    response = {"model": "local-model", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Within 14 days of the return."}}],
                "usage": {"prompt_tokens": 40, "completion_tokens": 8, "total_tokens": 48}}
    call = custody.tell({"type": "interaction", "provider": "local", "format": "openai.chat_completions",
                         "user": "alice", "request": request, "response": response, "time": began,
                         "ended": time.time()})[0]
    custody.tell(
        {"type": "tool_call", "name": "lookup_order", "arguments": {"order": 17},
         "result": {"state": "returned"}, "outcome": "ok", "backend_record_ids": ["orders/17"]},
        {"type": "review", "interaction_id": call["id"], "reviewer": "bob", "decision": "approved",
         "reason": "The policy says so."},
        {"type": "feedback", "interaction_id": call["id"], "score": 1})
    print(f"custody trace {trace}")


if __name__ == "__main__":
    main()
