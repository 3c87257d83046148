// What the page asks of the server: the state one person sees, a stream that says "look again", and acts.
import { useCallback, useEffect, useRef, useState } from "react";

const TOKEN = document.querySelector('meta[name="page-token"]').content;

// Where a shared picture stands.
export const pictureOf = (id) => `/page/file/${id}?token=${encodeURIComponent(TOKEN)}`;

async function ask(path, body) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { "X-Page-Token": TOKEN, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const read = await answer.json();
  if (!answer.ok || read.refused) throw new Error(read.refused ?? read.error);
  return read;
}

// The state as `user` sees it, and whether the server can be reached.
export function useWorkspace(user, channel) {
  const [state, setState] = useState(null);
  const [live, setLive] = useState(true);
  const newest = useRef(0);
  const look = useCallback(async () => {
    const turn = ++newest.current;
    try {
      const chosen = new URLSearchParams({ ...(user && { user }), ...(channel && { channel }) });
      const seen = await ask(`/page/state?${chosen}`);
      if (turn === newest.current) {
        setState(seen);
        setLive(true);
      }
    } catch {
      setLive(false);
    }
  }, [user, channel]);
  useEffect(() => {
    const stream = new EventSource(`/page/stream?token=${encodeURIComponent(TOKEN)}`);
    stream.onmessage = look;
    stream.onopen = () => setLive(true);
    stream.onerror = () => setLive(false);
    return () => stream.close();
  }, [look]);
  return { state, live };
}

export const act = (user, what) => ask("/page/act", { user, ...what });
