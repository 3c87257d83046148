// The page: the story beside the channel, the channel, one thread, and the dialogs over them.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";
import { Blocks } from "./blocks.jsx";
import { Composer } from "./composer.jsx";
import { Confirm, Modal } from "./dialogs.jsx";
import { Stream } from "./messages.jsx";
import { act, useWorkspace } from "./server.js";

const asked = new URLSearchParams(location.search);
const DARK = matchMedia("(prefers-color-scheme: dark)");

function useTheme() {
  const [chosen, choose] = useState(asked.get("theme"));
  const [system, setSystem] = useState(DARK.matches);
  useEffect(() => {
    const look = (event) => setSystem(event.matches);
    DARK.addEventListener("change", look);
    return () => DARK.removeEventListener("change", look);
  }, []);
  const theme = chosen === "dark" || chosen === "light" ? chosen : system ? "dark" : "light";
  useEffect(() => void (document.documentElement.dataset.theme = theme), [theme]);
  return [theme, () => choose(theme === "dark" ? "light" : "dark")];
}

// What the parts below need to know of the state, and what they can do with it.
function worldOf(state, theme, doAct, setConfirm, openThread) {
  const choose = async (element, what) => {
    if (element.confirm) {
      const agreed = await new Promise((answer) => setConfirm({ confirm: element.confirm, answer }));
      setConfirm(null);
      if (!agreed) return;
    }
    await doAct(what);
  };
  return {
    theme,
    act: doAct,
    choose,
    openThread,
    shortcuts: state.shortcuts,
    people: Object.fromEntries(state.people.map((one) => [one.id, one])),
    names: {
      users: state.people.map((one) => ({ id: one.id, name: one.real_name })),
      channels: state.conversations,
      user_groups: state.groups,
    },
  };
}

const inOrder = (items) => [...items].sort((one, other) => Number(one.ts) - Number(other.ts));
const topLevel = (one) => !one.thread_ts || one.thread_ts === one.ts || one.subtype === "thread_broadcast";

function Page() {
  const [user, setUser] = useState(asked.get("user"));
  const [theme, switchTheme] = useTheme();
  const [channel, setChannel] = useState(null);
  const { state, live } = useWorkspace(user, channel);
  const [thread, setThread] = useState(null);
  const [confirm, setConfirm] = useState(null);
  const [home, setHome] = useState(false);
  const [error, setError] = useState("");
  const me = state?.me;
  const here = state?.channel.id;
  const go = (id) => {
    setChannel(id);
    setThread(null);
    setHome(false);
  };
  const doAct = useCallback(async (what) => {
    setError("");
    try {
      await act(me, { channel: here, ...what });
    } catch (why) {
      setError(why.message);
    }
  }, [me, here]);
  const world = useMemo(() => state && worldOf(state, theme, doAct, setConfirm, setThread), [state, theme, doAct]);
  const everything = useMemo(() => state && inOrder([...state.messages, ...state.ephemeral, ...state.notices]), [state]);
  if (!state) return <p className="empty">{live ? "Connecting…" : "The demo is not running. Start it and reload."}</p>;
  const view = state.views.at(-1);
  const say = (text, thread_ts) => act(me, { do: "type", channel: here, text, thread_ts });
  const place = `${MARKS[state.channel.kind]}${state.channel.name}`;
  return (
    <div className={`page ${thread ? "with-thread" : ""}`}>
      <Top state={state} onUser={(one) => { setUser(one); go(null); }} theme={theme} onTheme={switchTheme} live={live} />
      <Story story={state.story} onOffer={(label) => doAct({ do: "offer", label })} />
      <main>
        <header className="channel-head">
          <h1>{MARKS[state.channel.kind]} {state.channel.name}</h1>
          <span className="members">{state.channel.members} members</span>
          {state.conversations.length > 1 && <Conversations all={state.conversations} here={here} onGo={go} />}
          <button
            type="button" className="quiet" aria-pressed={home}
            onClick={() => { setHome(!home); if (!home) doAct({ do: "home" }); }}
          >
            {home ? "Back to the channel" : "App home"}
          </button>
        </header>
        {error && <p className="error bar" role="alert">{error}</p>}
        {home ? (
          <Home view={state.home} world={world} />
        ) : (
          <>
            <Stream items={everything.filter(topLevel)} world={world} label={`Messages in ${place}`} />
            <Composer label={`Message ${place}, or /triage …`} onSend={(text) => say(text)} />
          </>
        )}
      </main>
      {thread && (
        <aside className="thread" aria-label="Thread">
          <header className="channel-head">
            <h2>Thread</h2>
            <button type="button" className="quiet" onClick={() => setThread(null)}>Close</button>
          </header>
          <Stream
            key={thread} items={everything.filter((one) => thread === one.ts || thread === one.thread_ts)} world={world}
            inThread label="Thread"
          />
          <Composer label="Reply, or @Triage …" thread onSend={(text) => say(text, thread)} />
        </aside>
      )}
      {view && !confirm && (
        <Modal
          key={view.id + view.hash} view={view} world={world}
          onAction={(block, element, value) => world.choose(element, viewClick(view, block, element, value))}
          onSubmit={(values) => doAct({ do: "submit", view_id: view.id, values })}
          onClose={() => doAct({ do: "close", view_id: view.id })}
        />
      )}
      {confirm && <Confirm confirm={confirm.confirm} world={world} onAnswer={confirm.answer} />}
    </div>
  );
}

