// Values of fields, what is asked for, and the plans and receipts that come of it.

#include "host.h"
#include <string.h>

// Most digits after the point of a currency.
#define MINOR_DIGITS_MAX 6

cs_value cs_value_flag(bool flag) { return (cs_value){.is = CS_VALUE_FLAG, .flag = flag}; }

cs_value cs_value_integer(int64_t integer) { return (cs_value){.is = CS_VALUE_INTEGER, .integer = integer}; }

// A value of the cases that are text.
static cs_value of_text(cs_value_case is, cs_text text) {
  return cs_is_there(text) ? (cs_value){.is = is, .text = text} : CS_ABSENT;
}

cs_value cs_value_decimal(cs_text digits) { return of_text(CS_VALUE_DECIMAL, digits); }

cs_value cs_value_text(cs_text text) { return of_text(CS_VALUE_TEXT, text); }

cs_value cs_value_date(cs_text day) { return of_text(CS_VALUE_DATE, day); }

cs_value cs_value_instant_ms(uint64_t moment) { return (cs_value){.is = CS_VALUE_INSTANT_MS, .instant_ms = moment}; }

cs_value cs_value_money(cs_text amount, cs_text currency) {
  return cs_is_there(amount) ? (cs_value){.is = CS_VALUE_MONEY, .money = {amount, currency}} : CS_ABSENT;
}

cs_value cs_value_reference(cs_text kind, cs_text id) {
  return cs_is_there(id) ? (cs_value){.is = CS_VALUE_REFERENCE, .reference = {kind, id}} : CS_ABSENT;
}

bool cs_same(cs_value one, cs_value other) {
  if (one.is != other.is) return false;
  switch (one.is) {
    case CS_VALUE_ABSENT:
      return true;
    case CS_VALUE_FLAG:
      return one.flag == other.flag;
    case CS_VALUE_INTEGER:
      return one.integer == other.integer;
    case CS_VALUE_INSTANT_MS:
      return one.instant_ms == other.instant_ms;
    case CS_VALUE_MONEY:
      return cs_equal(one.money.amount, other.money.amount) && cs_equal(one.money.currency, other.money.currency);
    case CS_VALUE_REFERENCE:
      return cs_equal(one.reference.kind, other.reference.kind) && cs_equal(one.reference.id, other.reference.id);
    case CS_VALUE_DECIMAL:
    case CS_VALUE_TEXT:
    case CS_VALUE_DATE:
    case CS_VALUE_JSON:
      return cs_equal(one.text, other.text);
  }
  return false;
}

cs_field cs_named(const char *name, cs_value value) { return (cs_field){cs_text_of(name), value}; }

cs_fields cs_fields_of(cs_call *call, const cs_field *fields, size_t count) {
  cs_fields list = {0};
  for (size_t i = 0; i < count; i++) cs_add_field(call, &list, fields[i]);
  return list;
}

cs_value cs_value_of(cs_fields fields, cs_text name) {
  for (size_t i = 0; i < fields.count; i++) {
    if (cs_equal(fields.at[i].name, name)) return fields.at[i].value;
  }
  return CS_ABSENT;
}

// ---- Money ----

cs_text cs_amount_of_minor(cs_call *call, int64_t minor, unsigned digits) {
  cs_text all = cs_digits(call, minor);
  if (!digits || !cs_is_there(all)) return all;
  if (!CS_ASSERT(call, digits <= MINOR_DIGITS_MAX)) return CS_NOTHING;
  bool is_negative = minor < 0;
  cs_text number = {all.at + is_negative, all.length - is_negative};
  cs_text sign = is_negative ? CS("-") : CS("");
  if (number.length <= digits) {
    cs_text zeros = {"000000", digits + 1 - number.length};
    number = cs_join(call, zeros, number);
    if (!cs_is_there(number)) return CS_NOTHING;
  }
  size_t whole = number.length - digits;
  return cs_join(call, sign, ((cs_text){number.at, whole}), CS("."), ((cs_text){number.at + whole, digits}));
}

