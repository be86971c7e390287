// `post-entry`: a journal entry of two lines. It is found again by its number, which is made of the effect's id.
// Source: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/journalentry

package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/sdk"
)

const (
	// narrationCharactersMax is how long a `PrivateNote` may be.
	narrationCharactersMax = 4_000
	// numberBytesMax is how long a `DocNumber` may be.
	numberBytesMax = 21
	// keyBytesMax is how long a `requestid` may be. Source: https://blogs.intuit.com/2015/04/06/15346/
	keyBytesMax = 50

	lineDetail = "JournalEntryLineDetail"
	debit      = "Debit"
	credit     = "Credit"
)

func planEntry(context sdk.Context, what sdk.Proposal, nowMs uint64) (none sdk.WritePlan, err error) {
	narration, err := line(what, "narration")
	if err != nil {
		return none, err
	}
	if !isConnections(what.Subject) {
		if _, err := readCompany(context, what.Subject); err != nil {
			return none, err
		}
	}
	books, err := readBooks(context)
	if err != nil {
		return none, err
	}
	amount, currency, err := positive(what)
	if err != nil {
		return none, err
	}
	if currency != books.currency() {
		message := fmt.Sprintf("the amount is in %s, and the books are in %s", currency, books.currency())
		return none, sdk.Rejected("wrong-currency", message, "amount")
	}
	day := time.UnixMilli(int64(nowMs)).UTC().Format(time.DateOnly)
	if day <= books.closed() {
		message := fmt.Sprintf("the books are closed up to %s, and the entry is of %s", books.closed(), day)
		return none, sdk.Rejected("locked-period", message)
	}
	from, to, err := bothAccounts(context, what, currency)
	if err != nil {
		return none, err
	}
	plan := sdk.Creation(sdk.Proposal{Subject: what.Subject, Fields: []sdk.Field{
		sdk.Named("amount", amount.value(currency)),
		sdk.Named("debit_account", sdk.RecordRef{Kind: kindAccount, ID: from.ID}),
		sdk.Named("credit_account", sdk.RecordRef{Kind: kindAccount, ID: to.ID}),
		sdk.Named("narration", sdk.Text(narration)),
		sdk.Named("date", sdk.Date(day)),
	}})
	plan.Remarks = []string{fmt.Sprintf("debits `%s`, credits `%s`", from.label(), to.label())}
	return plan, nil
}

// bothAccounts gives the account that is debited and the one that is credited.
func bothAccounts(context sdk.Context, what sdk.Proposal, currency string) (from, to account, err error) {
	var found [2]account
	all, err := allAccounts(context)
	if err != nil {
		return from, to, err
	}
	for place, field := range []string{"debit_account", "credit_account"} {
		wanted, err := what.Text(field)
		if err != nil {
			return from, to, err
		}
		if found[place], err = named(all, field, wanted, currency); err != nil {
			return from, to, err
		}
	}
	if found[0].ID == found[1].ID {
		return from, to, sdk.Rejected("bad-input", "an entry from an account to itself changes nothing", "credit_account")
	}
	return found[0], found[1], nil
}

// line gives text that is one line of a bearable length.
func line(what sdk.Proposal, name string) (string, error) {
	text, err := what.Text(name)
	if err != nil {
		return "", err
	}
	fits := utf8.RuneCountInString(text) <= narrationCharactersMax && strings.TrimSpace(text) == text
	if !fits || strings.ContainsFunc(text, unicode.IsControl) {
		message := fmt.Sprintf("the field `%s` must be one line of at most %d characters, without white space at its ends",
			name, narrationCharactersMax)
		return "", sdk.Rejected("bad-input", message, name)
	}
	return text, nil
}

// newEntry is what is sent.
type newEntry struct {
	DocNumber   string
	TxnDate     string
	PrivateNote string
	CurrencyRef reference
	Line        [2]newLine
}

type newLine struct {
	Amount     json.Number
	DetailType string
	Detail     detail `json:"JournalEntryLineDetail"`
}

type detail struct {
	PostingType string
	AccountRef  reference
}

// sealedEntry is the entry that was sealed.
func sealedEntry(effect sdk.Effect) (of newEntry, err error) {
	sealed := effect.Sealed()
	amount, currency, err := positive(sealed)
	if err != nil {
		return of, err
	}
	day, err := sealed.Date("date")
	if err != nil {
		return of, err
	}
	narration, err := line(sealed, "narration")
	if err != nil {
		return of, err
	}
	of = newEntry{DocNumber: number(effect), TxnDate: day, PrivateNote: narration, CurrencyRef: reference{currency}}
	for place, posting := range []string{debit, credit} {
		field := strings.ToLower(posting) + "_account"
		account, isOne := sdk.ValueOf(sealed.Fields, field).(sdk.RecordRef)
		if !isOne || account.Kind != kindAccount {
			return of, sdk.Rejected("bad-input", fmt.Sprintf("the field `%s` must name an account", field), field)
		}
		of.Line[place] = newLine{amount.number(), lineDetail, detail{posting, reference{account.ID}}}
	}
	return of, nil
}

// number is the number of the effect's entry: as much of the end of its id, which is a digest, as fits.
func number(effect sdk.Effect) string { return end(effect.EffectID, numberBytesMax) }

func end(of string, bytesMax int) string { return of[max(0, len(of)-bytesMax):] }

