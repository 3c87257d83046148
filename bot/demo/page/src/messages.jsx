// The channel's messages, what only the reader sees, and the thread of one message.
import { useEffect, useLayoutEffect, useRef } from "react";
import { Blocks, Text } from "./blocks.jsx";
import { pictureOf } from "./server.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const at = (ts) => new Date(Number(ts) * 1000);

function Avatar({ person }) {
  const initials = person.real_name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  return <div className={`avatar ${person.is_bot ? "bot" : ""}`} aria-hidden="true">{person.is_bot ? "✓" : initials}</div>;
}

// What a message says, as Slack shows it: its blocks if it has any, else its text.
function Body({ message, world, onAction }) {
  if (message.blocks) return <Blocks blocks={message.blocks} world={world} onAction={onAction} />;
  return message.text ? <Text text={{ type: "mrkdwn", text: message.text }} world={world} /> : null;
}

// A shared file: a picture is shown with its alt text, and opens whole; of others the name is.
function Shared({ file }) {
  if (file.mimetype !== "image/png") return <p className="file">📄 {file.title} <small>{file.name}</small></p>;
  return (
    <figure className="picture">
      <figcaption>{file.title}</figcaption>
      <a href={pictureOf(file.id)} target="_blank" rel="noreferrer">
        <img src={pictureOf(file.id)} alt={file.alt_txt || file.title} loading="lazy" />
      </a>
    </figure>
  );
}

export function Row({ message, world, inThread }) {
  const person = world.people[message.user];
  const onAction = (block, element, value) =>
    world.choose(element, { do: "click", ts: message.ts, action_id: element.action_id, block_id: block.block_id, value });
  return (
    <article className={`message ${message.is_ephemeral ? "ephemeral" : ""}`} data-ts={message.ts}>
      <Avatar person={person} />
      <div className="content">
        {message.is_ephemeral && <p className="only-you">Only visible to you</p>}
        <p className="who">
          <b>{person.real_name}</b>
          {person.is_bot && <span className="badge">APP</span>}
          <time dateTime={at(message.ts).toISOString()} title={at(message.ts).toISOString()}>{TIME.format(at(message.ts))}</time>
        </p>
        <Body message={message} world={world} onAction={onAction} />
        {message.files?.map((file) => <Shared key={file.id} file={file} />)}
        {message.edited && <small className="edited">(edited)</small>}
        {message.reactions?.map((one) => <span key={one.name} className="reaction">:{one.name}: {one.count}</span>)}
        {!inThread && message.reply_count > 0 && (
          <button type="button" className="replies" onClick={() => world.openThread(message.ts)}>
            {message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`}
            <span>View thread</span>
          </button>
        )}
      </div>
      {!message.is_ephemeral && <Tools message={message} world={world} inThread={inThread} />}
    </article>
  );
}

function Tools({ message, world, inThread }) {
  return (
    <div className="tools" role="group" aria-label="Message actions">
      {!inThread && (
        <button type="button" onClick={() => world.openThread(message.ts)}>Reply in thread</button>
      )}
      {Object.entries(world.shortcuts).map(([id, label]) => (
        <button key={id} type="button" onClick={() => world.act({ do: "shortcut", ts: message.ts, callback_id: id })}>
          {label}
        </button>
      ))}
    </div>
  );
}

export function Notice({ notice }) {
  return (
    <article className="message notice" role="status">
      <div className="avatar slackbot" aria-hidden="true">!</div>
      <div className="content">
        <p className="only-you">Only visible to you</p>
        <p className="who"><b>Slackbot</b><time>{TIME.format(at(notice.ts))}</time></p>
        <p className="plain">{notice.text}</p>
      </div>
    </article>
  );
}

// A list that stays at its end while the reader is there, and stays put while they read further up.
export function Stream({ items, world, inThread, label }) {
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [items]);
  useEffect(() => {
    const list = box.current;
    const look = () => (atEnd.current = list.scrollHeight - list.scrollTop - list.clientHeight < 60);
    list.addEventListener("scroll", look, { passive: true });
    return () => list.removeEventListener("scroll", look);
  }, []);
  return (
    <div className="stream" ref={box} role="log" aria-label={label} tabIndex={0}>
      {items.length === 0 && <p className="empty">Nothing here yet. Type <code>/triage help</code> below.</p>}
      {items.map((item) =>
        item.type === "message" ? (
          <Row key={item.ts} message={item} world={world} inThread={inThread} />
        ) : (
          <Notice key={item.ts} notice={item} />
        ),
      )}
    </div>
  );
}