unsigned cs_currency_digits(cs_text currency) {
  static const struct {
    unsigned digits;
    const char *codes;
  } odd[] = {
      {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
      {3, "BHD IQD JOD KWD LYD OMR TND"},
      {4, "CLF UYW"},
  };
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    for (const char *code = odd[i].codes;; code += 4) {
      if (cs_equal(currency, (cs_text){code, 3})) return odd[i].digits;
      if (!code[3]) break;
    }
  }
  return 2;
}

bool cs_to_minor(cs_text amount, unsigned digits, int64_t *minor) {
  if (!cs_is_decimal(amount)) return false;
  bool is_negative = amount.at[0] == '-', is_behind = false;
  uint64_t most = (uint64_t)INT64_MAX + is_negative, sum = 0;
  unsigned behind = 0;
  for (size_t i = is_negative; i < amount.length; i++) {
    if (amount.at[i] == '.') {
      is_behind = true;
      continue;
    }
    uint64_t digit = (uint64_t)(amount.at[i] - '0');
    if (is_behind && behind == digits) {
      // What is finer than the unit must be zeros.
      if (digit) return false;
      continue;
    }
    if ((most - digit) / 10 < sum) return false;
    sum = sum * 10 + digit;
    behind += is_behind;
  }
  for (; behind < digits; behind++) {
    if (most / 10 < sum) return false;
    sum *= 10;
  }
  *minor = is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
  return true;
}

int64_t cs_minor_of(cs_call *call, cs_money money, unsigned digits) {
  int64_t minor = 0;
  if (cs_to_minor(money.amount, digits, &minor)) return minor;
  cs_text shown = cs_shortened(call, money.amount), places = cs_digits(call, digits);
  cs_rejected(call, "bad-amount", cs_join(call, CS("the amount `"), shown, CS("` "), money.currency,
                                          CS(" does not fit "), places, CS(" digits after the point")));
  return 0;
}

// ---- Inputs ----

// The word of the contract for a value's type.
static const char *word_of(cs_value_case is) {
  switch (is) {
    case CS_VALUE_ABSENT:
      return "absent";
    case CS_VALUE_FLAG:
      return "flag";
    case CS_VALUE_INTEGER:
      return "integer";
    case CS_VALUE_DECIMAL:
      return "decimal";
    case CS_VALUE_TEXT:
      return "text";
    case CS_VALUE_DATE:
      return "date";
    case CS_VALUE_INSTANT_MS:
      return "instant-ms";
    case CS_VALUE_MONEY:
      return "money";
    case CS_VALUE_REFERENCE:
      return "reference";
    case CS_VALUE_JSON:
      return "json";
  }
  return "of no type";
}

static void wrong(cs_call *call, const char *name, const char *wanted, const char *found) {
  cs_text field = cs_text_of(name);
  cs_text message = cs_join(call, CS("the field `"), field, CS("` must be "), cs_text_of(wanted), CS(", not "),
                            cs_text_of(found));
  cs_add_text(call, &cs_rejected(call, "bad-input", message)->fields, field);
}

// The value of an input that must be of this type. If it is not, the call has failed, and this is what is empty.
static cs_value input(cs_call *call, const cs_proposal *what, const char *name, cs_value_case is, const char *wanted) {
  cs_value found = cs_value_of(what->fields, cs_text_of(name));
  if (found.is == is) return found;
  wrong(call, name, wanted, word_of(found.is));
  return CS_ABSENT;
}

cs_text cs_input_text(cs_call *call, const cs_proposal *what, const char *name) {
  cs_text text = input(call, what, name, CS_VALUE_TEXT, "text").text;
  if (cs_is_there(text) && !text.length) wrong(call, name, "text", "empty text");
  return text;
}

