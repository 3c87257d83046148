// Where a person types: a message, or a slash command. Enter sends, Shift+Enter breaks the line, ↑ brings back the last.
import { useRef, useState } from "react";

const COMMANDS = ["help", "key AKIA…", "user NAME", "role NAME", "ip ADDRESS", "agent TEXT", "event NAME", "case", "snooze", "undo", "whoami"];

export function Composer({ label, onSend, thread }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const last = useRef("");
  const send = async () => {
    const said = text.trim();
    if (!said) return;
    last.current = said;
    setText("");
    setError("");
    try {
      await onSend(said);
    } catch (why) {
      setError(why.message);
    }
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !text && last.current) {
      setText(last.current);
    }
  };
  return (
    <div className="composer">
      {error && <p className="error" role="alert">{error}</p>}
      {text.startsWith("/") && !thread && <Hint onPick={(command) => setText(command)} />}
      <div className="composer-box">
        <textarea
          aria-label={label} placeholder={label} rows={1} value={text} onKeyDown={onKeyDown}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="button" className="button primary filled" disabled={!text.trim()} onClick={send}>Send</button>
      </div>
    </div>
  );
}

function Hint({ onPick }) {
  return (
    <div className="hint-row" aria-label="Commands">
      {COMMANDS.map((command) => {
        const [name, ...rest] = command.split(" ");
        return (
          <button key={name} type="button" onClick={() => onPick(`/triage ${name}${rest.length ? " " : ""}`)}>
            /triage <b>{name}</b> {rest.join(" ")}
          </button>
        );
      })}
    </div>
  );
}
