// Makes a component of a connector: it stands between the generated bindings and the SDK. A world that asks for less
// leaves out what it does not ask for.
//
// What an answer holds is allocated, for the bindings free it once the host has it. What a call was given is freed here
// when it has answered, and so is the call's own memory.

#include "../host.h"
#include "contract.h"
#include <stdlib.h>
#include <string.h>

typedef countersign_connector_types_record_ref_t record_ref;
typedef countersign_connector_types_value_t value;
typedef countersign_connector_types_list_field_t fields;
typedef countersign_connector_types_snapshot_t snapshot;
typedef countersign_connector_types_proposal_t proposal;
typedef countersign_connector_types_write_plan_t write_plan;
typedef countersign_connector_types_effect_t effect;
typedef countersign_connector_types_receipt_t receipt;
typedef countersign_connector_types_finding_t finding;
typedef countersign_connector_types_failure_t failure;
typedef countersign_connector_types_detail_t detail;
typedef countersign_connector_types_payload_t payload;
typedef countersign_connector_types_delivery_t delivery;
typedef countersign_connector_types_draft_intent_t draft_intent;
typedef countersign_connector_http_request_t request;
typedef countersign_connector_http_response_t response;
typedef exports_countersign_connector_identity_descriptor_t descriptor;
typedef exports_countersign_connector_identity_operation_t operation;
typedef exports_countersign_connector_reader_page_t page;
typedef contract_list_tuple2_string_string_t pairs;

// ---- From the bindings: `..._of`. Texts stay where they are, as long as the call lasts. ----

static cs_text text_of(contract_string_t of) { return (cs_text){of.len ? (const char *)of.ptr : "", of.len}; }

static cs_text option_of(contract_option_string_t of) { return of.is_some ? text_of(of.val) : CS_NOTHING; }

static cs_record record_of(record_ref of) { return (cs_record){text_of(of.kind), text_of(of.id)}; }

static cs_pairs pairs_of(cs_call *call, pairs of) {
  cs_pairs all = {.at = cs_alloc(call, of.len * sizeof *all.at)};
  if (!all.at) return all;
  for (; all.count < of.len; all.count++) {
    all.at[all.count] = (cs_pair){text_of(of.ptr[all.count].f0), text_of(of.ptr[all.count].f1)};
  }
  return all;
}

static cs_texts texts_of(cs_call *call, contract_list_string_t of) {
  cs_texts all = {.at = cs_alloc(call, of.len * sizeof *all.at)};
  if (!all.at) return all;
  for (; all.count < of.len; all.count++) all.at[all.count] = text_of(of.ptr[all.count]);
  return all;
}

static cs_value value_of(value of) {
  switch (of.tag) {
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_FLAG:
      return cs_value_flag(of.val.flag);
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_INTEGER:
      return cs_value_integer(of.val.integer);
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_DECIMAL:
      return cs_value_decimal(text_of(of.val.decimal));
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_TEXT:
      return cs_value_text(text_of(of.val.text));
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_DATE:
      return cs_value_date(text_of(of.val.date));
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_INSTANT_MS:
      return cs_value_instant_ms(of.val.instant_ms);
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_MONEY:
      return cs_value_money(text_of(of.val.money.amount), text_of(of.val.money.currency));
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_REFERENCE:
      return cs_value_reference(text_of(of.val.reference.kind), text_of(of.val.reference.id));
    case COUNTERSIGN_CONNECTOR_TYPES_VALUE_JSON:
      return (cs_value){.is = CS_VALUE_JSON, .text = text_of(of.val.json)};
    default:
      return CS_ABSENT;
  }
}

static cs_fields fields_of(cs_call *call, fields of) {
  cs_fields all = {.at = cs_alloc(call, of.len * sizeof *all.at)};
  if (!all.at) return all;
  for (; all.count < of.len; all.count++) {
    all.at[all.count] = (cs_field){text_of(of.ptr[all.count].name), value_of(of.ptr[all.count].value)};
  }
  return all;
}

