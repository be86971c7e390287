// Package connector is the connector to Acme: it creates refunds of payments.
package connector

import (
	"errors"

	"countersign/sdk"
)

// New gives the connector; the component calls it once.
func New() sdk.Connector { return refunds{} }

type refunds struct{}

// payment is a payment, as Acme tells it.
type payment struct {
	Status string `json:"status"`
}

// Valid says what is wrong with an answer that is no payment.
func (now payment) Valid() error {
	if now.Status == "" {
		return errors.New("it is no payment")
	}
	return nil
}

// refund is a refund, as Acme tells it.
type refund struct {
	ID       string `json:"id"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Reason   string `json:"reason"`

	// The effect that it was created by.
	Reference *string `json:"reference"`
}

// Valid says what is wrong with an answer that is no refund.
func (now refund) Valid() error {
	if now.ID == "" {
		return errors.New("it is no refund")
	}
	return nil
}

func (now refund) snapshot() sdk.Snapshot {
	return sdk.Snapshot{
		Subject: sdk.RecordRef{Kind: "refund", ID: now.ID},
		Fields: []sdk.Field{
			sdk.Named("amount", sdk.Money{Amount: now.Amount, Currency: now.Currency}),
			sdk.Named("reason", sdk.Text(now.Reason)),
		},
	}
}

// look gives what is there already by this effect; `nil` if there is nothing.
func look(context sdk.Context, effect sdk.Effect) (*refund, error) {
	place := sdk.Path("payments", effect.Plan.Subject.ID, "refunds")
	answer, err := context.Get("api", place).Query("reference", effect.EffectID).Read().OK()
	if err != nil {
		return nil, err
	}
	var all []refund
	if err := answer.JSON(&all); err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.Reference != nil && *one.Reference == effect.EffectID {
			return &one, nil
		}
	}
	return nil, nil
}

func (refunds) Describe() sdk.Descriptor {
	offered := sdk.Operation{
		Name:      "create-refund",
		Kind:      "payment",
		Guarantee: sdk.ByProbe,
		Input: sdk.Object{
			"type": "object",
			"required": []string{
				"amount",
				"reason",
			},
			"properties": sdk.Object{
				"amount": sdk.Object{"title": "Amount"},
				"reason": sdk.Object{"title": "Why"},
			},
			"additionalProperties": false,
		},
	}
	return sdk.Descriptor{
		Name:       "acme.refunds",
		Version:    "0.1.0",
		System:     "acme",
		Kinds:      []string{"payment", "refund"},
		Operations: []sdk.Operation{offered},
	}
}

func (refunds) Check(context sdk.Context) error {
	_, err := context.Get("api", "/payments/").Query("limit", "1").Read().OK()
	return err
}

func (refunds) Fetch(context sdk.Context, subject sdk.RecordRef) (none sdk.Snapshot, err error) {
	switch subject.Kind {
	case "payment":
		answer, err := context.Get("api", sdk.Path("payments", subject.ID)).Read().OK()
		if err != nil {
			return none, err
		}
		var now payment
		if err := answer.JSON(&now); err != nil {
			return none, err
		}
		status := sdk.Named("status", sdk.Text(now.Status))
		return sdk.Snapshot{Subject: subject, Fields: []sdk.Field{status}}, nil
	case "refund":
		answer, err := context.Get("api", sdk.Path("refunds", subject.ID)).Read().OK()
		if err != nil {
			return none, err
		}
		var now refund
		if err := answer.JSON(&now); err != nil {
			return none, err
		}
		return now.snapshot(), nil
	}
	return none, sdk.UnknownKind(subject.Kind)
}

func (of refunds) Plan(context sdk.Context, what sdk.Proposal, _ uint64) (none sdk.WritePlan, err error) {
	if _, err := what.Money("amount"); err != nil {
		return none, err
	}
	if _, err := what.Text("reason"); err != nil {
		return none, err
	}
	// What is to take it must be there: better said now than after somebody has approved.
	if _, err := of.Fetch(context, what.Subject); err != nil {
		return none, err
	}
	return sdk.Creation(what), nil
}

func (refunds) Apply(context sdk.Context, effect sdk.Effect) (none sdk.Receipt, err error) {
	// Acme takes no idempotency key: what an earlier attempt has made would be made once more.
	made, err := look(context, effect)
	if err != nil {
		return none, err
	}
	if made != nil {
		return effect.Receipt(made.snapshot()), nil
	}
	what := effect.Sealed()
	var amount sdk.Money
	if amount, err = what.Money("amount"); err != nil {
		return none, err
	}
	reason, err := what.Text("reason")
	if err != nil {
		return none, err
	}
	body := sdk.Object{
		"amount":    amount.Amount,
		"currency":  amount.Currency,
		"reason":    reason,
		"reference": effect.EffectID,
	}
	place := sdk.Path("payments", effect.Plan.Subject.ID, "refunds")
	answer, err := context.Post("api", place).JSON(body).Step("refund").OK()
	if err != nil {
		return none, err
	}
	var now refund
	if err := answer.JSON(&now); err != nil {
		return none, err
	}
	receipt := effect.Receipt(now.snapshot())
	receipt.VendorRequestID = answer.RequestID()
	return receipt, nil
}

func (refunds) Probe(context sdk.Context, effect sdk.Effect) (sdk.Finding, error) {
	found, err := look(context, effect)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return sdk.NotThere{}, nil
	}
	return sdk.Landed{Receipt: effect.Receipt(found.snapshot())}, nil
}
