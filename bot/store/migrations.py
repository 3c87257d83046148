"""Every schema the state file ever had, in order. Add a migration; never edit one that was released."""

from __future__ import annotations

from sqlite_utils.migrations import Migrations

from bot.database import Database

migrations = Migrations("triage-state")


@migrations()
def m001_durable_line(db: Database) -> None:
    """Inbox, jobs with leases, outbox and the messages it keeps in place."""
    db.table("deliveries").create(
        {"id": str, "source": str, "fingerprint": str, "received_at": str, "payload": str, "state": str},
        pk="id",
        not_null={"source", "fingerprint", "received_at", "payload", "state"},
    )
    db.table("deliveries").create_index(["source", "fingerprint"], unique=True)
    db.table("jobs").create(
        {
            "id": int,
            "kind": str,
            "pool": str,
            "payload": str,
            "once": str,
            "state": str,
            "attempts": int,
            "due_at": float,
            "leased_until": float,
            "lease": str,
            "error": str,
            "created_at": str,
            "finished_at": str,
        },
        pk="id",
        not_null={"kind", "pool", "payload", "state", "attempts", "due_at", "created_at"},
    )
    db.execute("CREATE UNIQUE INDEX jobs_once ON jobs(once) WHERE once IS NOT NULL")
    db.execute("CREATE INDEX jobs_due ON jobs(pool, due_at) WHERE state IN ('ready', 'leased')")
    db.execute("CREATE INDEX jobs_waiting ON jobs(kind, payload) WHERE state = 'ready'")
    db.table("outbox").create(
        {
            "id": int,
            "kind": str,
            "lane": str,
            "slot": str,
            "payload": str,
            "state": str,
            "attempts": int,
            "due_at": float,
            "leased_until": float,
            "error": str,
            "created_at": str,
            "sent_at": str,
        },
        pk="id",
        not_null={"kind", "lane", "payload", "state", "attempts", "due_at", "created_at"},
    )
    db.execute("CREATE INDEX outbox_slot ON outbox(slot, id)")
    db.execute("CREATE INDEX outbox_waiting ON outbox(lane, id) WHERE state IN ('ready', 'sending')")
    db.table("messages").create({"slot": str, "channel": str, "ts": str}, pk="slot", not_null={"channel", "ts"})


@migrations()
def m002_cases(db: Database) -> None:
    """Cases, and the alerts that opened or joined them."""
    db.table("cases").create(
        {
            "id": int,
            "environment": str,
            "subject_kind": str,
            "subject_value": str,
            "title": str,
            "channel": str,
            "state": str,
            "opened_at": str,
            "since": str,
            "recent_since": str,
            "until": str,
            "verdict": str,
            "score": int,
            "triage": str,
        },
        pk="id",
        not_null={
            "environment",
            "title",
            "channel",
            "subject_kind",
            "subject_value",
            "state",
            "opened_at",
            "recent_since",
            "until",
        },
    )
    db.execute("CREATE UNIQUE INDEX cases_open ON cases(environment, subject_kind, subject_value) WHERE state = 'open'")
    db.table("case_alerts").create(
        {"case_id": int, "alert_id": str, "delivery": str, "at": str, "alert": str},
        pk=("case_id", "alert_id"),
        foreign_keys=[("case_id", "cases", "id")],
        not_null={"at", "alert"},
    )


@migrations()
def m003_audit(db: Database) -> None:
    """The append-only record, and how many entries it should have."""
    db.executescript(
        """
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            operation TEXT NOT NULL, target TEXT NOT NULL, reason TEXT NOT NULL, before TEXT NOT NULL,
            after TEXT NOT NULL, result TEXT NOT NULL, previous TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE
        );
        CREATE TABLE audit_head (entries INTEGER NOT NULL, hash TEXT NOT NULL);
        CREATE TRIGGER audit_keeps_entries BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
        CREATE TRIGGER audit_keeps_all_entries BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
        CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head WHEN NEW.entries <> OLD.entries + 1
            BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
        CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
            BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
        """
    )
    db.execute("INSERT INTO audit_head (entries, hash) VALUES (0, ?)", ["0" * 64])