static cs_changes changes_of(cs_call *call, countersign_connector_types_list_change_t of) {
  cs_changes all = {.at = cs_alloc(call, of.len * sizeof *all.at)};
  if (!all.at) return all;
  for (; all.count < of.len; all.count++) {
    countersign_connector_types_change_t one = of.ptr[all.count];
    all.at[all.count] = (cs_change){text_of(one.name), value_of(one.before), value_of(one.after)};
  }
  return all;
}

static cs_proposal proposal_of(cs_call *call, const proposal *of) {
  return (cs_proposal){text_of(of->operation), record_of(of->subject), fields_of(call, of->fields)};
}

static cs_effect effect_of(cs_call *call, const effect *of) {
  return (cs_effect){
      .id = text_of(of->effect_id),
      .attempt = of->attempt,
      .what = proposal_of(call, &of->what),
      .plan = {.subject = record_of(of->plan.subject),
               .revision = option_of(of->plan.revision),
               .changes = changes_of(call, of->plan.changes),
               .remarks = texts_of(call, of->plan.remarks)},
      .now_ms = of->now_ms,
      .extra = pairs_of(call, of->extra),
  };
}

static cs_receipt receipt_of(cs_call *call, const receipt *of) {
  return (cs_receipt){
      .subject = record_of(of->subject),
      .revision = option_of(of->revision),
      .url = option_of(of->url),
      .vendor_request_id = option_of(of->vendor_request_id),
      .applied = fields_of(call, of->applied),
      .extra = pairs_of(call, of->extra),
  };
}

static cs_text body_of(payload of) {
  switch (of.tag) {
    case COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_TEXT:
      return text_of(of.val.text);
    case COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_BYTES:
      return (cs_text){of.val.bytes.len ? (const char *)of.val.bytes.ptr : "", of.val.bytes.len};
    default:
      return CS("");
  }
}

// ---- To the bindings: `..._to`. All of it is allocated, and only UTF-8 leaves. ----

static void *taken(size_t count, size_t bytes) {
  void *at = calloc(count ? count : 1, bytes);
  // A host that refuses memory ends the call before this is known here.
  if (!at) abort();
  return at;
}

static contract_string_t text_to(cs_text of) {
  contract_string_t text = {taken(of.length, 1), of.length};
  if (of.length) memcpy(text.ptr, of.at, of.length);
  return text;
}

static contract_option_string_t option_to(cs_text of) {
  return cs_is_there(of) ? (contract_option_string_t){true, text_to(of)} : (contract_option_string_t){0};
}

static record_ref record_to(cs_record of) { return (record_ref){text_to(of.kind), text_to(of.id)}; }

static pairs pairs_to(cs_call *call, cs_pairs of) {
  pairs all = {taken(of.count, sizeof *all.ptr), of.count};
  for (size_t i = 0; i < of.count; i++) {
    all.ptr[i].f0 = text_to(cs_well_formed(call, of.at[i].name));
    all.ptr[i].f1 = text_to(cs_well_formed(call, of.at[i].value));
  }
  return all;
}

static contract_list_string_t texts_to(cs_call *call, cs_texts of) {
  contract_list_string_t all = {taken(of.count, sizeof *all.ptr), of.count};
  for (size_t i = 0; i < of.count; i++) all.ptr[i] = text_to(cs_well_formed(call, of.at[i]));
  return all;
}

static value value_to(cs_value of) {
  // Both number the cases in the order of the contract.
  value to = {.tag = (uint8_t)of.is};
  switch (of.is) {
    case CS_VALUE_ABSENT:
      break;
    case CS_VALUE_FLAG:
      to.val.flag = of.flag;
      break;
    case CS_VALUE_INTEGER:
      to.val.integer = of.integer;
      break;
    case CS_VALUE_INSTANT_MS:
      to.val.instant_ms = of.instant_ms;
      break;
    case CS_VALUE_MONEY:
      to.val.money.amount = text_to(of.money.amount);
      to.val.money.currency = text_to(of.money.currency);
      break;
    case CS_VALUE_REFERENCE:
      to.val.reference = record_to(of.reference);
      break;
    case CS_VALUE_DECIMAL:
    case CS_VALUE_TEXT:
    case CS_VALUE_DATE:
    case CS_VALUE_JSON:
      // One text, whichever of the four it is.
      to.val.text = text_to(of.text);
      break;
  }
  return to;
}

