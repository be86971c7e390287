// The questions of the host, and what may leave the connector: a target's odd value becomes a failure that names the
// field, where the host would take it for a broken connector.

#include "host.h"
#include <string.h>

// Code of a failure because of a value that the contract does not know.
#define ODD_VALUE "odd-value"
// Longest name, and most of each that the contract has every host take.
#define NAME_BYTES_MAX 200
#define FIELDS_MAX 500
#define REMARKS_MAX 20
#define REMARK_BYTES_MAX 1000
#define EXTRA_MAX 32
// Longest text.
#define TEXT_BYTES_MAX (256u * 1024)
// Most characters of the key of a wish.
#define DEDUPE_KEY_CHARACTERS_MAX 200
// Most bytes of an odd value that a message repeats.
#define SHOWN_BYTES_MAX 40

// Each of these says what is odd, or nothing.

static bool is_text(cs_text text, size_t bytes_max) { return text.length <= bytes_max && cs_is_well_formed(text); }

static bool is_name(cs_text text) { return text.length && is_text(text, NAME_BYTES_MAX); }

static cs_text odd_record(cs_record record) {
  bool is_id = record.id.length && is_text(record.id, CS_ID_BYTES_MAX);
  return is_name(record.kind) && is_id ? CS_NOTHING : CS("the id of the record is none");
}

static cs_text odd_place(cs_text place) {
  return is_text(place, CS_ID_BYTES_MAX) ? CS_NOTHING : CS("the revision or the address of the record is no text");
}

// A person will click on it.
static cs_text odd_url(cs_text url) {
  static const char *const starts[] = {"https://", "http://"};
  bool is_web = !cs_is_there(url);
  for (size_t i = 0; !is_web && i < sizeof starts / sizeof *starts; i++) {
    size_t length = strlen(starts[i]);
    is_web = length <= url.length && memcmp(url.at, starts[i], length) == 0;
  }
  return is_web ? odd_place(url) : CS("the address of the record is neither http nor https");
}

static cs_text no(cs_call *call, cs_text found, const char *what) {
  cs_text shown = {found.at, found.length < SHOWN_BYTES_MAX ? found.length : SHOWN_BYTES_MAX};
  return cs_join(call, CS("`"), cs_shortened(call, shown), CS("`, which is no "), cs_text_of(what));
}

static bool is_currency(cs_text text) {
  if (text.length != 3) return false;
  for (size_t i = 0; i < text.length; i++) {
    if (text.at[i] < 'A' || 'Z' < text.at[i]) return false;
  }
  return true;
}

// An amount has at most the digits of its currency, and 63 bits of them.
static cs_text odd_money(cs_call *call, cs_money money) {
  if (!is_currency(money.currency)) return no(call, money.currency, "currency such as EUR");
  unsigned digits = cs_currency_digits(money.currency);
  int64_t minor = 0;
  bool fits = cs_to_minor(money.amount, digits, &minor) && minor != INT64_MIN;
  const char *point = fits ? memchr(money.amount.at, '.', money.amount.length) : NULL;
  if (point) fits = (size_t)(money.amount.at + money.amount.length - point) <= digits + 1u;
  return fits ? CS_NOTHING : no(call, money.amount, "amount of money");
}

static cs_text odd_value(cs_call *call, cs_value value) {
  switch (value.is) {
    case CS_VALUE_ABSENT:
    case CS_VALUE_FLAG:
    case CS_VALUE_INTEGER:
      return CS_NOTHING;
    case CS_VALUE_INSTANT_MS:
      return value.instant_ms <= INT64_MAX ? CS_NOTHING : CS("no moment");
    case CS_VALUE_DECIMAL:
      return cs_is_decimal(value.text) ? CS_NOTHING : no(call, value.text, "decimal number");
    case CS_VALUE_DATE:
      return cs_is_date(value.text) ? CS_NOTHING : no(call, value.text, "date such as 2026-11-23");
    case CS_VALUE_MONEY:
      return odd_money(call, value.money);
    case CS_VALUE_REFERENCE:
      return cs_is_there(odd_record(value.reference)) ? CS("no id of a record") : CS_NOTHING;
    case CS_VALUE_TEXT:
    case CS_VALUE_JSON:
      return is_text(value.text, TEXT_BYTES_MAX) ? CS_NOTHING : CS("no text of a bearable length");
  }
  return CS("a value of no type");
}

static cs_text odd_field(cs_call *call, cs_text name, cs_value value) {
  if (!is_name(name)) return CS("the name of a field is no text");
  cs_text odd = odd_value(call, value);
  return cs_is_there(odd) ? cs_join(call, CS("`"), name, CS("` of the record is "), odd) : odd;
}

