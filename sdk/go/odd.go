package sdk

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// OddValue is the code of a failure because of a value that the contract does not know.
const OddValue = "odd-value"

const (
	// idBytesMax is the longest id of a record.
	idBytesMax = 2_048
	// textBytesMax is the longest text.
	textBytesMax = 256 * 1024
	// digitsMax is the most digits before the point of a number, and after it.
	digitsMax = 40
)

// What leaves the connector is looked at: a target's odd value becomes a failure that names the field. Each of
// these says what is odd, or nothing.

// Oddity of a page.
func (page Page) Oddity() string {
	for _, item := range page.Items {
		if odd := item.Oddity(); odd != "" {
			return odd
		}
	}
	return oddPlace(page.Next)
}

// Oddity of a snapshot.
func (now Snapshot) Oddity() string {
	place := first(oddPlace(now.Revision, now.URL), oddURL(now.URL))
	return first(oddRecord(now.Subject), place, oddFields(now.Fields))
}

// Oddity of a plan.
func (plan WritePlan) Oddity() string {
	var fields []Field
	for _, change := range plan.Changes {
		fields = append(fields, Field{change.Name, change.Before}, Field{change.Name, change.After})
	}
	for _, remark := range plan.Remarks {
		if !isText(remark, textBytesMax) {
			return "a remark is no text"
		}
	}
	return first(oddRecord(plan.Subject), oddPlace(plan.Revision), oddFields(fields))
}

// Oddity of a receipt.
func (receipt Receipt) Oddity() string {
	place := first(oddPlace(receipt.Revision, receipt.URL, receipt.VendorRequestID), oddURL(receipt.URL))
	return first(oddRecord(receipt.Subject), place, oddPairs(receipt.Extra), oddFields(receipt.Applied))
}

// Oddity of a draft.
func (draft DraftIntent) Oddity() string {
	place := oddPlace(&draft.IntentType, &draft.DedupeKey, draft.Requester)
	return first(oddRecord(draft.Source), place, oddFields(draft.Fields))
}

// Oddity of a record's name.
func (subject RecordRef) Oddity() string { return oddRecord(subject) }

func first(oddities ...string) string {
	for _, odd := range oddities {
		if odd != "" {
			return odd
		}
	}
	return ""
}

func oddRecord(subject RecordRef) string {
	if isText(subject.Kind, idBytesMax) && isText(subject.ID, idBytesMax) {
		return ""
	}
	return "the id of the record is none"
}

func oddPlace(places ...*string) string {
	for _, place := range places {
		if place != nil && !isText(*place, idBytesMax) {
			return "the revision or the address of the record is no text"
		}
	}
	return ""
}

// oddURL looks at what a person will click on.
func oddURL(url *string) string {
	if url == nil || strings.HasPrefix(*url, "https://") || strings.HasPrefix(*url, "http://") {
		return ""
	}
	return "the address of the record is " + unless(false, *url, "web address")
}

func oddPairs(pairs []Pair) string {
	for _, pair := range pairs {
		if !isText(pair.Name, idBytesMax) || !isText(pair.Value, textBytesMax) {
			return "what else is said of the record is no text"
		}
	}
	return ""
}

func oddFields(fields []Field) string {
	for _, field := range fields {
		if !isText(field.Name, idBytesMax) {
			return "the name of a field is no text"
		}
		if odd := odd(field.Value); odd != "" {
			return fmt.Sprintf("`%s` of the record is %s", field.Name, odd)
		}
	}
	return ""
}

func odd(value Value) string {
	switch value := value.(type) {
	case Absent, Flag, Integer, InstantMs:
		return ""
	case Decimal:
		return unless(isDecimal(string(value)), string(value), "decimal number")
	case Date:
		return unless(isDate(string(value)), string(value), "date such as 2026-11-23")
	case Money:
		if !isCurrency(value.Currency) {
			return unless(false, value.Currency, "currency such as EUR")
		}
		return unless(isAmount(value), value.Amount, "amount of "+value.Currency)
	case RecordRef:
		return unless(oddRecord(value) == "", value.ID, "id of a record")
	case Text:
		return oddText(string(value))
	case JSON:
		return oddText(string(value))
	}
	return "no value; say `Absent{}` for nothing"
}

func oddText(text string) string {
	if isText(text, textBytesMax) {
		return ""
	}
	return "no text of a bearable length"
}

func unless(fine bool, found, what string) string {
	if fine {
		return ""
	}
	return fmt.Sprintf("`%.40s`, which is no %s", strings.ToValidUTF8(found, "\ufffd"), what)
}

func isText(text string, bytesMax int) bool { return len(text) <= bytesMax && utf8.ValidString(text) }

func isDecimal(text string) bool {
	whole, part, hasPoint := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return isDigits(whole) && (!hasPoint || isDigits(part))
}

// CurrencyDigits is how many digits a currency has after the point (ISO 4217, table A.1), as the host counts them: an
// answer with more is refused.
func CurrencyDigits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

// isAmount says no to what is finer than its currency, or too large for 63 bits of minor units.
func isAmount(money Money) bool {
	whole, behind, _ := strings.Cut(strings.TrimPrefix(money.Amount, "-"), ".")
	missing := CurrencyDigits(money.Currency) - len(behind)
	if !isDecimal(money.Amount) || missing < 0 {
		return false
	}
	_, err := strconv.ParseInt(whole+behind+strings.Repeat("0", missing), 10, 64)
	return err == nil
}

func isDigits(text string) bool {
	return text != "" && len(text) <= digitsMax && strings.Trim(text, "0123456789") == ""
}

func isCurrency(text string) bool {
	return len(text) == 3 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