@migrations()
def m004_changes(db: Database) -> None:
    """Plans, their executions (one a plan, at most) and the way back of each."""
    db.executescript(
        """
        CREATE TABLE plans (
            id TEXT PRIMARY KEY, remediation TEXT NOT NULL, target TEXT NOT NULL, account TEXT NOT NULL,
            case_id INTEGER, undo_of TEXT, title TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
            digest TEXT NOT NULL, warnings TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            created_at TEXT NOT NULL, expires_at TEXT NOT NULL
        );
        CREATE TABLE executions (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL UNIQUE REFERENCES plans(id),
            case_id INTEGER, remediation TEXT NOT NULL, target TEXT NOT NULL, undo_of TEXT, state TEXT NOT NULL,
            actor TEXT NOT NULL, actor_name TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
            sentence TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, leased_until REAL
        );
        CREATE INDEX executions_case ON executions(case_id);
        CREATE UNIQUE INDEX executions_one_at_a_time ON executions(remediation, target)
            WHERE state IN ('approved', 'started');
        CREATE TABLE undo_records (
            execution TEXT PRIMARY KEY REFERENCES executions(id), account TEXT NOT NULL, before TEXT NOT NULL,
            after TEXT NOT NULL, at TEXT NOT NULL
        );
        """
    )


@migrations()
def m005_rulings(db: Database) -> None:
    """What analysts decided about keys of a case's scope; the newest for a key counts."""
    db.executescript(
        """
        CREATE TABLE rulings (
            seq INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), key TEXT NOT NULL,
            belongs INTEGER NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            at TEXT NOT NULL
        );
        CREATE INDEX rulings_case ON rulings(case_id);
        """
    )


@migrations()
def m006_whom_changes_are_about(db: Database) -> None:
    """Of a plan: the principal it is about, what in AWS it writes together with others, whose calls it stops."""
    db.execute("ALTER TABLE plans ADD COLUMN principal TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE plans ADD COLUMN shares TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE plans ADD COLUMN stops TEXT NOT NULL DEFAULT ''")


@migrations()
def m007_approvals(db: Database) -> None:
    """Who approved a plan, each person once, and how many must."""
    db.executescript(
        """
        CREATE TABLE approvals (
            plan TEXT NOT NULL REFERENCES plans(id), person TEXT NOT NULL, actor TEXT NOT NULL,
            actor_name TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL, breaks_glass INTEGER NOT NULL,
            PRIMARY KEY (plan, person)
        );
        ALTER TABLE plans ADD COLUMN approvers INTEGER NOT NULL DEFAULT 1;
        """
    )


@migrations()
def m008_closings(db: Database) -> None:
    """What analysts said a case was, with what the bot said then; and keys they saw in public."""
    db.executescript(
        """
        CREATE TABLE closings (
            seq INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), conclusion TEXT NOT NULL,
            duplicate_of INTEGER, reason TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            at TEXT NOT NULL, verdict TEXT, score INTEGER, signals TEXT NOT NULL
        );
        CREATE INDEX closings_case ON closings(case_id);
        ALTER TABLE cases ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE leaks (
            seq INTEGER PRIMARY KEY, key TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL,
            actor TEXT NOT NULL, actor_name TEXT NOT NULL, at TEXT NOT NULL
        );
        """
    )


@migrations()
def m009_usual_corrections(db: Database) -> None:
    """What analysts said is usual in an environment, or not; the newest word on a thing counts."""
    db.execute(
        """
        CREATE TABLE usual_corrections (
            seq INTEGER PRIMARY KEY, environment TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
            usual INTEGER NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            at TEXT NOT NULL
        )
        """
    )


@migrations()
def m010_arming(db: Database) -> None:
    """Who said that an environment may be changed, and when its acting role was checked."""
    db.executescript(
        """
        CREATE TABLE armings (
            environment TEXT NOT NULL, person TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            reason TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (environment, person)
        );
        CREATE TABLE act_checks (environment TEXT PRIMARY KEY, at TEXT NOT NULL, passed INTEGER NOT NULL);
        ALTER TABLE plans ADD COLUMN rehearsal INTEGER NOT NULL DEFAULT 0;
        """
    )


@migrations()
def m011_anchors(db: Database) -> None:
    """The head of the audit record that the thread of a case shows."""
    db.execute(
        "CREATE TABLE anchors (case_id INTEGER PRIMARY KEY REFERENCES cases(id), entry INTEGER NOT NULL,"
        " hash TEXT NOT NULL, at TEXT NOT NULL)"
    )


