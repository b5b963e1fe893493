"""Answers the message !time in a room. Needs nothing but Python 3."""
import json, sys, time, urllib.error, urllib.request, uuid

site, room = sys.argv[1:] or ["http://localhost:3000", "lobby"]

def ask(path, body=None, token=""):  # Asks until there is an answer. The id makes a resend harmless.
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    while True:
        try:
            request = urllib.request.Request(site + path, json.dumps(body).encode() if body else None, headers)
            return json.load(urllib.request.urlopen(request, timeout=70))
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500: sys.exit(error.read().decode())
            time.sleep(int(error.headers.get("Retry-After", 2)))
        except OSError: time.sleep(2)

token = ask("/api/session", {"nickname": "clock"})["token"]
cursor = ask(f"/api/rooms/{room}")["cursor"]
print(f"Reading {room}", flush=True)
while True:
    answer = ask(f"/api/poll?room={room}&after={cursor}&wait=25", token=token)
    cursor = answer["cursor"]
    for event in answer["events"]:
        if event["kind"] == "message" and event.get("text") == "!time":
            ask(f"/api/rooms/{room}/messages", {"id": uuid.uuid4().hex, "text": time.strftime("It is %H:%M:%S.")}, token)