func applyEntry(context sdk.Context, effect sdk.Effect) (none sdk.Receipt, err error) {
	wanted, err := sealedEntry(effect)
	if err != nil {
		return none, err
	}
	found, err := search(context, effect)
	if err != nil {
		return none, err
	}
	if found != nil {
		return effect.Receipt(found.snapshot(found.subject(), wanted.CurrencyRef.Value)), nil
	}
	draft := begun(context.Post(api, "/journalentry")).Query("requestid", end(effect.EffectID, keyBytesMax))
	answer, err := settled(draft.JSON(wanted).Step(postEntry))
	if err != nil {
		return none, err
	}
	var made oneEntry
	if err := answer.JSON(&made); err != nil {
		return none, err
	}
	now := made.JournalEntry
	if now.DocNumber != wanted.DocNumber {
		return none, answer.Unreadable("the entry that it tells of is not the one that was asked for")
	}
	receipt := effect.Receipt(now.snapshot(now.subject(), wanted.CurrencyRef.Value))
	receipt.VendorRequestID = requestID(answer)
	return receipt, nil
}

func probeEntry(context sdk.Context, effect sdk.Effect) (sdk.Finding, error) {
	found, err := search(context, effect)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return sdk.NotThere{}, nil
	}
	amount, err := effect.Sealed().Money("amount")
	if err != nil {
		return nil, err
	}
	return sdk.Landed{Receipt: effect.Receipt(found.snapshot(found.subject(), amount.Currency))}, nil
}

// search looks for the entry of the effect; `nil` if there is none.
func search(context sdk.Context, effect sdk.Effect) (*entry, error) {
	wanted := number(effect)
	found, answer, err := query(context, "SELECT * FROM JournalEntry WHERE DocNumber = "+quoted(wanted))
	if err != nil {
		return nil, err
	}
	entries := found.Response.JournalEntry
	for _, one := range entries {
		if one.DocNumber != wanted {
			return nil, answer.Unreadable("an entry of another number")
		}
	}
	switch len(entries) {
	case 0:
		return nil, nil
	case 1:
		return &entries[0], nil
	}
	return nil, sdk.Uncertain("several", fmt.Sprintf("QuickBooks has %d entries of the number `%s`", len(entries), wanted))
}

// entry is a journal entry, as QuickBooks tells it.
type entry struct {
	ID          string `json:"Id"`
	SyncToken   string
	DocNumber   string
	TxnDate     string
	PrivateNote string
	CurrencyRef reference
	Line        []struct {
		Amount     json.Number
		DetailType string
		Detail     detail `json:"JournalEntryLineDetail"`
	}
}

// Valid says what is wrong with it.
func (now entry) Valid() error {
	if now.ID == "" || now.SyncToken == "" || len(now.Line) == 0 {
		return errors.New("that is no journal entry")
	}
	return nil
}

// oneEntry is the answer to a read of one, or to its creation.
type oneEntry struct{ JournalEntry entry }

// Valid says what is wrong with it.
func (of oneEntry) Valid() error { return of.JournalEntry.Valid() }

func (now entry) subject() sdk.RecordRef { return sdk.RecordRef{Kind: kindEntry, ID: now.ID} }

func fetchEntry(context sdk.Context, subject sdk.RecordRef) (none sdk.Snapshot, err error) {
	var of oneEntry
	if err := record(context, subject, "journalentry", &of); err != nil {
		return none, err
	}
	currency := of.JournalEntry.CurrencyRef.Value
	if currency == "" {
		books, err := readBooks(context)
		if err != nil {
			return none, err
		}
		currency = books.currency()
	}
	return of.JournalEntry.snapshot(subject, currency), nil
}

// snapshot is what the entry holds; `currency` is that of the books, where it does not say its own.
func (now entry) snapshot(subject sdk.RecordRef, currency string) sdk.Snapshot {
	if now.CurrencyRef.Value != "" {
		currency = now.CurrencyRef.Value
	}
	amount, from, to := now.posted(currency)
	return sdk.Snapshot{Subject: subject, Revision: sdk.Some(now.SyncToken), Fields: []sdk.Field{
		sdk.Named("amount", amount),
		sdk.Named("debit_account", from),
		sdk.Named("credit_account", to),
		sdk.Named("narration", text(now.PrivateNote)),
		sdk.Named("date", date(now.TxnDate)),
		sdk.Named("number", text(now.DocNumber)),
	}}
}

// posted gives amount, account that is debited and account that is credited, if it is of two lines that balance.
func (now entry) posted(currency string) (amount, from, to sdk.Value) {
	sides := map[string]sdk.Value{}
	amounts := map[cents]bool{}
	for _, line := range now.Line {
		if line.DetailType == "DescriptionOnly" {
			continue
		}
		posted, fits := centsOf(line.Amount.String())
		if _, again := sides[line.Detail.PostingType]; again || !fits || posted <= 0 || line.Detail.AccountRef.Value == "" {
			return sdk.Absent{}, sdk.Absent{}, sdk.Absent{}
		}
		sides[line.Detail.PostingType] = sdk.RecordRef{Kind: kindAccount, ID: line.Detail.AccountRef.Value}
		amounts[posted] = true
		amount = posted.value(currency)
	}
	from, hasDebit := sides[debit]
	to, hasCredit := sides[credit]
	if !hasDebit || !hasCredit || len(sides) != 2 || len(amounts) != 1 {
		return sdk.Absent{}, sdk.Absent{}, sdk.Absent{}
	}
	return amount, from, to
}