@migrations()
def m012_owners(db: Database) -> None:
    """Who took a case."""
    db.executescript(
        """
        ALTER TABLE cases ADD COLUMN owner TEXT;
        ALTER TABLE cases ADD COLUMN owner_name TEXT;
        ALTER TABLE cases ADD COLUMN taken_at TEXT;
        """
    )


@migrations()
def m013_containments(db: Database) -> None:
    """Many plans previewed and approved as one, each row with its own way and its own end."""
    db.executescript(
        """
        CREATE TABLE containments (
            id TEXT PRIMARY KEY, case_id INTEGER, undo_of TEXT REFERENCES containments(id), actor TEXT NOT NULL,
            actor_name TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL
        );
        CREATE TABLE containment_rows (
            containment TEXT NOT NULL REFERENCES containments(id), position INTEGER NOT NULL, step TEXT NOT NULL,
            remediation TEXT NOT NULL, target TEXT NOT NULL, plan TEXT REFERENCES plans(id), refusal TEXT,
            commands TEXT NOT NULL DEFAULT '[]', settled INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (containment, position)
        );
        """
    )


@migrations()
def m014_threads(db: Database) -> None:
    """Under which message a case's card stands, where it was asked for in a thread."""
    db.execute("ALTER TABLE cases ADD COLUMN thread TEXT NOT NULL DEFAULT ''")


@migrations()
def m015_evidence(db: Database) -> None:
    """What is kept of each case in the folder of evidence, and what could not be had."""
    db.execute(
        """
        CREATE TABLE evidence (
            case_id INTEGER NOT NULL REFERENCES cases(id), name TEXT NOT NULL, about TEXT NOT NULL,
            sha256 TEXT NOT NULL, size INTEGER NOT NULL, gap TEXT NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (case_id, name)
        )
        """
    )


@migrations()
def m016_tasks(db: Database) -> None:
    """Steps that failed: what was tried, why it did not work, what a person does, and who does it."""
    db.executescript(
        """
        CREATE TABLE tasks (
            id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL, step TEXT NOT NULL, target TEXT NOT NULL,
            title TEXT NOT NULL, why TEXT NOT NULL, commands TEXT NOT NULL, opened_at TEXT NOT NULL,
            taken_by TEXT, taken_by_name TEXT, done_by TEXT, done_by_name TEXT, done_at TEXT, outcome TEXT
        );
        CREATE UNIQUE INDEX tasks_open ON tasks(case_id, step, target) WHERE done_at IS NULL;
        """
    )


@migrations()
def m017_handovers_and_incidents(db: Database) -> None:
    """Who gave a case to whom, and which cases a person declared real."""
    db.executescript(
        """
        CREATE TABLE handovers (
            seq INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), by_id TEXT NOT NULL,
            by_name TEXT NOT NULL, to_id TEXT NOT NULL, to_name TEXT NOT NULL, note TEXT NOT NULL,
            next_check TEXT, at TEXT NOT NULL
        );
        CREATE INDEX handovers_case ON handovers(case_id);
        CREATE TABLE incidents (
            case_id INTEGER PRIMARY KEY REFERENCES cases(id), actor TEXT NOT NULL, actor_name TEXT NOT NULL,
            reason TEXT NOT NULL, at TEXT NOT NULL, room TEXT NOT NULL DEFAULT ''
        );
        """
    )


@migrations()
def m018_storms(db: Database) -> None:
    """What is more urgent, what stands under what, when a message was last changed, which cases have no card yet."""
    db.executescript(
        """
        ALTER TABLE jobs ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE outbox ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE outbox ADD COLUMN parent TEXT;
        UPDATE outbox SET parent = json_extract(payload, '$.under') WHERE state IN ('ready', 'sending');
        CREATE INDEX outbox_urgent ON outbox(lane, urgency DESC, id) WHERE state = 'ready' AND kind <> 'reply';
        CREATE INDEX outbox_tried ON outbox(lane, id) WHERE state = 'sending' OR state = 'ready' AND attempts > 0;
        ALTER TABLE messages ADD COLUMN shown_at REAL NOT NULL DEFAULT 0;
        CREATE TABLE folded (
            case_id INTEGER NOT NULL REFERENCES cases(id), reopened INTEGER NOT NULL, channel TEXT NOT NULL,
            digest TEXT NOT NULL, at TEXT NOT NULL, urgency INTEGER NOT NULL, carded INTEGER NOT NULL,
            PRIMARY KEY (case_id, reopened)
        );
        CREATE INDEX folded_digest ON folded(digest, urgency DESC, case_id);
        CREATE INDEX folded_newest ON folded(channel, at);
        """
    )


