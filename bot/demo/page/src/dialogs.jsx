// Slack's confirmation dialog and its modals, on the browser's own <dialog>: it keeps the focus and closes on Escape.
import { useEffect, useRef, useState } from "react";
import { Blocks, Text, valuesOf } from "./blocks.jsx";

function Dialog({ onCancel, children, label }) {
  const box = useRef(null);
  useEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onCancel();
  };
  return <dialog ref={box} onCancel={cancel} aria-label={label}>{children}</dialog>;
}

export function Confirm({ confirm, world, onAnswer }) {
  return (
    <Dialog onCancel={() => onAnswer(false)} label={confirm.title.text}>
      <h2>{confirm.title.text}</h2>
      <div className="dialog-body"><Text text={confirm.text} world={world} /></div>
      <footer>
        <button type="button" className="button" autoFocus onClick={() => onAnswer(false)}>{confirm.deny.text}</button>
        <button type="button" className={`button ${confirm.style ?? "primary"} filled`} onClick={() => onAnswer(true)}>
          {confirm.confirm.text}
        </button>
      </footer>
    </Dialog>
  );
}

export function Modal({ view, world, onAction, onSubmit, onClose }) {
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onSubmit(valuesOf(event.target, view.blocks));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog onCancel={onClose} label={view.title.text}>
      <form onSubmit={submit} noValidate>
        <h2>{view.title.text}</h2>
        <div className="dialog-body">
          <Blocks blocks={view.blocks} world={world} onAction={onAction} inputs={{ errors: view.errors }} />
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>{view.close?.text ?? "Cancel"}</button>
          {view.submit && (
            <button type="submit" className="button primary filled" disabled={busy}>{view.submit.text}</button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}