static fields fields_to(cs_fields of) {
  fields all = {taken(of.count, sizeof *all.ptr), of.count};
  for (size_t i = 0; i < of.count; i++) {
    all.ptr[i].name = text_to(of.at[i].name);
    all.ptr[i].value = value_to(of.at[i].value);
  }
  return all;
}

static snapshot snapshot_to(const cs_snapshot *of) {
  return (snapshot){.subject = record_to(of->subject),
                    .revision = option_to(of->revision),
                    .url = option_to(of->url),
                    .fields = fields_to(of->fields)};
}

static write_plan plan_to(cs_call *call, const cs_plan *of) {
  write_plan plan = {.subject = record_to(of->subject),
                     .revision = option_to(of->revision),
                     .remarks = texts_to(call, of->remarks)};
  plan.changes.ptr = taken(of->changes.count, sizeof *plan.changes.ptr);
  plan.changes.len = of->changes.count;
  for (size_t i = 0; i < of->changes.count; i++) {
    cs_change one = of->changes.at[i];
    plan.changes.ptr[i].name = text_to(one.name);
    plan.changes.ptr[i].before = value_to(one.before);
    plan.changes.ptr[i].after = value_to(one.after);
  }
  return plan;
}

static receipt receipt_to(cs_call *call, const cs_receipt *of) {
  return (receipt){.subject = record_to(of->subject),
                   .revision = option_to(of->revision),
                   .url = option_to(of->url),
                   .vendor_request_id = option_to(of->vendor_request_id),
                   .applied = fields_to(of->applied),
                   .extra = pairs_to(call, of->extra)};
}

static finding finding_to(cs_call *call, const cs_finding *of) {
  switch (of->is) {
    case CS_LANDED:
      return (finding){.tag = COUNTERSIGN_CONNECTOR_TYPES_FINDING_LANDED, .val.landed = receipt_to(call, &of->receipt)};
    case CS_NOT_THERE:
      return (finding){.tag = COUNTERSIGN_CONNECTOR_TYPES_FINDING_ABSENT};
    case CS_UNKNOWN:
      break;
  }
  return (finding){.tag = COUNTERSIGN_CONNECTOR_TYPES_FINDING_UNKNOWN};
}

static payload body_to(cs_text of) {
  payload body = {.tag = COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_EMPTY};
  if (!of.length) return body;
  // The two cases are a pointer and a length both.
  bool is_text = cs_is_well_formed(of);
  body.tag = is_text ? COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_TEXT : COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_BYTES;
  body.val.text = text_to(of);
  return body;
}

static failure failure_to(cs_call *call, const cs_failure *of) {
  detail why = {.code = text_to(cs_well_formed(call, of->code)),
                .message = text_to(cs_well_formed(call, of->message)),
                .vendor_status = {of->vendor_status != 0, of->vendor_status},
                .vendor_request_id = option_to(cs_well_formed(call, of->vendor_request_id)),
                .extra = pairs_to(call, of->extra)};
  // Both number the cases in the order of the contract.
  failure to = {.tag = (uint8_t)of->is};
  switch (of->is) {
    case CS_TRANSIENT:
      to.val.transient.after_ms = (contract_option_u64_t){of->has_after, of->after_ms};
      to.val.transient.detail = why;
      break;
    case CS_REJECTED:
      to.val.rejected.fields = texts_to(call, of->fields);
      to.val.rejected.detail = why;
      break;
    case CS_CONFLICT:
      to.val.conflict.revision = option_to(cs_well_formed(call, of->revision));
      to.val.conflict.detail = why;
      break;
    case CS_DENIED:
      to.val.denied = why;
      break;
    case CS_UNCERTAIN:
      to.val.uncertain = why;
      break;
  }
  return to;
}

// ---- The host ----

// A text in the memory of the call: what an import gave is freed at once.
static cs_text kept(cs_call *call, contract_string_t of) { return cs_copy(call, text_of(of)); }

static cs_text kept_option(cs_call *call, contract_option_string_t of) { return cs_copy(call, option_of(of)); }

