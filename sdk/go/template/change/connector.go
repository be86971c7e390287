// Package connector is the connector to Acme: it prices quotes.
package connector

import (
	"errors"
	"strconv"

	"countersign/sdk"
)

// New gives the connector; the component calls it once.
func New() sdk.Connector { return quotes{} }

type quotes struct{}

// quote is a quote, as Acme tells it.
type quote struct {
	Status    string `json:"status"`
	Version   *int64 `json:"version"`
	NetAmount string `json:"net_amount"`
	Currency  string `json:"currency"`

	Reason *string `json:"reason"`
	// The effect that it was priced by.
	Reference *string `json:"reference"`
}

// Valid says what is wrong with an answer that is no quote.
func (now quote) Valid() error {
	if now.Status == "" || now.Version == nil {
		return errors.New("it is no quote")
	}
	return nil
}

func (now quote) snapshot(id string) sdk.Snapshot {
	return sdk.Snapshot{
		Subject:  sdk.RecordRef{Kind: "quote", ID: id},
		Revision: sdk.Some(strconv.FormatInt(*now.Version, 10)),
		Fields: []sdk.Field{
			sdk.Named("status", sdk.Text(now.Status)),
			sdk.Named("net_amount", sdk.Money{Amount: now.NetAmount, Currency: now.Currency}),
			sdk.Named("reason", sdk.OptionalText(now.Reason)),
		},
	}
}

func read(context sdk.Context, id string) (now quote, err error) {
	answer, err := context.Get("api", sdk.Path("quotes", id)).Read().OK()
	if err != nil {
		return now, err
	}
	err = answer.JSON(&now)
	return now, err
}

func (quotes) Describe() sdk.Descriptor {
	offered := sdk.Operation{
		Name:      "set-price",
		Kind:      "quote",
		Guarantee: sdk.ByKey,
		Input: sdk.Object{
			"type": "object",
			"required": []string{
				"net_amount",
				"reason",
			},
			"properties": sdk.Object{
				"net_amount": sdk.Object{"title": "Net amount"},
				"reason":     sdk.Object{"title": "Why"},
			},
		},
	}
	return sdk.Descriptor{
		Name:       "acme.quotes",
		Version:    "0.1.0",
		System:     "acme",
		Kinds:      []string{"quote"},
		Operations: []sdk.Operation{offered},
	}
}

func (quotes) Check(context sdk.Context) error {
	_, err := context.Get("api", "/quotes/").Query("limit", "1").Read().OK()
	return err
}

func (quotes) Fetch(context sdk.Context, subject sdk.RecordRef) (sdk.Snapshot, error) {
	now, err := read(context, subject.ID)
	if err != nil {
		return sdk.Snapshot{}, err
	}
	return now.snapshot(subject.ID), nil
}

func (of quotes) Plan(context sdk.Context, what sdk.Proposal, _ uint64) (plan sdk.WritePlan, err error) {
	var amount sdk.Money
	if amount, err = what.Money("net_amount"); err != nil {
		return plan, err
	}
	reason, err := what.Text("reason")
	if err != nil {
		return plan, err
	}
	now, err := of.Fetch(context, what.Subject)
	if err != nil {
		return plan, err
	}
	return sdk.Update(
		now,
		sdk.Named("status", sdk.Text("priced")),
		sdk.Named("net_amount", amount),
		sdk.Named("reason", sdk.Text(reason)),
	), nil
}

func (quotes) Apply(context sdk.Context, effect sdk.Effect) (receipt sdk.Receipt, err error) {
	id, what := effect.Plan.Subject.ID, effect.Sealed()
	var amount sdk.Money
	if amount, err = what.Money("net_amount"); err != nil {
		return receipt, err
	}
	reason, err := what.Text("reason")
	if err != nil {
		return receipt, err
	}
	body := sdk.Object{
		"net_amount": amount.Amount,
		"currency":   amount.Currency,
		"reason":     reason,
		"reference":  effect.EffectID,
		"if_version": effect.Plan.Revision,
	}
	answer, err := context.Post("api", sdk.Path("quotes", id, "price")).JSON(body).Step("price").OK()
	if err != nil {
		return receipt, err
	}
	var now quote
	if err := answer.JSON(&now); err != nil {
		return receipt, err
	}
	receipt = effect.Receipt(now.snapshot(id))
	receipt.VendorRequestID = answer.RequestID()
	return receipt, nil
}

func (quotes) Probe(context sdk.Context, effect sdk.Effect) (sdk.Finding, error) {
	id := effect.Plan.Subject.ID
	now, err := read(context, id)
	if err != nil {
		return nil, err
	}
	if now.Reference == nil || *now.Reference != effect.EffectID {
		return sdk.NotThere{}, nil
	}
	return sdk.Landed{Receipt: effect.Receipt(now.snapshot(id))}, nil
}
