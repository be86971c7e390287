// The connector to Acme: it prices quotes.

#include "countersign.h"

// A quote, as Acme tells it.
typedef struct quote {
  cs_snapshot now;
  // The effect that it was priced by.
  cs_text reference;
} quote;

static quote quote_of(cs_call *call, cs_text id, const cs_answer *answer) {
  const cs_json *body = cs_answer_json(call, answer);
  cs_text status = cs_must_text(cs_member(body, "status"));
  int64_t version = cs_must_integer(cs_member(body, "version"));
  cs_text net_amount = cs_must_decimal(cs_member(body, "net_amount"));
  cs_text currency = cs_must_text(cs_member(body, "currency"));
  cs_text reason = cs_may_text(cs_member(body, "reason"));
  cs_fields fields = {0};
  cs_add_field(call, &fields, cs_named("status", cs_value_text(status)));
  cs_add_field(call, &fields, cs_named("net_amount", cs_value_money(net_amount, currency)));
  cs_add_field(call, &fields, cs_named("reason", cs_value_text(reason)));
  return (quote){
      .now = {.subject = {CS("quote"), id}, .revision = cs_digits(call, version), .fields = fields},
      .reference = cs_may_text(cs_member(body, "reference")),
  };
}

static quote read(cs_call *call, cs_text id) {
  return quote_of(call, id, cs_get(call, "api", cs_path(call, CS("quotes"), id)));
}

static void check(cs_call *call) {
  cs_request first = {.endpoint = "api", .path = CS("/quotes/")};
  cs_add_pair(call, &first.query, "limit", CS("1"));
  cs_ok(call, cs_send(call, first, CS_READ));
}

static cs_snapshot fetch(cs_call *call, cs_record subject) { return read(call, subject.id).now; }

static cs_plan plan(cs_call *call, const cs_proposal *what, uint64_t now_ms) {
  (void)now_ms;
  cs_money net_amount = cs_input_money(call, what, "net_amount");
  cs_text reason = cs_input_text(call, what, "reason");
  cs_snapshot now = fetch(call, what->subject);
  cs_fields wanted = {0};
  cs_add_field(call, &wanted, cs_named("status", cs_value_text(CS("priced"))));
  cs_add_field(call, &wanted, cs_named("net_amount", cs_value_money(net_amount.amount, net_amount.currency)));
  cs_add_field(call, &wanted, cs_named("reason", cs_value_text(reason)));
  return cs_plan_update(call, &now, wanted);
}

static cs_receipt apply(cs_call *call, const cs_effect *effect) {
  cs_text id = effect->plan.subject.id;
  cs_proposal what = cs_sealed(call, effect);
  cs_money net_amount = cs_input_money(call, &what, "net_amount");
  cs_text reason = cs_input_text(call, &what, "reason");
  cs_json *body = cs_json_object(call);
  cs_put(body, "net_amount", cs_json_text(call, net_amount.amount));
  cs_put(body, "currency", cs_json_text(call, net_amount.currency));
  cs_put(body, "reason", cs_json_text(call, reason));
  cs_put(body, "reference", cs_json_text(call, effect->id));
  cs_put(body, "if_version", cs_json_text(call, effect->plan.revision));
  cs_request request = {
      .endpoint = "api",
      .method = "POST",
      .path = cs_path(call, CS("quotes"), id, CS("price")),
      .type = "application/json",
      .body = cs_json_write(call, body),
  };
  const cs_answer *answer = cs_ok(call, cs_send(call, request, "price"));
  quote found = quote_of(call, id, answer);
  cs_receipt receipt = cs_receipt_of(call, effect, &found.now);
  if (answer) receipt.vendor_request_id = cs_request_id(answer);
  return receipt;
}

static cs_finding probe(cs_call *call, const cs_effect *effect) {
  quote found = read(call, effect->plan.subject.id);
  if (!cs_equal(found.reference, effect->id)) return (cs_finding){.is = CS_NOT_THERE};
  return (cs_finding){.is = CS_LANDED, .receipt = cs_receipt_of(call, effect, &found.now)};
}

const cs_connector connector = {
    .name = "acme.quotes",
    .version = "0.1.0",
    .system = "acme",
    .kinds = CS_NAMES("quote"),
    .operations = CS_OPERATIONS({
        .name = "set-price",
        .kind = "quote",
        .guarantee = CS_BY_KEY,
        .input = CS_JSON({
          "type": "object",
          "required": [
            "net_amount",
            "reason"
          ],
          "properties": {
            "net_amount": {"title": "Net amount"},
            "reason": {"title": "Why"}
          }
        }),
    }),
    .check = check,
    .fetch = fetch,
    .plan = plan,
    .apply = apply,
    .probe = probe,
};