static cs_pairs kept_pairs(cs_call *call, pairs of) {
  cs_pairs all = pairs_of(call, of);
  for (size_t i = 0; i < all.count; i++) {
    all.at[i] = (cs_pair){cs_copy(call, all.at[i].name), cs_copy(call, all.at[i].value)};
  }
  return all;
}

static void add_detail(cs_call *call, cs_failure *to, const detail *of) {
  to->vendor_status = of->vendor_status.is_some ? of->vendor_status.val : 0;
  to->vendor_request_id = kept_option(call, of->vendor_request_id);
  to->extra = kept_pairs(call, of->extra);
}

// Makes the call fail as the host says.
static void fail_as(cs_call *call, const failure *of) {
  static const cs_case cases[] = {CS_TRANSIENT, CS_REJECTED, CS_CONFLICT, CS_DENIED, CS_UNCERTAIN};
  const detail *why = &of->val.denied;
  cs_texts names = {0};
  cs_text revision = CS_NOTHING;
  switch (of->tag) {
    case COUNTERSIGN_CONNECTOR_TYPES_FAILURE_TRANSIENT:
      why = &of->val.transient.detail;
      break;
    case COUNTERSIGN_CONNECTOR_TYPES_FAILURE_REJECTED:
      why = &of->val.rejected.detail;
      for (size_t i = 0; i < of->val.rejected.fields.len; i++) {
        cs_add_text(call, &names, kept(call, of->val.rejected.fields.ptr[i]));
      }
      break;
    case COUNTERSIGN_CONNECTOR_TYPES_FAILURE_CONFLICT:
      why = &of->val.conflict.detail;
      revision = kept_option(call, of->val.conflict.revision);
      break;
    default:
      break;
  }
  cs_text code = kept(call, why->code);
  cs_failure *to = cs_fail(call, cases[of->tag], code, kept(call, why->message));
  add_detail(call, to, why);
  to->fields = names;
  to->revision = revision;
  if (of->tag == COUNTERSIGN_CONNECTOR_TYPES_FAILURE_TRANSIENT) {
    to->has_after = of->val.transient.after_ms.is_some;
    to->after_ms = of->val.transient.after_ms.val;
  }
}

static bool send(cs_call *call, const cs_request *what, const char *step, cs_answer *answer) {
  request asked = {.endpoint = text_to(cs_text_of(what->endpoint)),
                   .method = text_to(cs_text_of(what->method)),
                   .path = text_to(what->path),
                   .query = pairs_to(call, what->query),
                   .headers = pairs_to(call, what->headers),
                   .body = body_to(what->body)};
  if (step) {
    asked.purpose.tag = COUNTERSIGN_CONNECTOR_HTTP_PURPOSE_STEP;
    asked.purpose.val.step = text_to(cs_text_of(step));
  }
  response came;
  failure why;
  bool has_answered = countersign_connector_http_send(&asked, &came, &why);
  countersign_connector_http_request_free(&asked);
  if (!has_answered) {
    fail_as(call, &why);
    countersign_connector_types_failure_free(&why);
    return false;
  }
  *answer = (cs_answer){.status = came.status, .headers = kept_pairs(call, came.headers)};
  answer->body = cs_copy(call, body_of(came.body));
  countersign_connector_http_response_free(&came);
  return true;
}

static cs_text setting(cs_call *call, const char *name) {
  contract_string_t asked = text_to(cs_text_of(name)), found;
  bool is_there = countersign_connector_settings_get(&asked, &found);
  contract_string_free(&asked);
  if (!is_there) return CS_NOTHING;
  cs_text text = kept(call, found);
  contract_string_free(&found);
  return text;
}

static void say(cs_call *call, cs_level level, cs_text message, cs_pairs more) {
  contract_string_t words = text_to(cs_well_formed(call, message));
  pairs facts = pairs_to(call, more);
  // Both number the levels in the order of the contract.
  countersign_connector_diagnostics_emit((countersign_connector_diagnostics_level_t)level, &words, &facts);
  contract_list_tuple2_string_string_free(&facts);
  contract_string_free(&words);
}

static const cs_host host = {.send = send, .setting = setting, .say = say};

// ---- The exports ----

static void begin(cs_call *call) { cs_begin(call, &host, connector.memory_bytes_max); }

