// The connector to Acme: it creates refunds of payments.

#include "countersign.h"

// A refund, as Acme tells it.
typedef struct refund {
  cs_snapshot now;
  // The effect that it was created by.
  cs_text reference;
} refund;

static refund refund_of(cs_call *call, const cs_json *body) {
  cs_text id = cs_must_text(cs_member(body, "id"));
  cs_text amount = cs_must_decimal(cs_member(body, "amount"));
  cs_text currency = cs_must_text(cs_member(body, "currency"));
  cs_text reason = cs_must_text(cs_member(body, "reason"));
  cs_fields fields = {0};
  cs_add_field(call, &fields, cs_named("amount", cs_value_money(amount, currency)));
  cs_add_field(call, &fields, cs_named("reason", cs_value_text(reason)));
  return (refund){
      .now = {.subject = {CS("refund"), id}, .fields = fields},
      .reference = cs_may_text(cs_member(body, "reference")),
  };
}

// What is there already by this effect; whether there is anything.
static bool look(cs_call *call, const cs_effect *effect, refund *made) {
  cs_text holder = effect->plan.subject.id;
  cs_request asked = {.endpoint = "api", .path = cs_path(call, CS("payments"), holder, CS("refunds"))};
  cs_add_pair(call, &asked.query, "reference", effect->id);
  const cs_answer *answer = cs_ok(call, cs_send(call, asked, CS_READ));
  const cs_json *all = cs_must_array(cs_answer_json(call, answer));
  for (const cs_json *one = cs_first(all); one; one = one->next) {
    if (!cs_equal(cs_may_text(cs_member(one, "reference")), effect->id)) continue;
    *made = refund_of(call, one);
    return true;
  }
  return false;
}

static void check(cs_call *call) {
  cs_request first = {.endpoint = "api", .path = CS("/payments/")};
  cs_add_pair(call, &first.query, "limit", CS("1"));
  cs_ok(call, cs_send(call, first, CS_READ));
}

static cs_snapshot fetch(cs_call *call, cs_record subject) {
  if (cs_equal(subject.kind, CS("payment"))) {
    const cs_answer *answer = cs_get(call, "api", cs_path(call, CS("payments"), subject.id));
    cs_text status = cs_must_text(cs_member(cs_answer_json(call, answer), "status"));
    return (cs_snapshot){.subject = subject, .fields = CS_FIELDS(call, cs_named("status", cs_value_text(status)))};
  }
  if (cs_equal(subject.kind, CS("refund"))) {
    const cs_answer *answer = cs_get(call, "api", cs_path(call, CS("refunds"), subject.id));
    return refund_of(call, cs_answer_json(call, answer)).now;
  }
  cs_unknown_kind(call, subject.kind);
  return (cs_snapshot){.subject = subject};
}

static cs_plan plan(cs_call *call, const cs_proposal *what, uint64_t now_ms) {
  (void)now_ms;
  cs_input_money(call, what, "amount");
  cs_input_text(call, what, "reason");
  // What is to take it must be there: better said now than after somebody has approved.
  fetch(call, what->subject);
  return cs_plan_creation(call, what);
}

static cs_receipt apply(cs_call *call, const cs_effect *effect) {
  refund made;
  // Acme takes no idempotency key: what an earlier attempt has made would be made once more.
  if (look(call, effect, &made)) return cs_receipt_of(call, effect, &made.now);
  cs_proposal what = cs_sealed(call, effect);
  cs_money amount = cs_input_money(call, &what, "amount");
  cs_text reason = cs_input_text(call, &what, "reason");
  cs_json *body = cs_json_object(call);
  cs_put(body, "amount", cs_json_text(call, amount.amount));
  cs_put(body, "currency", cs_json_text(call, amount.currency));
  cs_put(body, "reason", cs_json_text(call, reason));
  cs_put(body, "reference", cs_json_text(call, effect->id));
  cs_request request = {
      .endpoint = "api",
      .method = "POST",
      .path = cs_path(call, CS("payments"), effect->plan.subject.id, CS("refunds")),
      .type = "application/json",
      .body = cs_json_write(call, body),
  };
  // It is not sent if the look has failed: a call that has failed sends nothing more.
  const cs_answer *answer = cs_ok(call, cs_send(call, request, "refund"));
  made = refund_of(call, cs_answer_json(call, answer));
  cs_receipt receipt = cs_receipt_of(call, effect, &made.now);
  if (answer) receipt.vendor_request_id = cs_request_id(answer);
  return receipt;
}

static cs_finding probe(cs_call *call, const cs_effect *effect) {
  refund found;
  if (!look(call, effect, &found)) return (cs_finding){.is = CS_NOT_THERE};
  return (cs_finding){.is = CS_LANDED, .receipt = cs_receipt_of(call, effect, &found.now)};
}

const cs_connector connector = {
    .name = "acme.refunds",
    .version = "0.1.0",
    .system = "acme",
    .kinds = CS_NAMES("payment", "refund"),
    .operations = CS_OPERATIONS({
        .name = "create-refund",
        .kind = "payment",
        .guarantee = CS_BY_PROBE,
        .input = CS_JSON({
          "type": "object",
          "required": [
            "amount",
            "reason"
          ],
          "properties": {
            "amount": {"title": "Amount"},
            "reason": {"title": "Why"}
          },
          "additionalProperties": false
        }),
    }),
    .check = check,
    .fetch = fetch,
    .plan = plan,
    .apply = apply,
    .probe = probe,
};
