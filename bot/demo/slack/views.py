"""``views.*`` and the upload of files: the Web API methods that keep something besides messages."""

from __future__ import annotations

import json
from typing import Any

from bot.demo.slack import blockkit, workspace
from bot.demo.slack.webapi import Method, needed, parent_of
from bot.demo.slack.workspace import Json, SlackError, Upload, Workspace, snapshot, with_ids

VIEW_BYTES = 250_000
STACKED_MODALS = 3
UPLOAD_BYTES = 50_000_000
ALT_CHARACTERS = 1000
PNG, PNG_MAGIC = "image/png", b"\x89PNG\r\n\x1a\n"


def checked_view(given: Any, kind: str) -> Json:
    """A view Slack would take. Raises ``invalid_arguments`` with Slack's sentences, or ``view_too_large``."""
    problems = blockkit.view_problems(given)
    if isinstance(given, dict) and given.get("type") != kind:
        problems.append(f"must be {kind} [json-pointer:/view/type]")
    if problems:
        raise SlackError(
            "invalid_arguments", response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]}
        )
    if len(json.dumps(given).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    return {**snapshot(given), "blocks": with_ids(given["blocks"])}


def keep_view(space: Workspace, view: Json, view_id: str | None = None) -> Json:
    """Give a view its identity and hash, and keep it."""
    kept: Json = {
        "id": view_id or space.new_id("V"),
        "team_id": workspace.TEAM_ID,
        "app_id": workspace.APP_ID,
        "bot_id": workspace.BOT_ID,
        "app_installed_team_id": workspace.TEAM_ID,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        "previous_view_id": None,
        "hash": f"{space.next_ts()}.{space.new_id('')}",
        **view,
    }
    kept["root_view_id"] = view.get("root_view_id", kept["id"])
    space.views[kept["id"]] = kept
    space.touch()
    return kept


def open_view(space: Workspace, args: Json) -> Json:
    view = checked_view(args.get("view"), "modal")
    user = space.exchange_trigger(needed(args, "trigger_id"))
    kept = keep_view(space, view)
    space.modals[user] = [kept["id"]]
    return {"view": snapshot(kept)}


def push_view(space: Workspace, args: Json) -> Json:
    view = checked_view(args.get("view"), "modal")
    user = space.exchange_trigger(needed(args, "trigger_id"))
    return {"view": snapshot(push(space, user, view))}


def push(space: Workspace, user: str, view: Json) -> Json:
    """Put a view on top of a person's open ones. Raises ``push_limit_reached``."""
    stack = space.modals.setdefault(user, [])
    if len(stack) >= STACKED_MODALS:
        raise SlackError("push_limit_reached")
    kept = keep_view(space, view)
    if stack:
        kept |= {"previous_view_id": stack[-1], "root_view_id": stack[0]}
    stack.append(kept["id"])
    return kept


def update_view(space: Workspace, args: Json) -> Json:
    found = _find(space, args)
    view = checked_view(args.get("view"), found["type"])
    if args.get("hash") and args["hash"] != found["hash"]:
        raise SlackError("hash_conflict")
    return {"view": snapshot(keep_view(space, view | {"root_view_id": found["root_view_id"]}, found["id"]))}


def _find(space: Workspace, args: Json) -> Json:
    """The view named by ``view_id`` or ``external_id``. Raises ``not_found``."""
    view_id, external_id = args.get("view_id"), args.get("external_id")
    for view in space.views.values():
        if view["id"] == view_id or (external_id and view["external_id"] == external_id):
            return view
    raise SlackError("not_found")


def publish_view(space: Workspace, args: Json) -> Json:
    user = needed(args, "user_id")
    space.person(user)
    view = checked_view(args.get("view"), "home")
    before = space.homes.get(user)
    if before is not None and args.get("hash") and args["hash"] != before["hash"]:
        raise SlackError("hash_conflict")
    kept = keep_view(space, view, before["id"] if before else None)
    space.homes[user] = kept
    return {"view": snapshot(kept)}


# ---------------------------------------------------------------------------------------------- files


def upload_url(space: Workspace, args: Json) -> Json:
    try:
        length = int(args.get("length") or 0)
    except (TypeError, ValueError):
        length = 0
    if not 1 <= length <= UPLOAD_BYTES:
        raise SlackError("invalid_arguments")
    alt = str(args.get("alt_txt") or "")
    if len(alt) > ALT_CHARACTERS:
        raise SlackError("invalid_arguments")
    upload = Upload(space.new_id("F"), needed(args, "filename"), length, alt=alt)
    space.uploads[upload.id] = upload
    return {"upload_url": f"{args['origin']}/upload/v1/{upload.id}", "file_id": upload.id}


def complete_upload(space: Workspace, args: Json) -> Json:
    files = args.get("files")
    if not isinstance(files, list) or not files:
        raise SlackError("invalid_arguments")
    kept = [_uploaded(space, file) for file in files]
    for channel_id in [name for name in str(args.get("channel_id") or args.get("channels") or "").split(",") if name]:
        body = {"text": args.get("initial_comment") or "", "files": kept, "subtype": "file_share"}
        channel, thread_ts = space.joined(channel_id), args.get("thread_ts") or None
        if thread_ts is not None:
            thread_ts = parent_of(space, channel, thread_ts)["ts"]
        space.add_message(channel, workspace.BOT_USER, body, thread_ts)
    return {"files": kept}


def _uploaded(space: Workspace, file: Any) -> Json:
    upload = space.uploads.get(str(file.get("id"))) if isinstance(file, dict) else None
    if upload is None or upload.content is None:
        raise SlackError("file_not_found")
    return {
        "id": upload.id,
        "name": upload.name,
        "title": file.get("title") or upload.name,
        "size": upload.length,
        "mimetype": PNG if upload.content.startswith(PNG_MAGIC) else "application/octet-stream",
        "alt_txt": upload.alt,
    }


METHODS: dict[str, Method] = {
    "files.completeUploadExternal": Method(complete_upload, "files:write"),
    "files.getUploadURLExternal": Method(upload_url, "files:write"),
    "views.open": Method(open_view),
    "views.publish": Method(publish_view),
    "views.push": Method(push_view),
    "views.update": Method(update_view),
}
