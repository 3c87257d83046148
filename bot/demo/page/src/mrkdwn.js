// Slack's mrkdwn as rich_text elements. The library has a reader of its own, but it undoes the escapes before it looks
// for markup: text an app escaped rightly would show as links and mentions it never was. Here they are undone last.

const INLINE = new RegExp(
  [
    "<(?<angle>[^<>\\n]+)>",
    "`(?<code>[^`\\n]+)`",
    "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
    ":(?<emoji>[a-z][a-z0-9_+-]*):",
    "(?<bare>https?://[^\\s<>|*]+[^\\s<>|*.,;:!?)\\]}'\"])",
  ].join("|"),
  "g",
);

const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function textElement(text, style) {
  return { type: "text", text: plain(text), ...(Object.keys(style).length && { style }) };
}

function angle(inside, style) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return { type: "user", user_id: target.slice(1) };
  if (target.startsWith("#")) return { type: "channel", channel_id: target.slice(1) };
  if (target.startsWith("!subteam^")) return { type: "usergroup", usergroup_id: target.slice(9) };
  if (/^!(here|channel|everyone)$/.test(target)) return { type: "broadcast", range: target.slice(1) };
  const date = /^!date\^(\d+)\^([^^]+)/.exec(target);
  if (date) return { type: "date", timestamp: Number(date[1]), format: plain(date[2]), fallback: plain(label ?? "") };
  if (target.startsWith("!")) return textElement(label ?? target, style);
  if (/^(https?:|mailto:)/i.test(target)) return { type: "link", url: plain(target), text: plain(label ?? target), style };
  return textElement(`<${inside}>`, style);
}

function inline(text, style = {}) {
  const elements = [];
  let from = 0;
  const say = (until) => until > from && elements.push(textElement(text.slice(from, until), style));
  for (const match of text.matchAll(INLINE)) {
    say(match.index);
    from = match.index + match[0].length;
    const found = match.groups;
    if (found.angle) elements.push(angle(found.angle, style));
    else if (found.code) elements.push(textElement(found.code, { ...style, code: true }));
    else if (found.emoji) elements.push({ type: "emoji", name: found.emoji });
    else if (found.bare) elements.push({ type: "link", url: plain(found.bare), text: plain(found.bare), style });
    else {
      const kind = ["bold", "italic", "strike"].find((name) => found[name]);
      elements.push(...inline(found[kind], { ...style, [kind]: true }));
    }
  }
  say(text.length);
  return elements;
}

// Runs of lines that are quoted, and runs that are not.
function paragraphs(text) {
  const runs = [];
  for (const line of text.split("\n")) {
    const quoted = /^(&gt;|>) ?/.test(line);
    if (runs.at(-1)?.quoted !== quoted) runs.push({ quoted, lines: [] });
    runs.at(-1).lines.push(quoted ? line.replace(/^(&gt;|>) ?/, "") : line);
  }
  return runs.map(({ quoted, lines }) => ({
    type: quoted ? "rich_text_quote" : "rich_text_section",
    elements: inline(lines.join("\n")),
  }));
}

export function richText(mrkdwn) {
  const elements = mrkdwn.split(/```\n?([\s\S]+?)\n?```\n?/).flatMap((part, index) => {
    if (index % 2) return [{ type: "rich_text_preformatted", elements: [textElement(part, {})] }];
    return part ? paragraphs(part) : [];
  });
  return { type: "rich_text", elements };
}
