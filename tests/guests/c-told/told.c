// A connector that has all that the SDK in C offers. It is told: a delivery names tickets under `about`, and says under
// `asks` what somebody asks for. It sets the state of a ticket, and takes that back. And it has bugs: a ticket that is
// named after one shows what becomes of it.

#include "countersign.h"

// Most that the bug `memory` takes at once, in bytes.
#define BITE_BYTES 4096

static const cs_text ticket = {"ticket", sizeof "ticket" - 1};

// ---- Tickets ----

// A ticket, as the target tells it.
typedef struct held {
  cs_snapshot now;
  // By which effect its state came to be.
  cs_text by;
} held;

static cs_text path_of(cs_call *call, cs_text id) { return cs_path(call, CS("tickets"), id); }

static cs_snapshot snapshot_of(cs_call *call, cs_text id, const cs_json *body) {
  return (cs_snapshot){
      .subject = {ticket, id},
      .revision = cs_digits(call, cs_must_integer(cs_member(body, "version"))),
      .url = cs_join(call, CS("https://tickets.example"), path_of(call, id)),
      .fields = CS_FIELDS(call, cs_named("state", cs_value_text(cs_must_text(cs_member(body, "state")))),
                          cs_named("price", cs_value_money(cs_may_decimal(cs_member(body, "price")), CS("EUR")))),
  };
}

static held held_of(cs_call *call, cs_text id, const cs_answer *answer) {
  const cs_json *body = cs_answer_json(call, answer);
  return (held){snapshot_of(call, id, body), cs_may_text(cs_member(body, "by"))};
}

static held read(cs_call *call, cs_text id) { return held_of(call, id, cs_get(call, "api", path_of(call, id))); }

static void check(cs_call *call) { cs_ok(call, cs_get(call, "api", CS("/tickets"))); }

// ---- Bugs ----

static void deep(cs_call *call) {
  cs_json *top = cs_json_array(call);
  for (int i = 0; i < CS_JSON_DEPTH_MAX; i++) {
    cs_json *around = cs_json_array(call);
    cs_push(around, top);
    top = around;
  }
  cs_json_write(call, top);
}

// Falls into the bug of this name, if it is one.
static bool falls(cs_call *call, cs_text id) {
  bool is_bug = true;
  if (cs_is(id, "assert")) {
    is_bug = CS_ASSERT(call, !cs_is(id, "assert"));
  } else if (cs_is(id, "memory")) {
    while (cs_alloc(call, BITE_BYTES)) continue;
  } else if (cs_is(id, "more-memory")) {
    cs_text twice = id;
    while (cs_is_there(twice)) twice = cs_join(call, twice, twice);
  } else if (cs_is(id, "deep")) {
    deep(call);
  } else if (cs_is(id, "json-twice")) {
    cs_json *list = cs_json_array(call), *one = cs_json_null(call);
    cs_push(list, one);
    cs_push(list, one);
  } else if (cs_is(id, "nothing")) {
    return true;
  } else {
    is_bug = false;
  }
  return is_bug || cs_failed(call);
}

static cs_snapshot fetch(cs_call *call, cs_record subject) {
  return falls(call, subject.id) ? (cs_snapshot){0} : read(call, subject.id).now;
}

static cs_page changes(cs_call *call, cs_text kind, cs_text cursor, uint32_t limit, uint64_t now_ms) {
  (void)now_ms;
  cs_page page = {0};
  if (falls(call, cursor)) return page;
  cs_request list = {.endpoint = "api", .path = CS("/tickets")};
  if (cs_is_there(cursor)) cs_add_pair(call, &list.query, "after", cursor);
  cs_add_pair(call, &list.query, "limit", cs_digits(call, limit));
  if (!cs_equal(kind, ticket)) cs_unknown_kind(call, kind);
  const cs_json *body = cs_answer_json(call, cs_ok(call, cs_send(call, list, CS_READ)));
  for (const cs_json *one = cs_first(cs_must_array(body)); one; one = one->next) {
    page.next = cs_must_text(cs_member(one, "id"));
    cs_add_snapshot(call, &page.items, snapshot_of(call, page.next, one));
  }
  return page;
}

// ---- Writing ----

static cs_plan plan(cs_call *call, const cs_proposal *what, uint64_t now_ms) {
  (void)now_ms;
  cs_value state = cs_value_text(cs_input_text(call, what, "state"));
  cs_snapshot now = read(call, what->subject.id).now;
  return cs_plan_update(call, &now, CS_FIELDS(call, cs_named("state", state)));
}

// Writes the state of the sealed plan, as this step.
static cs_receipt write(cs_call *call, const cs_effect *effect, cs_text revision, const char *step) {
  cs_text id = effect->plan.subject.id;
  cs_proposal sealed = cs_sealed(call, effect);
  cs_json *body = cs_json_object(call);
  cs_put(body, "state", cs_json_text(call, cs_input_text(call, &sealed, "state")));
  cs_put(body, "by", cs_json_text(call, effect->id));
  cs_request put = {.endpoint = "api", .method = "PUT", .path = path_of(call, id), .type = "application/json"};
  put.body = cs_json_write(call, body);
  cs_add_pair(call, &put.headers, "if-match", revision);
  const cs_answer *answer = cs_ok(call, cs_send(call, put, step));
  held found = held_of(call, id, answer);
  return cs_receipt_of(call, effect, &found.now);
}

