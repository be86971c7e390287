// Package connector is the connector to QuickBooks Online: it posts journal entries.
//
// QuickBooks takes an idempotency key (`requestid`), but does not say how long it keeps it, and people have seen it pass
// a repeat through (https://github.com/intuit/QuickBooks-V3-DotNET-SDK/issues/352). So the number of an entry is made of
// the effect's id, `Probe` looks for it, and `Apply` looks before it writes: `by-probe`. The key is sent all the same.
package connector

import "countersign/sdk"

const (
	postEntry = "post-entry"

	kindCompany = "company"
	kindAccount = "account"
	kindEntry   = "journal-entry"
)

var (
	_ sdk.Writer   = quickbooks{}
	_ sdk.Webhooks = quickbooks{}
)

// New gives the connector; the component calls it once.
func New() sdk.Connector { return quickbooks{} }

type quickbooks struct{}

func (quickbooks) Describe() sdk.Descriptor {
	post := sdk.Operation{
		Name:      postEntry,
		Kind:      kindCompany,
		Guarantee: sdk.ByProbe,
		Input: sdk.Object{
			"type":     "object",
			"required": []string{"amount", "debit_account", "credit_account", "narration"},
			"properties": sdk.Object{
				"amount":         sdk.Object{"title": "Amount, in the currency of the books"},
				"debit_account":  sdk.Object{"title": "Number or full name of the account that is debited"},
				"credit_account": sdk.Object{"title": "Number or full name of the account that is credited"},
				"narration":      sdk.Object{"title": "What the entry is for"},
			},
			"additionalProperties": false,
		},
	}
	return sdk.Descriptor{
		Name:       "countersign.quickbooks",
		Version:    "0.1.0",
		System:     "quickbooks",
		Kinds:      []string{kindCompany, kindAccount, kindEntry},
		Operations: []sdk.Operation{post},
	}
}

func (quickbooks) Check(context sdk.Context) error {
	_, err := readBooks(context)
	return err
}

func (quickbooks) Fetch(context sdk.Context, subject sdk.RecordRef) (sdk.Snapshot, error) {
	switch subject.Kind {
	case kindCompany:
		return fetchCompany(context, subject)
	case kindAccount:
		return fetchAccount(context, subject)
	case kindEntry:
		return fetchEntry(context, subject)
	}
	return sdk.Snapshot{}, sdk.UnknownKind(subject.Kind)
}

func (quickbooks) Plan(context sdk.Context, what sdk.Proposal, nowMs uint64) (sdk.WritePlan, error) {
	if err := isOurs(what); err != nil {
		return sdk.WritePlan{}, err
	}
	return planEntry(context, what, nowMs)
}

func (quickbooks) Apply(context sdk.Context, effect sdk.Effect) (sdk.Receipt, error) {
	if err := isOurs(effect.What); err != nil {
		return sdk.Receipt{}, err
	}
	return applyEntry(context, effect)
}

func (quickbooks) Probe(context sdk.Context, effect sdk.Effect) (sdk.Finding, error) {
	if err := isOurs(effect.What); err != nil {
		return nil, err
	}
	return probeEntry(context, effect)
}

// isOurs refuses what is none of our operations, or about another kind of record.
func isOurs(what sdk.Proposal) error {
	if what.Operation != postEntry {
		return sdk.UnknownOperation(what.Operation)
	}
	if what.Subject.Kind != kindCompany {
		return sdk.UnknownKind(what.Subject.Kind)
	}
	return nil
}
