package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Named is a field of this name.
func Named(name string, value Value) Field { return Field{Name: name, Value: value} }

// OptionalText is text, or nothing for `nil`.
func OptionalText(text *string) Value {
	if text == nil {
		return Absent{}
	}
	return Text(*text)
}

// JSONValue is nested data, its members sorted: equal data is equal text. Numbers keep the digits that they have.
func JSONValue(data any) (Value, error) {
	text, err := stable(data)
	if err != nil {
		return nil, err
	}
	// Once more as plain data: the members of a struct are not sorted.
	var plain any
	reader := json.NewDecoder(bytes.NewReader([]byte(text)))
	reader.UseNumber()
	if err := reader.Decode(&plain); err != nil {
		return nil, err
	}
	text, err = stable(plain)
	return JSON(text), err
}

// ValueOf gives the value of the field of this name; [Absent] if there is none.
func ValueOf(fields []Field, name string) Value {
	for _, field := range fields {
		if field.Name == name && field.Value != nil {
			return field.Value
		}
	}
	return Absent{}
}

// input gives an input that must be of a type.
func input[T Value](what Proposal, name, wanted string) (T, error) {
	found := ValueOf(what.Fields, name)
	if value, fits := found.(T); fits {
		return value, nil
	}
	var none T
	return none, wrong(name, wanted, kindOf(found))
}

func wrong(name, wanted, found string) error {
	return Rejected("bad-input", fmt.Sprintf("the field `%s` must be %s, not %s", name, wanted, found), name)
}

// kindOf is the word of the contract for a value's type.
func kindOf(value Value) string {
	switch value.(type) {
	case Flag:
		return "flag"
	case Integer:
		return "integer"
	case Decimal:
		return "decimal"
	case Text:
		return "text"
	case Date:
		return "date"
	case InstantMs:
		return "instant-ms"
	case Money:
		return "money"
	case RecordRef:
		return "reference"
	case JSON:
		return "json"
	}
	return "absent"
}

// Text gives an input that must be text and not empty.
func (what Proposal) Text(name string) (string, error) {
	text, err := input[Text](what, name, "text")
	if err == nil && text == "" {
		return "", wrong(name, "text", "empty text")
	}
	return string(text), err
}

// OptionalText gives an input that is text, or was left out.
func (what Proposal) OptionalText(name string) (*string, error) {
	if ValueOf(what.Fields, name) == (Absent{}) {
		return nil, nil
	}
	text, err := input[Text](what, name, "text")
	return Some(string(text)), err
}

// Money gives an input that must be an amount of money.
func (what Proposal) Money(name string) (Money, error) {
	return input[Money](what, name, "an amount of money")
}

// Decimal gives an input that must be a decimal number, as text.
func (what Proposal) Decimal(name string) (string, error) {
	found, err := input[Decimal](what, name, "a decimal number")
	return string(found), err
}

// Integer gives an input that must be a whole number.
func (what Proposal) Integer(name string) (int64, error) {
	found, err := input[Integer](what, name, "a whole number")
	return int64(found), err
}

// Date gives an input that must be a day, `YYYY-MM-DD`.
func (what Proposal) Date(name string) (string, error) {
	found, err := input[Date](what, name, "a date")
	return string(found), err
}

// InstantMs gives an input that must be a moment, in milliseconds since 1970-01-01T00:00:00Z.
func (what Proposal) InstantMs(name string) (uint64, error) {
	found, err := input[InstantMs](what, name, "a moment")
	return uint64(found), err
}

// Flag gives an input that must be yes or no.
func (what Proposal) Flag(name string) (bool, error) {
	found, err := input[Flag](what, name, "yes or no")
	return bool(found), err
}

// Reference gives an input that must point to another record.
func (what Proposal) Reference(name string) (RecordRef, error) {
	return input[RecordRef](what, name, "a reference to a record")
}

// Update is the plan of an update: each wanted field that the record does not hold already.
func Update(now Snapshot, wanted ...Field) WritePlan {
	plan := WritePlan{Subject: now.Subject, Revision: now.Revision}
	for _, field := range wanted {
		if before := ValueOf(now.Fields, field.Name); before != field.Value {
			plan.Changes = append(plan.Changes, Change{field.Name, before, field.Value})
		}
	}
	return plan
}

// Creation is the plan of a creation: every field of the proposal, from nothing to what was asked for.
func Creation(what Proposal) WritePlan {
	plan := WritePlan{Subject: what.Subject}
	for _, field := range what.Fields {
		plan.Changes = append(plan.Changes, Change{field.Name, Absent{}, field.Value})
	}
	return plan
}

// Sealed is what was asked for, with the values that were sealed: make requests of this, never of `What`.
func (effect Effect) Sealed() Proposal {
	sealed := Proposal{Operation: effect.What.Operation, Subject: effect.Plan.Subject}
	planned := map[string]bool{}
	for _, change := range effect.Plan.Changes {
		planned[change.Name] = true
		sealed.Fields = append(sealed.Fields, Field{change.Name, change.After})
	}
	for _, asked := range effect.What.Fields {
		if !planned[asked.Name] {
			sealed.Fields = append(sealed.Fields, asked)
		}
	}
	return sealed
}

// Receipt is a receipt for this record: of each planned field what `now` holds.
func (effect Effect) Receipt(now Snapshot) Receipt {
	receipt := Receipt{Subject: now.Subject, Revision: now.Revision, URL: now.URL}
	for _, change := range effect.Plan.Changes {
		receipt.Applied = append(receipt.Applied, Field{change.Name, ValueOf(now.Fields, change.Name)})
	}
	return receipt
}