@migrations()
def m019_pages(db: Database) -> None:
    """About which cases a paging service was told, and whether it was told that it is over."""
    db.execute(
        "CREATE TABLE pages (case_id INTEGER NOT NULL REFERENCES cases(id), reopened INTEGER NOT NULL,"
        " resolved INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (case_id, reopened))"
    )


@migrations()
def m020_lanes_and_links(db: Database) -> None:
    """Jobs of which one is done at a time; what the alerts of cases name, and which cases tell of one another."""
    db.executescript(
        """
        ALTER TABLE jobs ADD COLUMN lane TEXT;
        CREATE INDEX jobs_held ON jobs(lane) WHERE state = 'leased';
        CREATE TABLE mentions (
            case_id INTEGER NOT NULL REFERENCES cases(id), kind TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (case_id, kind, value)
        );
        CREATE INDEX mentions_value ON mentions(kind, value);
        INSERT OR IGNORE INTO mentions (case_id, kind, value)
            SELECT a.case_id, json_extract(o.value, '$.kind'), json_extract(o.value, '$.value')
            FROM case_alerts a, json_each(a.alert, '$.observables') o
            WHERE json_extract(o.value, '$.kind') IN ('access_key', 'principal', 'ip');
        CREATE TABLE links (
            case_id INTEGER NOT NULL REFERENCES cases(id), other_id INTEGER NOT NULL REFERENCES cases(id),
            why TEXT NOT NULL, PRIMARY KEY (case_id, other_id)
        );
        """
    )


@migrations()
def m021_snoozes(db: Database) -> None:
    """What is kept silent until when, the alerts that came meanwhile, and which cases are told in the digest alone."""
    db.executescript(
        """
        CREATE TABLE snoozes (
            id INTEGER PRIMARY KEY, environment TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
            reason TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL, at TEXT NOT NULL, until TEXT NOT NULL,
            lifted_at TEXT, lifted_by TEXT, lifted_by_name TEXT
        );
        ALTER TABLE case_alerts ADD COLUMN snooze INTEGER;
        ALTER TABLE case_alerts ADD COLUMN covered INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE case_alerts ADD COLUMN snoozed_at TEXT;
        CREATE INDEX case_alerts_snooze ON case_alerts(snooze) WHERE snooze IS NOT NULL;
        CREATE INDEX case_alerts_at ON case_alerts(at);
        ALTER TABLE cases ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE cases ADD COLUMN created_at TEXT;
        """
    )


@migrations()
def m022_owner_questions(db: Database) -> None:
    """“Was this you?”: who was asked about which case, until when, and what they said."""
    db.execute(
        """
        CREATE TABLE owner_questions (
            id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), person TEXT NOT NULL,
            why TEXT NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL, at TEXT NOT NULL, until TEXT NOT NULL,
            said TEXT, said_at TEXT
        )
        """
    )


@migrations()
def m023_turns(db: Database) -> None:
    """Whose turn it is in the outbox, found at once, however many wait to be answered."""
    db.executescript(
        """
        CREATE INDEX outbox_personal ON outbox(due_at, id)
            WHERE state IN ('ready', 'sending') AND kind IN ('respond', 'view', 'home');
        CREATE INDEX outbox_channels ON outbox(lane)
            WHERE state IN ('ready', 'sending') AND kind IN ('message', 'reply');
        """
    )


@migrations()
def m024_lanes_of_files(db: Database) -> None:
    """Where files wait: they have lanes of their own."""
    db.execute("CREATE INDEX outbox_files ON outbox(lane) WHERE state IN ('ready', 'sending') AND kind = 'file'")


@migrations()
def m025_stories(db: Database) -> None:
    """How far each story that the detections told goes, so that what is left of it tomorrow is no new one."""
    db.execute("CREATE TABLE stories (id TEXT PRIMARY KEY, until TEXT NOT NULL)")
