import { connect } from "chattera/client";
import { useEffect, useRef, useState } from "react";

/** Follows a room while a component is shown. Returns its messages, the state and `send`. */
export function useRoom(url, slug, nickname) {
  const [messages, setMessages] = useState([]);
  const [state, setState] = useState("connecting");
  const handle = useRef(undefined);

  useEffect(() => {
    const room = connect(url, { room: slug, ...(nickname && { nickname }) });
    handle.current = room;
    setMessages([]);
    room.on("event", (event) => {
      if (event.kind === "message") setMessages((before) => [...before, event]);
    });
    room.on("state", (now) => setState(now.state));
    // Under StrictMode, React runs this at once and connects again. That is no error.
    return () => room.close();
  }, [url, slug, nickname]);

  return { messages, state, send: (text) => handle.current.send(text) };
}