// Ends a call; if it has failed, with why.
static bool end(cs_call *call, failure *why) {
  bool has_failed = cs_failed(call);
  if (has_failed) *why = failure_to(call, &call->failure);
  cs_end(call);
  return !has_failed;
}

static size_t names_in(const char *const *names) {
  size_t count = 0;
  while (names && names[count]) count++;
  return count;
}

static contract_string_t word_to(const char *word) { return text_to(cs_text_of(word)); }

// The names with commas between them.
static contract_string_t names_to(const char *const *names) {
  size_t length = 0, count = names_in(names);
  for (size_t i = 0; i < count; i++) length += strlen(names[i]) + 1;
  contract_string_t all = {taken(length, 1), length ? length - 1 : 0};
  for (size_t i = 0, at = 0; i < count; i++) {
    size_t own = strlen(names[i]);
    memcpy(all.ptr + at, names[i], own);
    all.ptr[at + own] = ',';
    at += own + 1;
  }
  return all;
}

void exports_countersign_connector_identity_describe(descriptor *ret) {
  *ret = (descriptor){
      .name = word_to(connector.name),
      .version = word_to(connector.version),
      .system = word_to(connector.system),
  };
  ret->kinds.len = names_in(connector.kinds);
  ret->kinds.ptr = taken(ret->kinds.len, sizeof *ret->kinds.ptr);
  for (size_t i = 0; i < ret->kinds.len; i++) ret->kinds.ptr[i] = word_to(connector.kinds[i]);
  const cs_operation *all = connector.operations;
  while (all && all[ret->operations.len].name) ret->operations.len++;
  ret->operations.ptr = taken(ret->operations.len, sizeof *ret->operations.ptr);
  for (size_t i = 0; i < ret->operations.len; i++) {
    ret->operations.ptr[i] = (operation){
        .name = word_to(all[i].name),
        .kind = word_to(all[i].kind),
        .input_schema = word_to(all[i].input),
        // Both number the guarantees in the order of the contract.
        .guarantee = (exports_countersign_connector_identity_guarantee_t)all[i].guarantee,
        .reversible = all[i].is_reversible,
    };
  }
  if (names_in(connector.tells)) {
    ret->extra.len = 1;
    ret->extra.ptr = taken(1, sizeof *ret->extra.ptr);
    ret->extra.ptr->f0 = word_to("changes");
    ret->extra.ptr->f1 = names_to(connector.tells);
  }
}

bool exports_countersign_connector_reader_check(failure *err) {
  cs_call call;
  begin(&call);
  cs_ask_check(&call, &connector);
  return end(&call, err);
}

bool exports_countersign_connector_reader_fetch(record_ref *subject, snapshot *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_snapshot now = cs_ask_fetch(&call, &connector, record_of(*subject));
  if (!cs_failed(&call)) *ret = snapshot_to(&now);
  bool is_fine = end(&call, err);
  countersign_connector_types_record_ref_free(subject);
  return is_fine;
}

bool exports_countersign_connector_reader_changes(contract_string_t *kind, contract_string_t *maybe_cursor,
                                                  uint32_t limit, uint64_t now_ms, page *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_text cursor = maybe_cursor ? text_of(*maybe_cursor) : CS_NOTHING;
  cs_page found = cs_ask_changes(&call, &connector, text_of(*kind), cursor, limit, now_ms);
  if (!cs_failed(&call)) {
    *ret = (page){.next = option_to(found.next)};
    ret->items.len = found.items.count;
    ret->items.ptr = taken(found.items.count, sizeof *ret->items.ptr);
    for (size_t i = 0; i < found.items.count; i++) ret->items.ptr[i] = snapshot_to(&found.items.at[i]);
  }
  bool is_fine = end(&call, err);
  contract_string_free(kind);
  if (maybe_cursor) contract_string_free(maybe_cursor);
  return is_fine;
}

bool exports_countersign_connector_writer_plan(proposal *what, uint64_t now_ms, write_plan *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_proposal asked = proposal_of(&call, what);
  cs_plan plan = cs_ask_plan(&call, &connector, &asked, now_ms);
  if (!cs_failed(&call)) *ret = plan_to(&call, &plan);
  bool is_fine = end(&call, err);
  countersign_connector_types_proposal_free(what);
  return is_fine;
}

