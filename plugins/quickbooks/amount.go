// Amounts: QuickBooks' JSON has them as numbers. They are read and written digit for digit.

package connector

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"countersign/sdk"
)

const (
	// digits behind the point that a journal entry is posted with.
	digits = 2
	// wholeDigitsMax is how many digits QuickBooks takes before the point.
	wholeDigitsMax = 10
)

// cents is an amount in hundredths.
type cents int64

// centsOf reads decimal text; false if it is none, is too large, or is finer than a hundredth.
func centsOf(text string) (cents, bool) {
	whole, part, _ := strings.Cut(text, ".")
	part = strings.TrimRight(part, "0")
	size := len(strings.TrimPrefix(whole, "-"))
	if digits < len(part) || size == 0 || wholeDigitsMax < size {
		return 0, false
	}
	number, err := strconv.ParseInt(whole+part+strings.Repeat("0", digits-len(part)), 10, 64)
	return cents(number), err == nil
}

func (of cents) String() string { return fmt.Sprintf("%d.%02d", of/100, of%100) }

// number is a positive amount as JSON has it.
func (of cents) number() json.Number { return json.Number(of.String()) }

// value is the amount in a currency. Without cents it has no digits behind the point: not every currency has hundredths.
func (of cents) value(currency string) sdk.Value {
	return sdk.Money{Amount: strings.TrimSuffix(of.String(), ".00"), Currency: currency}
}

// positive gives the input `amount`, which must be more than nothing.
func positive(what sdk.Proposal) (cents, string, error) {
	money, err := what.Money("amount")
	if err != nil {
		return 0, "", err
	}
	amount, fits := centsOf(money.Amount)
	if !fits || amount <= 0 {
		message := "the amount must be more than nothing, not finer than a hundredth and of at most 10 digits before the point"
		return 0, "", sdk.Rejected("bad-amount", message, "amount")
	}
	return amount, money.Currency, nil
}