// Whether one of the fields before this one has its name.
static bool is_twice(cs_fields fields, size_t at) {
  for (size_t i = 0; i < at; i++) {
    if (cs_equal(fields.at[i].name, fields.at[at].name)) return true;
  }
  return false;
}

static cs_text odd_fields(cs_call *call, cs_fields fields) {
  if (FIELDS_MAX < fields.count) return CS("the record has more than 500 fields");
  for (size_t i = 0; i < fields.count; i++) {
    cs_field field = fields.at[i];
    cs_text odd = odd_field(call, field.name, field.value);
    if (cs_is_there(odd)) return odd;
    if (is_twice(fields, i)) return cs_join(call, CS("the record has the field `"), field.name, CS("` twice"));
  }
  return CS_NOTHING;
}

static cs_text odd_pairs(cs_pairs pairs) {
  if (EXTRA_MAX < pairs.count) return CS("more than 32 names are said of the record");
  for (size_t i = 0; i < pairs.count; i++) {
    if (!is_name(pairs.at[i].name) || !is_text(pairs.at[i].value, CS_ID_BYTES_MAX)) {
      return CS("what else is said of the record is no text");
    }
  }
  return CS_NOTHING;
}

// The first that is odd.
static cs_text first_of(const cs_text *oddities, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (cs_is_there(oddities[i])) return oddities[i];
  }
  return CS_NOTHING;
}

static cs_text odd_snapshot(cs_call *call, const cs_snapshot *now) {
  return first_of(CS_TEXTS(odd_record(now->subject), odd_place(now->revision), odd_url(now->url),
                           odd_fields(call, now->fields)));
}

static cs_text odd_page(cs_call *call, const cs_page *page, uint32_t limit) {
  if (limit < page->items.count) return CS("there are more changed records than were asked for");
  if (page->items.count && !cs_is_there(page->next)) return CS("a page of changed records does not say where to go on");
  for (size_t i = 0; i < page->items.count; i++) {
    cs_text odd = odd_snapshot(call, &page->items.at[i]);
    if (cs_is_there(odd)) return odd;
  }
  return odd_place(page->next);
}

static cs_text odd_plan(cs_call *call, const cs_plan *plan) {
  cs_fields before = {0}, after = {0};
  for (size_t i = 0; i < plan->changes.count; i++) {
    cs_change change = plan->changes.at[i];
    cs_add_field(call, &before, (cs_field){change.name, change.before});
    cs_add_field(call, &after, (cs_field){change.name, change.after});
  }
  if (REMARKS_MAX < plan->remarks.count) return CS("the plan has more than 20 remarks");
  for (size_t i = 0; i < plan->remarks.count; i++) {
    if (!is_text(plan->remarks.at[i], REMARK_BYTES_MAX)) return CS("a remark is no text of at most 1000 bytes");
  }
  return first_of(CS_TEXTS(odd_record(plan->subject), odd_place(plan->revision), odd_fields(call, before),
                           odd_fields(call, after)));
}

static cs_text odd_receipt(cs_call *call, const cs_receipt *receipt) {
  return first_of(CS_TEXTS(odd_record(receipt->subject), odd_place(receipt->revision), odd_url(receipt->url),
                           odd_place(receipt->vendor_request_id), odd_pairs(receipt->extra),
                           odd_fields(call, receipt->applied)));
}

static cs_text odd_finding(cs_call *call, const cs_finding *finding) {
  switch (finding->is) {
    case CS_LANDED:
      return odd_receipt(call, &finding->receipt);
    case CS_UNKNOWN:
    case CS_NOT_THERE:
      return CS_NOTHING;
  }
  return CS("a finding of no kind");
}

// How many characters a text has; 0 if it is none.
static size_t characters_in(cs_text text) {
  size_t characters = 0;
  if (!is_text(text, CS_ID_BYTES_MAX)) return 0;
  for (size_t at = 0; at < text.length; characters++) at += cs_character(text.at + at, text.length - at);
  return characters;
}

static cs_text odd_draft(cs_call *call, const cs_draft *draft) {
  size_t characters = characters_in(draft->dedupe_key);
  if (!characters || DEDUPE_KEY_CHARACTERS_MAX < characters) return CS("the `dedupe_key` of a draft is none");
  if (!is_name(draft->intent_type)) return CS("the intent type of a draft is none");
  if (!is_text(draft->requester, CS_ID_BYTES_MAX)) return CS("the requester of a draft is no text");
  return first_of(CS_TEXTS(odd_record(draft->source), odd_fields(call, draft->fields)));
}