cs_text cs_input_optional_text(cs_call *call, const cs_proposal *what, const char *name) {
  if (cs_value_of(what->fields, cs_text_of(name)).is == CS_VALUE_ABSENT) return CS_NOTHING;
  return input(call, what, name, CS_VALUE_TEXT, "text").text;
}

cs_text cs_input_decimal(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_DECIMAL, "a decimal number").text;
}

cs_text cs_input_date(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_DATE, "a date").text;
}

cs_money cs_input_money(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_MONEY, "an amount of money").money;
}

int64_t cs_input_integer(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_INTEGER, "a whole number").integer;
}

uint64_t cs_input_instant_ms(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_INSTANT_MS, "a moment").instant_ms;
}

bool cs_input_flag(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_FLAG, "yes or no").flag;
}

cs_record cs_input_reference(cs_call *call, const cs_proposal *what, const char *name) {
  return input(call, what, name, CS_VALUE_REFERENCE, "a reference to a record").reference;
}

// ---- Plans and receipts ----

cs_plan cs_plan_update(cs_call *call, const cs_snapshot *now, cs_fields wanted) {
  cs_plan plan = {.subject = now->subject, .revision = now->revision};
  for (size_t i = 0; i < wanted.count; i++) {
    cs_field field = wanted.at[i];
    cs_value before = cs_value_of(now->fields, field.name);
    if (!cs_same(before, field.value)) cs_add_change(call, &plan.changes, (cs_change){field.name, before, field.value});
  }
  return plan;
}

cs_plan cs_plan_creation(cs_call *call, const cs_proposal *what) {
  cs_plan plan = {.subject = what->subject};
  for (size_t i = 0; i < what->fields.count; i++) {
    cs_field field = what->fields.at[i];
    cs_add_change(call, &plan.changes, (cs_change){field.name, CS_ABSENT, field.value});
  }
  return plan;
}

static bool is_planned(const cs_plan *plan, cs_text name) {
  for (size_t i = 0; i < plan->changes.count; i++) {
    if (cs_equal(plan->changes.at[i].name, name)) return true;
  }
  return false;
}

cs_proposal cs_sealed(cs_call *call, const cs_effect *effect) {
  const cs_plan *plan = &effect->plan;
  cs_proposal sealed = {.operation = effect->what.operation, .subject = plan->subject};
  for (size_t i = 0; i < plan->changes.count; i++) {
    cs_change change = plan->changes.at[i];
    cs_add_field(call, &sealed.fields, (cs_field){change.name, change.after});
  }
  for (size_t i = 0; i < effect->what.fields.count; i++) {
    cs_field asked = effect->what.fields.at[i];
    if (!is_planned(plan, asked.name)) cs_add_field(call, &sealed.fields, asked);
  }
  return sealed;
}

cs_receipt cs_receipt_of(cs_call *call, const cs_effect *effect, const cs_snapshot *now) {
  cs_receipt receipt = {.subject = now->subject, .revision = now->revision, .url = now->url};
  for (size_t i = 0; i < effect->plan.changes.count; i++) {
    cs_text name = effect->plan.changes.at[i].name;
    cs_add_field(call, &receipt.applied, (cs_field){name, cs_value_of(now->fields, name)});
  }
  return receipt;
}

cs_failure *cs_not_found(cs_call *call, cs_record subject) {
  cs_text name = cs_join(call, CS("the target has no record `"), subject.kind, CS("/"), subject.id, CS("`"));
  return cs_rejected(call, "not-found", name);
}

cs_failure *cs_unknown_operation(cs_call *call, cs_text name) {
  return cs_rejected(call, "unknown-operation", cs_join(call, CS("this connector has no operation `"), name, CS("`")));
}

cs_failure *cs_unknown_kind(cs_call *call, cs_text kind) {
  cs_text message = cs_join(call, CS("records of the kind `"), kind, CS("` cannot be used here"));
  return cs_rejected(call, "unknown-kind", message);
}