static cs_receipt apply(cs_call *call, const cs_effect *effect) {
  if (!cs_is_there(effect->plan.revision)) cs_rejected(call, "bad-input", CS("the plan is none of this connector's"));
  return write(call, effect, effect->plan.revision, "set");
}

static cs_finding probe(cs_call *call, const cs_effect *effect) {
  held found = read(call, effect->plan.subject.id);
  if (!cs_equal(found.by, effect->id)) return (cs_finding){.is = CS_NOT_THERE};
  return (cs_finding){.is = CS_LANDED, .receipt = cs_receipt_of(call, effect, &found.now)};
}

static cs_receipt undo(cs_call *call, const cs_effect *effect, const cs_receipt *landed) {
  (void)landed;
  held found = read(call, effect->plan.subject.id);
  if (cs_equal(found.by, effect->id)) return cs_receipt_of(call, effect, &found.now);
  for (size_t i = 0; i < effect->plan.changes.count; i++) {
    cs_change change = effect->plan.changes.at[i];
    bool is_held = cs_same(cs_value_of(found.now.fields, change.name), change.before);
    if (!is_held) cs_conflict(call, "moved", CS("somebody else has written since"))->revision = found.now.revision;
  }
  return write(call, effect, found.now.revision, "restore");
}

// What takes it back leaves its own mark.
static cs_finding probe_undo(cs_call *call, const cs_effect *effect, const cs_receipt *landed) {
  (void)landed;
  return probe(call, effect);
}

// ---- Deliveries ----

static const cs_json *list_in(cs_call *call, const cs_delivery *delivery, const char *name) {
  const cs_json *body = cs_must_object(cs_delivery_json(call, delivery));
  const cs_json *list = cs_member(body, name);
  return cs_json_is(list) == CS_JSON_MISSING ? NULL : cs_must_array(list);
}

static cs_records interpret(cs_call *call, const cs_delivery *delivery) {
  cs_records about = {0};
  cs_pairs facts = {0};
  cs_add_pair(call, &facts, "hook", delivery->hook);
  cs_say(call, CS_DEBUG, CS("tickets are told of"), facts);
  for (const cs_json *id = cs_first(list_in(call, delivery, "about")); id; id = id->next) {
    cs_add_record(call, &about, (cs_record){ticket, cs_must_text(id)});
  }
  return about;
}

static cs_value token_of(cs_call *call, const cs_json *token) {
  if (token->is == CS_JSON_TEXT) return cs_value_text(token->text);
  return token->is == CS_JSON_NUMBER ? cs_value_integer(cs_must_integer(token)) : cs_value_json(call, token);
}

static cs_draft draft_of(cs_call *call, const cs_delivery *delivery, const cs_json *wish) {
  cs_draft draft = {
      .intent_type = cs_must_text(cs_member(wish, "type")),
      .source = {ticket, cs_must_text(cs_member(wish, "ticket"))},
      .dedupe_key = cs_must_text(cs_member(wish, "key")),
      .requester = cs_may_text(cs_member(wish, "by")),
  };
  for (const cs_json *token = cs_first(cs_must_object(cs_member(wish, "tokens"))); token; token = token->next) {
    cs_add_field(call, &draft.fields, (cs_field){token->name, token_of(call, token)});
  }
  // How it came here, where whoever sent it wants to hear that.
  cs_text word = cs_header(delivery->headers, "X-Echo");
  if (cs_is_there(word)) {
    cs_text echo = cs_join(call, word, CS(" by "), delivery->hook);
    cs_add_field(call, &draft.fields, cs_named("echo", cs_value_text(echo)));
    cs_add_field(call, &draft.fields, cs_named("arrived", cs_value_instant_ms(delivery->received_ms)));
  }
  return draft;
}

static cs_drafts receive(cs_call *call, const cs_delivery *delivery) {
  cs_drafts drafts = {0};
  for (const cs_json *wish = cs_first(list_in(call, delivery, "asks")); wish; wish = wish->next) {
    cs_add_draft(call, &drafts, draft_of(call, delivery, wish));
  }
  return drafts;
}

const cs_connector connector = {
    .name = "tests.told-c",
    .version = "1.0.0",
    .system = "tests",
    .kinds = CS_NAMES("ticket"),
    .tells = CS_NAMES("ticket"),
    .operations = CS_OPERATIONS({
        .name = "set-state",
        .kind = "ticket",
        .guarantee = CS_BY_KEY,
        .is_reversible = true,
        .input = CS_JSON({"type": "object", "required": ["state"], "properties": {"state": {"title": "State"}}}),
    }),
    .check = check,
    .fetch = fetch,
    .changes = changes,
    .plan = plan,
    .apply = apply,
    .probe = probe,
    .undo = undo,
    .probe_undo = probe_undo,
    .interpret = interpret,
    .receive = receive,
};