// ---- The questions ----

// Whether a function is there and can be asked; else the call has failed, perhaps while its arguments came in.
static bool is_offered(cs_call *call, bool is, const char *not) {
  if (cs_failed(call)) return false;
  if (!is) cs_rejected(call, "not-offered", cs_join(call, CS("this connector "), cs_text_of(not)));
  return is;
}

// Makes a failure of what is odd. It does not say that nothing was changed, where something may have been.
static void judge(cs_call *call, cs_case is, cs_text odd) {
  if (cs_is_there(odd)) cs_fail(call, is, CS(ODD_VALUE), odd);
}

void cs_ask_check(cs_call *call, const cs_connector *of) {
  if (is_offered(call, of->check, "has no `check`")) of->check(call);
}

cs_snapshot cs_ask_fetch(cs_call *call, const cs_connector *of, cs_record subject) {
  cs_snapshot now = {0};
  if (is_offered(call, of->fetch, "has no `fetch`")) now = of->fetch(call, subject);
  if (!cs_failed(call)) judge(call, CS_REJECTED, odd_snapshot(call, &now));
  return now;
}

cs_page cs_ask_changes(cs_call *call, const cs_connector *of, cs_text kind, cs_text cursor, uint32_t limit,
                       uint64_t now_ms) {
  cs_page page = {0};
  // One that cannot tell has none.
  if (of->changes && !cs_failed(call)) page = of->changes(call, kind, cursor, limit, now_ms);
  if (!cs_failed(call)) judge(call, CS_REJECTED, odd_page(call, &page, limit));
  return page;
}

cs_plan cs_ask_plan(cs_call *call, const cs_connector *of, const cs_proposal *what, uint64_t now_ms) {
  cs_plan plan = {0};
  if (is_offered(call, of->plan, "has no operations")) plan = of->plan(call, what, now_ms);
  if (!cs_failed(call)) judge(call, CS_REJECTED, odd_plan(call, &plan));
  return plan;
}

cs_receipt cs_ask_apply(cs_call *call, const cs_connector *of, const cs_effect *effect) {
  cs_receipt receipt = {0};
  if (is_offered(call, of->apply, "has no operations")) receipt = of->apply(call, effect);
  if (!cs_failed(call)) judge(call, CS_UNCERTAIN, odd_receipt(call, &receipt));
  return receipt;
}

cs_finding cs_ask_probe(cs_call *call, const cs_connector *of, const cs_effect *effect) {
  cs_finding finding = {0};
  if (is_offered(call, of->probe, "has no operations")) finding = of->probe(call, effect);
  if (!cs_failed(call)) judge(call, CS_REJECTED, odd_finding(call, &finding));
  return finding;
}

cs_receipt cs_ask_undo(cs_call *call, const cs_connector *of, const cs_effect *effect, const cs_receipt *landed) {
  cs_receipt receipt = {0};
  if (is_offered(call, of->undo, "takes nothing back")) receipt = of->undo(call, effect, landed);
  if (!cs_failed(call)) judge(call, CS_UNCERTAIN, odd_receipt(call, &receipt));
  return receipt;
}

cs_finding cs_ask_probe_undo(cs_call *call, const cs_connector *of, const cs_effect *effect, const cs_receipt *landed) {
  cs_finding finding = {0};
  if (is_offered(call, of->probe_undo, "takes nothing back")) finding = of->probe_undo(call, effect, landed);
  if (!cs_failed(call)) judge(call, CS_REJECTED, odd_finding(call, &finding));
  return finding;
}

cs_records cs_ask_interpret(cs_call *call, const cs_connector *of, const cs_delivery *delivery) {
  cs_records records = {0};
  if (is_offered(call, of->interpret, "has no webhooks")) records = of->interpret(call, delivery);
  for (size_t i = 0; !cs_failed(call) && i < records.count; i++) judge(call, CS_REJECTED, odd_record(records.at[i]));
  return records;
}

cs_drafts cs_ask_receive(cs_call *call, const cs_connector *of, const cs_delivery *delivery) {
  cs_drafts drafts = {0};
  if (is_offered(call, of->receive, "takes no wishes")) drafts = of->receive(call, delivery);
  for (size_t i = 0; !cs_failed(call) && i < drafts.count; i++) {
    judge(call, CS_REJECTED, odd_draft(call, &drafts.at[i]));
  }
  return drafts;
}