const viewClick = (view, block, element, value) => ({
  do: "click_view", view_id: view.id, action_id: element.action_id, block_id: block.block_id, value,
});

// Channels, private ones and direct messages, told apart by a sign and by words for those who do not see it.
const MARKS = { channel: "#", private: "🔒", direct: "@" };
const KINDS = { channel: "channel", private: "private channel", direct: "direct messages" };

function Conversations({ all, here, onGo }) {
  return (
    <nav className="conversations" aria-label="Conversations">
      {all.map((one) => (
        <button
          key={one.id} type="button" className="quiet" aria-current={one.id === here ? "page" : undefined}
          aria-label={`${KINDS[one.kind]} ${one.name}`} onClick={() => onGo(one.id)}
        >
          {MARKS[one.kind]} {one.name}
        </button>
      ))}
    </nav>
  );
}

function Top({ state, onUser, theme, onTheme, live }) {
  return (
    <div className="top">
      <p className="stand-in">
        <b>Local stand-in for Slack.</b> Nothing leaves this machine.
        {!live && <span className="lost" role="status"> Connection lost, trying again…</span>}
      </p>
      <label>
        <span>You are</span>
        <select value={state.me} onChange={(event) => onUser(event.target.value)} aria-label="You are">
          {state.people.filter((one) => state.watchers.includes(one.id)).map((one) => (
            <option key={one.id} value={one.id}>{one.real_name}</option>
          ))}
        </select>
      </label>
      <button type="button" onClick={onTheme} aria-label={`Switch to ${theme === "dark" ? "light" : "dark"} colours`}>
        {theme === "dark" ? "☀" : "☾"}
      </button>
    </div>
  );
}

function Story({ story, onOffer }) {
  const [busy, setBusy] = useState(null);
  const take = async (label) => {
    setBusy(label);
    await onOffer(label);
    setBusy(null);
  };
  const list = useRef(null);
  useEffect(() => void list.current?.scrollTo(0, list.current.scrollHeight), [story.lines.length]);
  if (story.lines.length === 0 && story.offers.length === 0) return null;
  return (
    <aside className="story" aria-label="The story so far">
      <h2>The story so far</h2>
      <ol ref={list} tabIndex={0} aria-live="polite">
        {story.lines.map((line) => <li key={line.ts}>{line.text}</li>)}
      </ol>
      <div className="offers">
        {story.offers.length > 0 && <h3>What happens next?</h3>}
        {story.offers.map((label) => (
          <button key={label} type="button" className="button" disabled={busy !== null} onClick={() => take(label)}>
            {busy === label ? `${label}…` : label}
          </button>
        ))}
      </div>
    </aside>
  );
}

function Home({ view, world }) {
  if (!view) return <p className="empty">The app has published no home for you yet.</p>;
  const onAction = (block, element, value) => world.choose(element, viewClick(view, block, element, value));
  return <div className="stream home"><Blocks blocks={view.blocks} world={world} onAction={onAction} /></div>;
}

createRoot(document.getElementById("page")).render(<Page />);