bool exports_countersign_connector_writer_apply(effect *what, receipt *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_effect asked = effect_of(&call, what);
  cs_receipt proof = cs_ask_apply(&call, &connector, &asked);
  if (!cs_failed(&call)) *ret = receipt_to(&call, &proof);
  bool is_fine = end(&call, err);
  countersign_connector_types_effect_free(what);
  return is_fine;
}

bool exports_countersign_connector_writer_probe(effect *what, finding *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_effect asked = effect_of(&call, what);
  cs_finding found = cs_ask_probe(&call, &connector, &asked);
  if (!cs_failed(&call)) *ret = finding_to(&call, &found);
  bool is_fine = end(&call, err);
  countersign_connector_types_effect_free(what);
  return is_fine;
}

bool exports_countersign_connector_compensator_undo(effect *what, receipt *landed, receipt *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_effect asked = effect_of(&call, what);
  cs_receipt before = receipt_of(&call, landed);
  cs_receipt proof = cs_ask_undo(&call, &connector, &asked, &before);
  if (!cs_failed(&call)) *ret = receipt_to(&call, &proof);
  bool is_fine = end(&call, err);
  countersign_connector_types_effect_free(what);
  countersign_connector_types_receipt_free(landed);
  return is_fine;
}

bool exports_countersign_connector_compensator_probe_undo(effect *what, receipt *landed, finding *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_effect asked = effect_of(&call, what);
  cs_receipt before = receipt_of(&call, landed);
  cs_finding found = cs_ask_probe_undo(&call, &connector, &asked, &before);
  if (!cs_failed(&call)) *ret = finding_to(&call, &found);
  bool is_fine = end(&call, err);
  countersign_connector_types_effect_free(what);
  countersign_connector_types_receipt_free(landed);
  return is_fine;
}

// These two have lists of types that only their worlds declare, and so the build says whether they are there.
#if defined COUNTERSIGN_EXPORTS_WEBHOOKS || defined COUNTERSIGN_EXPORTS_INTAKE
static cs_delivery delivery_of(cs_call *call, const delivery *of) {
  return (cs_delivery){text_of(of->hook), pairs_of(call, of->headers), body_of(of->body), of->received_ms};
}
#endif

#ifdef COUNTERSIGN_EXPORTS_WEBHOOKS
typedef exports_countersign_connector_webhooks_list_record_ref_t record_refs;

bool exports_countersign_connector_webhooks_interpret(delivery *what, record_refs *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_delivery told = delivery_of(&call, what);
  cs_records about = cs_ask_interpret(&call, &connector, &told);
  if (!cs_failed(&call)) {
    ret->len = about.count;
    ret->ptr = taken(about.count, sizeof *ret->ptr);
    for (size_t i = 0; i < about.count; i++) ret->ptr[i] = record_to(about.at[i]);
  }
  bool is_fine = end(&call, err);
  countersign_connector_types_delivery_free(what);
  return is_fine;
}
#endif

#ifdef COUNTERSIGN_EXPORTS_INTAKE
typedef exports_countersign_connector_intake_list_draft_intent_t draft_intents;

bool exports_countersign_connector_intake_receive(delivery *what, draft_intents *ret, failure *err) {
  cs_call call;
  begin(&call);
  cs_delivery told = delivery_of(&call, what);
  cs_drafts asks = cs_ask_receive(&call, &connector, &told);
  if (!cs_failed(&call)) {
    ret->len = asks.count;
    ret->ptr = taken(asks.count, sizeof *ret->ptr);
    for (size_t i = 0; i < asks.count; i++) {
      cs_draft one = asks.at[i];
      ret->ptr[i] = (draft_intent){.intent_type = text_to(one.intent_type),
                                   .source = record_to(one.source),
                                   .fields = fields_to(one.fields),
                                   .dedupe_key = text_to(one.dedupe_key),
                                   .requester = option_to(one.requester)};
    }
  }
  bool is_fine = end(&call, err);
  countersign_connector_types_delivery_free(what);
  return is_fine;
}
#endif
