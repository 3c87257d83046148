// Block Kit. The library draws rich text (mrkdwn is turned into it), tables and markdown; what holds plain text is drawn
// here, because the library reads plain text as mrkdwn and would make links of what an attacker wrote.
import { useState } from "react";
import { Message } from "slack-blocks-to-jsx";
import { richText } from "./mrkdwn.js";

const EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";

// Only addresses a person can judge become links, and they open outside the page.
const LINK = ({ href, children }) =>
  /^(https?:|mailto:)/i.test(href) ? (
    <a href={href} target="_blank" rel="noopener noreferrer">{children}</a>
  ) : (
    <span>{children}</span>
  );

function Drawn({ block, world }) {
  return (
    <Message
      blocks={[block]} logo={EMPTY} name="" withoutWrapper unstyled theme={world.theme} data={world.names}
      hooks={{ link: LINK }}
    />
  );
}

export function Text({ text, world }) {
  if (text.type === "plain_text") return <span className="plain">{text.text}</span>;
  return <Drawn block={richText(text.text)} world={world} />;
}

export function Blocks({ blocks, world, onAction, inputs }) {
  return (
    <div className="blocks">
      {blocks.map((block) => (
        <Block key={block.block_id} block={block} world={world} onAction={onAction} inputs={inputs} />
      ))}
    </div>
  );
}

function Block({ block, world, onAction, inputs }) {
  const acts = { block, world, onAction };
  switch (block.type) {
    case "header":
      return <h3 className="header">{block.text.text}</h3>;
    case "divider":
      return <hr />;
    case "section":
      return <Section {...acts} />;
    case "context":
      return <Context {...acts} />;
    case "actions":
      return (
        <div className="actions slack_blocks_to_jsx__actions" data-block-id={block.block_id}>
          {block.elements.map((element) => <Element key={element.action_id} element={element} {...acts} />)}
        </div>
      );
    case "input":
      return inputs ? <Input block={block} inputs={inputs} world={world} /> : null;
    default:
      return <div className={`drawn ${block.type}`}><Drawn block={block} world={world} /></div>;
  }
}

function Section({ block, world, onAction }) {
  return (
    <div className="section" data-block-id={block.block_id}>
      <div className="section-body">
        {block.text && <div><Text text={block.text} world={world} /></div>}
        {block.fields && (
          <div className="fields">
            {block.fields.map((field, index) => <div key={index}><Text text={field} world={world} /></div>)}
          </div>
        )}
      </div>
      {block.accessory && <Element element={block.accessory} block={block} world={world} onAction={onAction} />}
    </div>
  );
}

function Context({ block, world }) {
  return (
    <div className="context">
      {block.elements.map((element, index) =>
        element.type === "image" ? (
          <img key={index} src={element.image_url} alt={element.alt_text} />
        ) : (
          <div key={index}><Text text={element} world={world} /></div>
        ),
      )}
    </div>
  );
}

function Element({ element, block, onAction }) {
  const [busy, setBusy] = useState(false);
  const choose = async (value) => {
    setBusy(true);
    try {
      await onAction(block, element, value);
    } finally {
      setBusy(false);
    }
  };
  if (element.type === "button") return <Button element={element} busy={busy} onClick={() => choose()} />;
  if (element.type === "image") return <img className="accessory" src={element.image_url} alt={element.alt_text} />;
  const label = element.placeholder?.text ?? (element.type === "overflow" ? "More actions" : "Choose");
  return (
    <select
      className={element.type} data-action-id={element.action_id} aria-label={label} disabled={busy}
      value={element.type === "overflow" ? "" : (element.initial_option?.value ?? "")}
      onChange={(event) => choose(event.target.value)}
    >
      <option value="" disabled>{element.type === "overflow" ? "⋯" : label}</option>
      <Options element={element} />
    </select>
  );
}

function Button({ element, busy, onClick }) {
  return (
    <button
      type="button" className={`button slack_blocks_to_jsx__button_element ${element.style ?? ""}`} disabled={busy}
      data-action-id={element.action_id} aria-label={element.accessibility_label} onClick={onClick}
    >
      {element.text.text}
    </button>
  );
}

function Options({ element }) {
  const one = (option) => <option key={option.value} value={option.value}>{option.text.text}</option>;
  if (!element.option_groups) return (element.options ?? []).map(one);
  return element.option_groups.map((group, index) => (
    <optgroup key={index} label={group.label.text}>{group.options.map(one)}</optgroup>
  ));
}

// ------------------------------------------------------------------------------------------------ inputs

function Input({ block, inputs, world }) {
  const { element } = block;
  const error = inputs.errors?.[block.block_id];
  const id = `input-${block.block_id}`;
  return (
    <div className="input">
      <label htmlFor={id}>
        {block.label.text}
        {block.optional && <span className="optional"> (optional)</span>}
      </label>
      <Field id={id} element={element} inputs={inputs} error={error} world={world} optional={block.optional} />
      {block.hint && <p className="hint">{block.hint.text}</p>}
      {error && <p className="error" id={`${id}-error`} role="alert">{error}</p>}
    </div>
  );
}

function Field({ id, element, inputs, error, world, optional }) {
  const common = {
    id, name: element.action_id, required: !optional, "aria-invalid": Boolean(error),
    "aria-describedby": error ? `${id}-error` : undefined,
  };
  const placeholder = element.placeholder?.text;
  if (element.type === "radio_buttons" || element.type === "checkboxes") {
    return <Choices id={id} element={element} />;
  }
  if (element.type === "multi_users_select") {
    return (
      <select {...common} multiple size={5} defaultValue={element.initial_users ?? []}>
        {world.names.users.map((user) => <option key={user.id} value={user.id}>{user.name}</option>)}
      </select>
    );
  }
  if (element.type === "users_select") {
    return (
      <select {...common} defaultValue={element.initial_user ?? ""}>
        <option value="" disabled>{placeholder ?? "Choose a person"}</option>
        {world.names.users.map((user) => <option key={user.id} value={user.id}>{user.name}</option>)}
      </select>
    );
  }
  if (element.type.endsWith("select")) {
    return (
      <select {...common} defaultValue={element.initial_option?.value ?? ""}>
        <option value="" disabled>{placeholder ?? "Choose"}</option>
        <Options element={element} />
      </select>
    );
  }
  const Tag = element.multiline ? "textarea" : "input";
  const limits = { maxLength: element.max_length, minLength: element.min_length };
  return <Tag {...common} {...limits} placeholder={placeholder} defaultValue={element.initial_value ?? ""} rows={element.multiline ? 4 : undefined} />;
}

function Choices({ id, element }) {
  const many = element.type === "checkboxes";
  const chosen = many ? (element.initial_options ?? []) : [element.initial_option].filter(Boolean);
  return (
    <div id={id} role={many ? "group" : "radiogroup"} className="choices">
      {element.options.map((option) => (
        <label key={option.value}>
          <input
            type={many ? "checkbox" : "radio"} name={element.action_id} value={option.value}
            defaultChecked={chosen.some((one) => one.value === option.value)}
          />
          <span>{option.text.text}</span>
        </label>
      ))}
    </div>
  );
}

const MANY = new Set(["checkboxes", "multi_users_select"]);

// What stands in the inputs of a form, by action_id; checkboxes and choices of several people give a list.
export function valuesOf(form, blocks) {
  const data = new FormData(form);
  const values = {};
  for (const { type, element } of blocks) {
    if (type !== "input") continue;
    values[element.action_id] =
      MANY.has(element.type) ? data.getAll(element.action_id) : (data.get(element.action_id) ?? "");
  }
  return values;
}
